"""The list in docs/studies, from the pages of the studies beside it; docs/tables.py writes it."""

from pathlib import Path

FOLDER = Path(__file__).parent / "studies"


def blocks() -> dict[str, str]:
    """Return the generated block by name: of every stored study its question, its command and its first answer."""
    return {"answers": "\n\n".join(_entry(path) for path in sorted(FOLDER.glob("*/README.md")))}


def _entry(path: Path) -> str:
    """Quote a page, which begins with title, question and answer, a paragraph each, and has its command indented."""
    text = path.read_text()
    _, question, answer, *_ = text.split("\n\n")
    command = next(line.strip() for line in text.splitlines() if line.startswith("    ssl-irmae study"))
    return f"**[{path.parent.name}]({path.parent.name}/README.md)** (`{command}`). {question} {answer}"
