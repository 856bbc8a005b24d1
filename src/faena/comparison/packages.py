"""Compares what two environments held. No I/O."""

from __future__ import annotations

import re
from typing import Any

from faena.comparison.model import Section
from faena.comparison.values import named

_PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?\s*==\s*([^\s;\\]+)")
_AT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?\s*@\s*(\S+)")


def versions(requirements: str) -> dict[str, str]:
    """Version, or address, by package, of a file of exact requirements with hashes."""
    found: dict[str, str] = {}
    for line in requirements.splitlines():
        match = _PINNED.match(line) or _AT.match(line)
        if match:
            found[re.sub(r"[-_.]+", "-", match[1]).lower()] = match[2]
    return found


def compare(left: dict[str, Any] | None, right: dict[str, Any] | None) -> Section:
    """Of two locks as the server gives them; None: the run has none."""
    if left is None or right is None:
        which = "Neither run has" if left is right else "One of the runs has no"
        return Section(
            "packages", (), note=f"{which} an environment." if left is right else f"{which} environment."
        )
    found = named("packages", held(left), held(right))
    used_as_is = not (left["built"] and right["built"])
    note = "An interpreter was used as it is: nobody noted what was installed in it." if used_as_is else ""
    return Section("packages", found.changes, found.same, note)


def held(lock: dict[str, Any]) -> dict[str, str]:
    """What an environment held, the interpreter too, of a lock as the server gives it."""
    interpreter = lock["interpreter"]
    return {
        "(python)": f"{interpreter['implementation']} {interpreter['version']}",
        "(interpreter)": str(interpreter["path"]),
        "(platform)": str(lock["platform"]),
        **versions(lock["requirements"]),
        **{each["name"]: f"sha256:{each['digest']}" for each in lock.get("archives", ())},
    }
