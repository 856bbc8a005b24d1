"""Where files of a run go on this machine: never outside the folder that was named."""

from __future__ import annotations

import os
import time

from faena.script import values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence


def targets(
    names: Sequence[str],
    output_directory: str | os.PathLike[str] | None,
    output_paths: Sequence[str | os.PathLike[str]] | None,
) -> dict[str, str]:
    """The path of each name: its own below the directory (default: here), or the one given in its place.

    Raises UserErrorException when there is not one path for each, and for a name or path that leaves the directory.
    """
    root = os.path.abspath(os.path.expanduser(os.fspath(output_directory or ".")))
    places = list(names) if output_paths is None else [os.fspath(path) for path in output_paths]
    if len(places) != len(names):
        raise values.refuse(
            "{} output_paths were given for {} files. Give one for each.".format(len(places), len(names))
        )
    real = os.path.realpath(root)
    found = {}
    for name, place in zip(names, places):  # noqa: B905  Python 3.8 knows no `strict`
        path = os.path.join(root, place)
        # a link that lies in the directory must not lead what is written out of it
        inside = os.path.realpath(os.path.dirname(path))
        if os.path.commonpath([real, inside]) != real:
            raise values.refuse("{!r} would be written to {}, outside {}.".format(name, inside, root))
        found[name] = path
    return found


def without_prefix(names: Sequence[str], prefix: str) -> list[str]:
    """Their paths below `prefix`; a file that is the prefix itself keeps its base name."""
    return [name[len(prefix) :].lstrip("/") or name.rpartition("/")[2] for name in names]


def check_time(until: float | None, name: str, seconds: float | None) -> None:
    """Raises ServiceException when the clock is past `until`, before `name` is begun."""
    if until is None or time.monotonic() < until:
        return
    from faena.script.errors import ServiceException

    raise ServiceException(
        "The download was not done within {} s: {!r} and what follows are missing. Give a longer "
        "timeout_seconds, or a narrower prefix.".format(seconds, name)
    )


def archive_path(snapshot: str, path: str | os.PathLike[str] | None) -> str:
    """Where the archive of a snapshot goes: `path` where it names a .zip, else `<snapshot>.zip` in that folder."""
    given = os.fspath(path or ".")
    target = os.path.abspath(os.path.expanduser(given))
    if given.lower().endswith(".zip") and not os.path.isdir(target):
        return target
    return os.path.join(target, snapshot + ".zip")
