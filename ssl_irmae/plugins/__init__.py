"""What is registered from outside: installed plug-ins, and what a notebook or a script registers."""
