"""Lists the files of a model on this machine. Reads names only; what is no plain file is refused by name."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from faena.kernel.errors import WebserviceException
from faena.kernel.file_names import check as check_name

MOST_FILES = 100_000

_NAMED = 20
"""How many names an error lists."""

_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class Source(NamedTuple):
    """A file to take."""

    path: str
    """In the model."""
    place: Path
    """On this machine: never a link."""


def collect(path: str, child_paths: Sequence[str] = ()) -> list[Source]:
    """The files of the file or folder `path`, an absolute path, as a model holds them; sorted.

    A file has its base name in the model, the files of a folder are below the folder's. `child_paths` chooses
    files and folders of the folder. Nothing is ignored: a model without one of its files is no model. A link inside
    the folder is followed while it stays there; `path` itself may be a link to anywhere, since it was named.

    Raises WebserviceException for a path that is missing, naming what is there; for a folder without files; for FIFOs,
    sockets, devices, links that leave the folder, lead nowhere or form a loop; for what cannot be read.
    UserErrorException for a file name that no other machine could be sure to spell.
    """
    place = _resolved(path)
    name = Path(path).name or place.name
    mode = _mode(place, path)
    if stat.S_ISREG(mode):
        if child_paths:
            raise WebserviceException(f"{_shown(path)} is a file; child_paths are for a folder.")
        return [Source(check_name(name), place)]
    if not stat.S_ISDIR(mode):
        raise WebserviceException(f"{_shown(path)} is {_kind(mode)}. A model is a file or a folder of files.")
    if not name:
        raise WebserviceException("The whole file system cannot be a model. Give the folder of the model.")
    walk = _Walk(place, check_name(name))
    for start in _starts(place, child_paths):
        walk.take(start)
    if not walk.found:
        raise WebserviceException(f"The folder {_shown(path)} holds no file. Give the folder of the model.")
    return [Source(name, found) for name, found in sorted(walk.found.items())]


class _Step(NamedTuple):
    place: Path
    below: str
    """In the model's folder, as the walk came; empty for the folder itself."""
    chain: tuple[Path, ...]
    """Real folders that the walk came through."""


class _Walk:
    def __init__(self, root: Path, name: str) -> None:
        self.root = root
        self.name = name
        self.found: dict[str, Path] = {}
        self.looked_at = 0

    def take(self, start: str) -> None:
        """A file of the root, or everything below a folder of it."""
        todo = [_Step(self.root / start, start, (self.root,) if start else ())]
        while todo:
            step = todo.pop()
            real = self.inside(step)
            mode = _mode(real, step.below)
            if stat.S_ISREG(mode):
                self.found[check_name(f"{self.name}/{step.below}")] = real
            elif not stat.S_ISDIR(mode):
                raise WebserviceException(
                    f"{_shown(step.below)} in the model's folder is {_kind(mode)}, which no model can hold. Remove it."
                )
            elif real in step.chain:
                raise WebserviceException(
                    f"The link {_shown(step.below)} in the model's folder leads back to {_shown(real)}: a loop. "
                    "Remove it."
                )
            else:
                prefix = f"{step.below}/" if step.below else ""
                chain = (*step.chain, real)
                todo += [_Step(real / name, prefix + name, chain) for name in _names(real, step.below)]
            self.looked_at += 1
            if self.looked_at > MOST_FILES:
                raise WebserviceException(
                    f"The folder {_shown(self.root)} holds more than {MOST_FILES:,} files and folders. Pack them "
                    "into an archive, or choose some by child_paths."
                )

    def inside(self, step: _Step) -> Path:
        shown = _shown(step.below)
        try:
            real = Path(os.path.realpath(step.place, strict=True))
        except FileNotFoundError:
            raise WebserviceException(
                f"{shown} in the model's folder is a link to nothing, or was removed meanwhile."
            ) from None
        except OSError as error:
            raise WebserviceException(
                f"{shown} in the model's folder cannot be followed: {error.strerror}."
            ) from error
        if not real.is_relative_to(self.root):
            raise WebserviceException(
                f"The link {shown} leads out of the model's folder, to {_shown(real)}. Replace it by a copy of what "
                "it points to."
            )
        return real


def _resolved(path: str) -> Path:
    if "\0" in path or not path.startswith("/"):
        raise WebserviceException(f"{_shown(path)} is not an absolute path.")
    try:
        return Path(os.path.realpath(path, strict=True))
    except (FileNotFoundError, NotADirectoryError):
        raise WebserviceException(f"There is no model at {_shown(path)}. {_what_is_there(path)}") from None
    except (OSError, ValueError) as error:
        raise WebserviceException(f"The model {_shown(path)} cannot be opened: {error}.") from error


def _what_is_there(path: str | Path) -> str:
    """What the nearest folder above that exists holds."""
    above = Path(path).parents
    folder = next(parent for parent in above if os.path.isdir(parent))  # noqa: PTH112  never raises
    names = sorted(_names(folder, str(folder)))
    shown = ", ".join(_shown(name) for name in names[:_NAMED])
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{_shown(folder)} holds: {shown or 'nothing'}{more}."


def _starts(root: Path, child_paths: Sequence[str]) -> list[str]:
    starts = []
    for child in child_paths:
        if "\0" in child or child.startswith("/") or ".." in child.split("/"):
            raise WebserviceException(
                f"The child path {_shown(child)} is not below the model's folder. Give relative paths."
            )
        place = root / child
        if not os.path.lexists(place):
            raise WebserviceException(
                f"There is no {_shown(child)} in the model's folder. {_what_is_there(place)}"
            )
        starts.append("" if place == root else place.relative_to(root).as_posix())
    return starts or [""]


def _names(folder: Path, shown: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208  names are all that is needed
    except OSError as error:
        raise WebserviceException(
            f"The folder {_shown(shown)} cannot be read: {error.strerror}. Give this user the right to read it."
        ) from error


def _mode(place: Path, shown: str) -> int:
    try:
        return place.stat().st_mode
    except OSError as error:
        raise WebserviceException(f"{_shown(shown)} cannot be read: {error.strerror}.") from error


def _kind(mode: int) -> str:
    return _KINDS.get(stat.S_IFMT(mode), "no regular file")


def _shown(path: str | Path) -> str:
    """Printable whatever its bytes are, and not endless."""
    return repr(str(path)[:300])
