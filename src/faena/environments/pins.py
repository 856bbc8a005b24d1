"""What a framework brings and what the user says of the same packages, brought together for one interpreter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from packaging.requirements import Requirement

from faena.environments.model import Interpreter
from faena.environments.requirements import holds_on, name_of, says_version


class Settled(NamedTuple):
    requirements: tuple[str, ...]
    notes: tuple[str, ...]
    """For the build log: pins that the user's own words took the place of."""


def settle(own: Sequence[str], pins: Sequence[str], interpreter: Interpreter | None) -> Settled:
    """Pins first, then the user's packages, whose version wins over a pin of the same name.

    `interpreter`: a line whose marker rules it out says nothing there; None: all markers are taken to hold.
    """
    applying = [each for each in own if _holds(each, interpreter)]
    said = [each for each in applying if says_version(each)]
    versioned = {name_of(each) for each in said}
    kept = [pin for pin in pins if name_of(pin) not in versioned]
    pinned = {name_of(pin) for pin in kept}
    # A bare name that a pin covers adds nothing, unless it brings extras or a marker.
    rest = [each for each in own if name_of(each) not in pinned or not _bare(each)]
    notes = [
        f"{', '.join(each for each in said if name_of(each) == name_of(pin))} is taken as asked, in place of {pin}."
        for pin in pins
        if name_of(pin) in versioned and not _agree(pin, said)
    ]
    return Settled((*kept, *rest), tuple(notes))


def _holds(requirement: str, interpreter: Interpreter | None) -> bool:
    marker = Requirement(requirement).marker
    if marker is None or interpreter is None:
        return True
    return holds_on(marker, interpreter.version, interpreter.implementation)


def _agree(pin: str, said: Sequence[str]) -> bool:
    """Whether the user names one version that the pin allows, so that nothing need be said."""
    allowed = Requirement(pin).specifier
    exact = [
        clause.version
        for each in said
        if name_of(each) == name_of(pin)
        for clause in Requirement(each).specifier
        if clause.operator == "==" and not clause.version.endswith(".*")
    ]
    return any(allowed.contains(version, prereleases=True) for version in exact) or not str(allowed)


def _bare(requirement: str) -> bool:
    parsed = Requirement(requirement)
    return not (parsed.extras or parsed.marker)
