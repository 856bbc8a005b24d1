"""Files below a folder that nothing may leave: what a datastore gives and takes. Standard library only, for nodes too.

A path is relative, with `/` between names. A link counts as what it leads to as long as that lies in the folder;
one that leads out is never followed.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from faena.kernel.copying import copy
from faena.kernel.durable import sync_folder
from faena.kernel.errors import NotFound, StorageFull, UserErrorException

_LONGEST_PATH = 4000
_LONGEST_NAME = 255
_MOST_FOLDERS = 200
"""Each is looked at from the first one on, and walked into."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_UNFINISHED = re.compile(r"\.faena-[0-9a-f]{16}\.part")
"""Names of files that are being written: never listed, so that none of a killed writer is taken for data."""


class Found(NamedTuple):
    """A regular file."""

    path: str
    """Relative to the folder, by the names that led to it."""
    place: Path
    """Where its bytes are: never a link."""
    size: int


class Listing(NamedTuple):
    files: list[Found]
    """By path."""
    left_out: list[str]
    """What is no file to have, and why, a sentence each."""
    folders: list[str]
    """Those below the one that was listed, empty ones too."""


def is_unfinished(name: str) -> bool:
    """Whether a file of this name is one that is being written."""
    return _UNFINISHED.fullmatch(name) is not None


def check(path: object, what: str = "path") -> str:
    """The path in its one spelling, `''` for the folder itself: no `.` parts, no slash at the end.

    Raises UserErrorException, naming `what`, for a path that is absolute, has an empty or `..` part, a backslash, a
    control character, what is not UTF-8, or is too long.
    """
    if isinstance(path, os.PathLike):
        path = os.fspath(path)
    if not isinstance(path, str):
        raise UserErrorException(f"The {what} {path!r} is no text. Use a relative path such as 'data/train'.")
    reason = _refusal(path)
    if reason:
        shown = repr(path) if len(path) <= 200 else f"{path[:200]!r}… ({len(path)} characters)"
        raise UserErrorException(f"The {what} {shown} {reason}. Use a relative path such as 'data/train'.")
    return "/".join(part for part in path.split("/") if part not in ("", "."))


def _refusal(path: str) -> str | None:
    if path.startswith("/"):
        return "is absolute"
    if "\\" in path or _CONTROL.search(path):
        return "holds a backslash or a control character"
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        return "is not UTF-8"
    parts = path.removesuffix("/").split("/")
    if ".." in parts or ("" in parts and path):
        return "has an empty or '..' part"
    if size > _LONGEST_PATH or any(len(part.encode()) > _LONGEST_NAME for part in parts):
        return "is too long"
    if len(parts) > _MOST_FOLDERS:
        return f"lies in more than {_MOST_FOLDERS} folders"
    return None


def resolve(root: Path, path: str) -> Path:
    """Where `path`, a file or a folder, really is. Raises NotFound, and UserErrorException for a link out of `root`."""
    path = check(path)
    try:
        real = (root / path).resolve(strict=True)
        inside = real.is_relative_to(root.resolve(strict=True))
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"There is no {path or 'folder'!r} in {root}.") from None
    except (OSError, RuntimeError) as error:  # RuntimeError: links that lead in a circle
        raise UserErrorException(f"{path!r} in {root} cannot be read: {error}.") from error
    if not inside:
        raise UserErrorException(
            f"{path!r} in {root} is a link out of that folder. Replace it by what it leads to."
        )
    return real


def walk(root: Path, path: str = "") -> Listing:
    """All files below `path`, or `path` itself when it is one. Raises as `resolve` does."""
    path = check(path)
    real = resolve(root, path)
    listing = Listing([], [], [])
    if real.is_dir():
        _walk(root.resolve(), path, real, (real,), listing)
    elif real.is_file():
        listing.files.append(Found(path, real, real.stat().st_size))
    else:
        raise UserErrorException(f"{path!r} in {root} is no regular file and no folder.")
    listing.files.sort()
    return listing


def _walk(root: Path, prefix: str, folder: Path, chain: tuple[Path, ...], listing: Listing) -> None:
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
    except OSError as error:
        listing.left_out.append(f"{prefix!a} cannot be read: {error.strerror}")
        return
    for name in names:
        path = f"{prefix}/{name}" if prefix else name
        reason = _take(root, path, folder / name, chain, listing)
        if reason:
            listing.left_out.append(f"{path!a} {reason}")


def _take(root: Path, path: str, place: Path, chain: tuple[Path, ...], listing: Listing) -> str | None:
    """Add what is at `place`, or say why it is left out."""
    if is_unfinished(place.name):
        return None
    if reason := _refusal(path):
        return reason
    try:
        status = place.lstat()
        if stat.S_ISLNK(status.st_mode):
            place = place.resolve(strict=True)
            status = place.stat()
            if not place.is_relative_to(root):
                return "is a link out of its folder"
    except (OSError, RuntimeError):
        return "leads to nothing"
    if stat.S_ISREG(status.st_mode):
        listing.files.append(Found(path, place, status.st_size))
    elif not stat.S_ISDIR(status.st_mode):
        return "is not a regular file"
    elif place in chain:
        return "is a link to a folder above it"
    else:
        listing.folders.append(path)
        _walk(root, path, place, (*chain, place), listing)
    return None


def write(
    root: Path,
    path: str,
    source: IO[bytes],
    *,
    overwrite: bool,
    durable: bool = True,
    before_it_counts: Callable[[], None] = lambda: None,
) -> bool:
    """Store the rest of `source` as the file `path`; False when something is there and is not to be replaced.

    Whole or not at all, and on disk when this returns, unless `durable` is False; of several at once without
    `overwrite` exactly one succeeds. Missing folders below `root` are made, `root` itself is not. What
    `before_it_counts` raises, once the bytes are copied, leaves things as they were.
    Raises UserErrorException for a path that cannot be a file there, NotFound when `root` is gone, StorageFull.
    """
    path = check(path)
    if not path:
        raise UserErrorException(f"A file in {root} needs a name.")
    with _translated(root, path):
        folder = _make_parents(root, path)
        target = folder / path.rpartition("/")[2]
        if target.is_dir():
            raise UserErrorException(f"{path!r} in {root} is a folder. Give the file another name.")
        if not overwrite and os.path.lexists(target):
            return False
        temporary = folder / f".faena-{os.urandom(8).hex()}.part"
        try:
            with temporary.open("xb") as sink:
                copy(source, sink)
                sink.flush()
                if durable:
                    os.fsync(sink.fileno())
            before_it_counts()
            if overwrite:
                temporary.replace(target)
            else:
                os.link(temporary, target)
        except FileExistsError:
            return False
        finally:
            temporary.unlink(missing_ok=True)
        if durable:
            sync_folder(folder)
    return True


def remove(root: Path, path: str) -> int:
    """Delete a file, or a folder with all that it holds; how many files that were. Links are removed, not followed.

    Raises NotFound, and UserErrorException for the folder itself.
    """
    path = check(path)
    if not path:
        raise UserErrorException(f"{root} itself cannot be removed. Name what to remove in it.")
    parent, _, name = path.rpartition("/")
    place = resolve(root, parent) / name
    if not os.path.lexists(place):
        raise NotFound(f"There is no {path!r} in {root}.")
    with _translated(root, path):
        if place.is_dir() and not place.is_symlink():
            count = sum(len(files) for _, _, files in os.walk(place))
            shutil.rmtree(place)
            return count
        place.unlink()
    return 1


def _make_parents(root: Path, path: str) -> Path:
    """The real folder that `path` lies in; missing ones are made."""
    folder = resolve(root, "")
    done = ""
    for name in path.split("/")[:-1]:
        done = f"{done}/{name}" if done else name
        (folder / name).mkdir(exist_ok=True)
        folder = resolve(root, done)
    return folder


@contextmanager
def _translated(root: Path, path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(
                f"The disk that holds {root} is full. Free some space and try again."
            ) from error
        if isinstance(error, (FileExistsError, NotADirectoryError)):
            raise UserErrorException(
                f"{path!r} needs a folder in {root} where there is a file. Choose another path."
            ) from error
        raise UserErrorException(f"{path!r} in {root} cannot be written: {error.strerror}.") from error
