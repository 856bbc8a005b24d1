"""Whether what a run is to start can be in its source folder. No I/O."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from faena.kernel.errors import UserErrorException
from faena.runs.submission_schemas import Entry

_SHOWN = 10


def check(entry: Entry, script: str, names: set[str]) -> None:
    """Raises UserErrorException for an entry that is not there; `names`: the files of the source folder.

    Modules and programs that the source folder does not hold may be the environment's or the machine's.
    """
    if entry == "module":
        _check_module(script, names)
    elif entry == "program":
        if not script.strip() or "\0" in script:
            raise UserErrorException(f"{script[:80]!r} cannot be a program. Give a name or a path.")
    elif posixpath.normpath(script) not in names:
        raise UserErrorException(
            f"The entry script {script[:200]!r} is not in the source folder. There is: {_some(names)}. "
            "Give its path relative to the source folder, and see that no ignore file excludes it."
        )


def _check_module(name: str, names: set[str]) -> None:
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        meant = name.strip("./").removesuffix(".py").replace("/", ".")
        raise UserErrorException(
            f"{name[:200]!r} cannot be a module. Give its dotted name, such as {meant[:200]!r}, or leave -m out to run "
            "a file."
        )
    path = "/".join(parts)
    if {f"{path}.py", f"{path}/__main__.py"} & names:
        return
    below = [each for each in names if each.startswith(f"{parts[0]}/")]
    if f"{path}/__init__.py" in names:
        raise UserErrorException(
            f"The package {name[:200]!r} cannot be run: the source folder has no {path}/__main__.py. "
            "Add one, or name a module of the package."
        )
    if len(parts) > 1 and parts[-1] == "py" and f"{path[:-3]}.py" in names:
        raise UserErrorException(f"Modules have no ending: leave '.py' out of {name[:200]!r}.")
    if below or f"{parts[0]}.py" in names:
        raise UserErrorException(
            f"The module {name[:200]!r} is not in the source folder, which has no {path}.py. There is: "
            f"{_some(below or names)}. Start its name at the source folder's root, and see that no ignore file "
            "excludes it."
        )


def _some(names: Iterable[str]) -> str:
    listed = sorted(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return (", ".join(listed[:_SHOWN]) or "nothing") + more
