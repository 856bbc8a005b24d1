"""What of Faena is installed: a process that lasts tells by it that another one was installed over its own."""

from __future__ import annotations

from pathlib import Path

_PLACE = Path(__file__).parents[2]


def installed(place: Path = _PLACE) -> str | None:
    """What is on disk now, another one also where the same version is installed anew, as from a checkout that went on.

    None where that is not known: Faena runs from a source folder, or is being installed at this moment. An installer
    writes the list of files last.
    """
    try:
        (listed,) = place.glob("faena-*.dist-info/RECORD")
        return f"{listed.parent.stem} {listed.stat().st_mtime_ns} {place}"
    except (ValueError, OSError):
        return None


def replaces(now: str | None, running: str) -> bool:
    """Whether what is installed was put in the place of what a process runs. `running`: empty where it did not say.

    Another place is another installation, such as that of another virtual environment: none is the newer one.
    """
    if now is None or now == running:
        return False
    return not running or now.split(" ", 2)[2:] == running.split(" ", 2)[2:]
