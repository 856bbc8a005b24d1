"""What the tests of the doctor share."""

from __future__ import annotations

from faena.health.examination import GROUPS
from faena.health.finding import Finding, State
from faena.health.subject import Subject


def findings(subject: Subject, *groups: str) -> dict[str, Finding]:
    """By name, of some groups of checks."""
    return {
        finding.name: finding for group in groups for check in GROUPS[group] for finding in check(subject)
    }


def unwell(subject: Subject, *groups: str) -> dict[str, State]:
    """The states of what is not well."""
    found = findings(subject, *groups)
    return {name: finding.state for name, finding in found.items() if finding.state is not State.OK}
