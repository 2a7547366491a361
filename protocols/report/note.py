"""One thing that a reader of a table should know."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
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
    "curves",
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
        columns: The same by column, where it explains columns: a head, and the clause on it. A terminal too narrow for
            a column leaves out its clause.
    """

    kind: Kind
    text: str
    brief: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)

    def brief_for(self, heads: Collection[str]) -> str:
        """Return what is shown of it below tables with these columns."""
        if not self.columns:
            return self.brief
        clauses = [clause for head, clause in self.columns.items() if head in heads]
        return f"{'; '.join(clauses)}." if clauses else ""


def on_columns(kind: Kind, text: str, columns: Mapping[str, str]) -> Note:
    """Return a note on columns."""
    return Note(kind, text, f"{'; '.join(columns.values())}.", columns)


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


def brief_notes(notes: Sequence[Note], heads: Collection[str] | None = None) -> list[str]:
    """Choose at most five short notes for a terminal, the most important first.

    Args:
        notes: All notes.
        heads: Columns that the tables show; None for all of them.
    """
    short = [(note.kind, note.brief if heads is None else note.brief_for(heads)) for note in notes]
    short = [(kind, text) for kind, text in short if text]
    short.sort(key=lambda note: _BRIEF.index(note[0]) if note[0] in _BRIEF else len(_BRIEF))
    return [text for _, text in short[:_MOST]]


def join(words: Sequence[str]) -> str:
    """List words: ``"a, b and c"``."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def lower_first(sentence: str) -> str:
    """Write a sentence so that it can follow a colon."""
    return sentence[0].lower() + sentence[1:]


def upper_first(sentence: str) -> str:
    """Write a clause as a sentence of its own."""
    return sentence[0].upper() + sentence[1:]
