"""What the checks found of one result, and how it is said."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ssl_irmae.protocols.report.checks.check import Check, Evidence, Result
from ssl_irmae.protocols.report.checks.registry import CHECKS
from ssl_irmae.protocols.report.note import lower_first


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Args:
        code: The code of the check, such as ``"SSI012"``.
        check: The check.
        result: What it found.
        ignored: Whether the user asked to ignore it: it is named as ignored, and counts neither way.
    """

    code: str
    check: Check
    result: Result
    ignored: bool = False

    @property
    def outcome(self) -> Literal["passed", "failed", "unknown", "ignored"]:
        """What counts."""
        return "ignored" if self.ignored else self.result.outcome


def run_checks(evidence: Evidence, ignore: Sequence[str] = ()) -> tuple[Finding, ...]:
    """Run every check, in the order of the codes.

    Args:
        evidence: What they look at.
        ignore: Codes of checks that the user ignores.
    """
    rows = evidence.first.noun == "row"
    checks = {code: check.about_rows() if rows else check for code, check in CHECKS.items()}
    return tuple(Finding(code, check, check.look(evidence), code in ignore) for code, check in checks.items())


def counted(findings: Sequence[Finding]) -> str:
    """Say how many checks passed, and name those that were ignored or could not be made."""
    codes = {
        outcome: [f.code for f in findings if f.outcome == outcome] for outcome in ("passed", "unknown", "ignored")
    }
    parts = [f"{len(codes['passed'])} of {len(findings)} passed"]
    if codes["unknown"]:
        parts.append(f"{len(codes['unknown'])} could not be made ({', '.join(codes['unknown'])})")
    if codes["ignored"]:
        parts.append(f"ignored: {', '.join(codes['ignored'])}")
    return "; ".join(parts)


def failures(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings that a reader must see: checks that failed and are not ignored."""
    return [finding for finding in findings if finding.outcome == "failed"]


def detailed(findings: Sequence[Finding]) -> list[str]:
    """Say all of it: what failed comes first, and what passed in one entry."""
    by_outcome = {
        outcome: [f for f in findings if f.outcome == outcome] for outcome in ("failed", "unknown", "ignored", "passed")
    }
    lines = [
        f"{_name(f)}: {f.result.details} Why it matters: {lower_first(f.check.why)} What to do: "
        f"{lower_first(f.check.remedy)}"
        for f in by_outcome["failed"]
    ]
    lines += [f"{_name(f)}: could not be made. {f.result.details}" for f in by_outcome["unknown"]]
    lines += [f"{_name(f)}: ignored. {f.result.details}".strip() for f in by_outcome["ignored"]]
    passed = ", ".join(map(_name, by_outcome["passed"]))
    return [*lines, *([f"Passed: {passed}."] if passed else [])]


def _name(finding: Finding) -> str:
    return f"{finding.code} {finding.check.name}"
