import typer
app = typer.Typer()
@app.command()
def list() -> None:
    """To come."""
@app.command()
def show() -> None:
    """To come."""
