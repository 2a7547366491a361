"""How studies are carried out: what is listed becomes encoders, trials, results, an answer and files."""
