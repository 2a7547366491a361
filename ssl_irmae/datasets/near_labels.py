"""Labels that are probably the same class, written in two ways."""

import difflib
import re
from collections import Counter

_ALIKE = 0.85
_SLIPS = 2  # letters
_SHORTEST = 3  # letters
_LONG = 5  # letters: of shorter words, another letter makes another word, such as "car" of "cat"
_FEW = 2  # labels: a slip of the keyboard is seldom made three times


def near_labels(counts: Counter[str]) -> list[tuple[str, str]]:
    """Find labels that look like slips of another.

    Labels are near if they differ in case, spaces and punctuation alone, or in decimals that say nothing, as "4" and
    "4,0" do. They are also near if one occurs once or twice and the other more often, and they differ by one letter (in
    words of fewer than five letters, by one too many), by two that changed places, or by two letters where their ratio
    by difflib is 0.85 or more. Never near are labels that differ in digits, in a word of one letter or a Roman number
    ("type A" and "type B"), or in a prefix ("normal" and "abnormal"), and labels of fewer than three letters.

    Args:
        counts: How often each label occurs.

    Returns:
        Pairs of the rarer and the more frequent label.

    >>> near_labels(Counter({"horse": 9, "hoorse": 1, "Horse": 2, "class 1": 5, "class 2": 1}))
    [('Horse', 'horse'), ('hoorse', 'horse')]
    >>> near_labels(Counter({"4": 9, "4,0": 3, "40": 3}))
    [('4,0', '4')]
    """
    by_count = sorted(counts, key=lambda label: (-counts[label], label))
    usual: dict[str, str] = {}
    pairs = [(label, usual[_letters(label)]) for label in by_count if usual.setdefault(_letters(label), label) != label]
    for rare in (label for label in by_count if counts[label] <= _FEW):
        frequent = (label for label in by_count if counts[label] > counts[rare])
        near = next((label for label in frequent if _is_slip(rare, label)), None)
        if near is not None and rare not in dict(pairs):
            pairs.append((rare, near))
    return pairs


def _letters(label: str) -> str:
    whole = re.fullmatch(r"(\d+)[.,]0+", label)
    return whole[1] if whole else "".join(c for c in label.casefold() if c.isalnum()) or label


def _is_slip(rare: str, frequent: str) -> bool:
    short, long = sorted((_letters(rare), _letters(frequent)), key=len)
    if len(short) < _SHORTEST or len(long) - len(short) > _SLIPS or long.endswith(short):
        return False
    if re.findall(r"\d", rare) != re.findall(r"\d", frequent):
        return False
    if any(len(word) == 1 or set(word) <= set("ivx") for word in _different_words(rare, frequent)):
        return False  # "type A" and "type B", "stage I" and "stage II"
    if _changed_places(short, long):
        return True
    match = difflib.SequenceMatcher(None, short, long, autojunk=False)
    slips = sum(max(b - a, d - c) for kind, a, b, c, d in match.get_opcodes() if kind != "equal")
    if len(short) == len(long) < _LONG:
        return False
    return slips == 1 or (slips <= _SLIPS and match.ratio() >= _ALIKE)


def _different_words(a: str, b: str) -> set[str]:
    return set(re.findall(r"\w+", a.casefold())) ^ set(re.findall(r"\w+", b.casefold()))


def _changed_places(a: str, b: str) -> bool:
    """Return whether two neighbouring letters changed places, and nothing else differs."""
    different = [i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y]
    return len(a) == len(b) and len(different) == 2 and a[different[0]] == b[different[1]] and sorted(a) == sorted(b)
