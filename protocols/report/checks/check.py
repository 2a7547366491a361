"""One numbered check: what it looks for, why that matters, what to do, and the function that looks."""

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ssl_irmae.protocols.duplicates import Duplicates
from ssl_irmae.protocols.statistics.folds import pool_folds
from ssl_irmae.protocols.statistics.summary import Comparison, Summary
from ssl_irmae.protocols.storage.rows import Row


@dataclass(frozen=True)
class Evidence:
    """What checks look at: one protocol.

    Args:
        rows: Every row.
        summaries: Their summaries.
        baseline: The contender that differences are taken to.
        comparisons: The comparisons that the protocol declared, as far as they were run.
        declared: How many it declared, run or not.
        duplicates: Which images occur more than once; None where that is not known.
        wrong: Which scored images were wrong, by the hash of a row's predictions, where it is known; see ``mistakes``.
    """

    rows: Sequence[Row]
    summaries: Sequence[Summary]
    baseline: str
    comparisons: Sequence[Comparison] = ()
    declared: int = 0
    duplicates: Duplicates | None = None
    wrong: Mapping[str, bytes] = field(default_factory=dict)

    @functools.cached_property
    def first(self) -> Row:
        """The first row, of all folds together where there are folds: what is the same in all rows."""
        return pool_folds(self.rows)[0]

    @functools.cached_property
    def certain(self) -> set[tuple[str, int]]:
        """The contenders and budgets of which another run would give the same: one subset, and no randomness."""
        return {(row.contender, row.budget) for row in self.rows if row.one_subset and row.deterministic_at_full_set}

    @functools.cached_property
    def of_encoder(self) -> dict[str, list[Row]]:
        """The rows of each pretrained encoder, and of codes that were not made here."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            if row.encoder_hash is not None and row.representation is not None:
                found.setdefault(row.representation, []).append(row)
        return found

    @functools.cached_property
    def given_codes(self) -> list[str]:
        """The names among these of codes that were not made here."""
        return [name for name, rows in self.of_encoder.items() if any(row.codes_from is not None for row in rows)]


@dataclass(frozen=True)
class Result:
    """What a check found.

    Args:
        outcome: ``"passed"``, ``"failed"``, or ``"unknown"`` where what is at hand cannot tell.
        sentence: One short sentence: what was found, or why it cannot be told; empty if the check passed.
        details: The same with every name and number.
    """

    outcome: Literal["passed", "failed", "unknown"]
    sentence: str = ""
    details: str = ""


PASSED = Result("passed")


def failed(sentence: str, details: str = "") -> Result:
    """Say what was found; without details the sentence is all there is to say."""
    return Result("failed", sentence, details or sentence)


def unknown(why: str) -> Result:
    """Say why what is at hand cannot tell."""
    return Result("unknown", why, why)


@dataclass(frozen=True)
class Check:
    """One thing that may be wrong with a result.

    Args:
        name: What is wrong, as a noun.
        look: Looks for it.
        looks_for: What it looks for, and where it cannot tell.
        why: Why a result with it should not be trusted as it stands.
        remedy: What to do.
    """

    name: str
    look: Callable[[Evidence], Result]
    looks_for: str
    why: str
    remedy: str

    def about_rows(self) -> "Check":
        """Return the check as it is said of rows of numbers; as it stands it speaks of images."""
        texts = (self.name, self.looks_for, self.why, self.remedy)
        name, looks_for, why, remedy = (_IMAGE.sub(lambda word: _ROW[word[0]], text) for text in texts)
        return Check(name, self.look, looks_for, why, remedy)


_ROW = {
    "pixel by pixel at the size that learners read": "number by number",
    "picture": "row",
    "pictures": "rows",
    "pixels": "columns",
    "An image": "A row",
    "an image": "a row",
    "image": "row",
    "images": "rows",
    "Images": "Rows",
}
_IMAGE = re.compile(rf"\b(?:{'|'.join(_ROW)})\b")
