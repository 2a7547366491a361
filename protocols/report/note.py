"""One thing that a reader of a table should know."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    # what the columns are
    "error",
    "several pretrainings",
    "components",
    "difference",
    "p value",
    "pairs in brackets",
    "method",
    "worth",
    "comparisons",
    "subsets",
    "full set",
    "transductive",
    # what limits them
    "development",
    "folds",
    "not scored",
    "given codes",
    "plug-ins",
    "scored images",
    "classes",
    "retrieval",
    "clusters",
    "trouble",
    # what was run
    "readout",
    "settings",
    "left out",
    "not run",
    "software",
    "commits",
    "provenance",
]


@dataclass(frozen=True)
class Note:
    """A note under a table.

    Args:
        kind: What it is about; documents choose notes by this.
        text: The whole of it, in one or more sentences.
        brief: What a terminal shows of it; empty where it is only shown when all notes are.
    """

    kind: Kind
    text: str
    brief: str = ""


# what a newcomer must not miss comes first, then what the columns are
_BRIEF: tuple[Kind, ...] = (
    "error",
    "development",
    "folds",
    "not scored",
    "trouble",
    "given codes",
    "plug-ins",
    "retrieval",
    "clusters",
    "classes",
    "worth",
    "difference",
    "p value",
    "left out",
    "not run",
    "scored images",
    "transductive",
    "subsets",
)
_MOST = 5


def brief_notes(notes: Sequence[Note]) -> list[str]:
    """Choose at most five short notes for a terminal, the most important first."""
    short = [note for note in notes if note.brief]
    short.sort(key=lambda note: _BRIEF.index(note.kind) if note.kind in _BRIEF else len(_BRIEF))
    return [note.brief for note in short[:_MOST]]


def join(words: Sequence[str]) -> str:
    """List words: ``"a, b and c"``."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def lower_first(sentence: str) -> str:
    """Write a sentence so that it can follow a colon."""
    return sentence[0].lower() + sentence[1:]


def upper_first(sentence: str) -> str:
    """Write a clause as a sentence of its own."""
    return sentence[0].upper() + sentence[1:]
