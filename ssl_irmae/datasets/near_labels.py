"""Labels that are probably the same class, written in two ways."""

import difflib
import re
from collections import Counter

_ALIKE = 0.85
_SLIPS = 2  # letters
_SHORTEST = 4  # letters: "cat" and "car" are as alike as a word and its misspelling
_FEW = 2  # labels: a slip of the keyboard is seldom made three times
_MORE = 3  # times as many labels of the class that was meant


def near_labels(counts: Counter[str]) -> list[tuple[str, str]]:
    """Find labels that look like slips of another.

    Labels are near if they differ in case, spaces and punctuation alone. They are also near if one or two letters
    differ, their ratio by difflib is 0.85 or more, and one occurs once or twice while the other occurs three times as
    often. Labels that differ in digits are never near, nor are those of fewer than four letters, nor those that differ
    in a prefix: "abnormal" is not a slip of "normal".

    Args:
        counts: How often each label occurs.

    Returns:
        Pairs of the rarer and the more frequent label.

    >>> near_labels(Counter({"horse": 9, "hoorse": 1, "Horse": 2, "class 1": 5, "class 2": 1}))
    [('Horse', 'horse'), ('hoorse', 'horse')]
    """
    by_count = sorted(counts, key=lambda label: (-counts[label], label))
    usual: dict[str, str] = {}
    pairs = [(label, usual[_letters(label)]) for label in by_count if usual.setdefault(_letters(label), label) != label]
    for rare in (label for label in by_count if counts[label] <= _FEW):
        frequent = (label for label in by_count if counts[label] >= _MORE * counts[rare])
        near = next((label for label in frequent if _is_slip(rare, label)), None)
        if near is not None and rare not in dict(pairs):
            pairs.append((rare, near))
    return pairs


def _letters(label: str) -> str:
    return "".join(c for c in label.casefold() if c.isalnum()) or label


def _is_slip(rare: str, frequent: str) -> bool:
    short, long = sorted((_letters(rare), _letters(frequent)), key=len)
    if len(short) < _SHORTEST or len(long) - len(short) > _SLIPS or long.endswith(short):
        return False
    if re.findall(r"\d", rare) != re.findall(r"\d", frequent):
        return False
    match = difflib.SequenceMatcher(None, rare, frequent, autojunk=False)
    if match.quick_ratio() < _ALIKE or match.ratio() < _ALIKE:
        return False
    return sum(max(b - a, d - c) for kind, a, b, c, d in match.get_opcodes() if kind != "equal") <= _SLIPS
