"""The stored studies in docs/studies: their pages and the list of their answers, which docs/tables.py writes."""

import functools
from pathlib import Path

from ssl_irmae.protocols.studying.carry_out import CarriedOutStudy

FOLDER = Path(__file__).parent / "studies"


@functools.cache
def _stored() -> dict[str, CarriedOutStudy]:
    """Return every stored study by the name of its folder."""
    return {path.parent.name: CarriedOutStudy.read(path.parent) for path in sorted(FOLDER.glob("*/study.json"))}


def pages() -> dict[Path, str]:
    """Return the page of every stored study, made again from the rows beside it."""
    return {FOLDER / name / "README.md": study.page for name, study in _stored().items()}


def blocks() -> dict[str, str]:
    """Return the generated block by name: of every stored study its question, its command and its first answer."""
    return {"answers": "\n\n".join(_entry(name, study) for name, study in _stored().items())}


def _entry(name: str, carried_out: CarriedOutStudy) -> str:
    question, command = carried_out.results.study.question, carried_out.origin.command
    return f"**[{name}]({name}/README.md)** (`{command}`). *{question}* {carried_out.answer[0]}"
