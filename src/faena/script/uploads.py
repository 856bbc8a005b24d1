"""Files on their way to a run: what they may be called, and where their bytes lie on this machine."""

from __future__ import annotations

import os

from faena.script import values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any, ContextManager, Iterator, Sequence

MAX_FILE_NAME = 1024


def check_file_name(given: object, *, folder: bool = False) -> str:
    """The name of a file of a run, `outputs/model.npz`; with `folder` also one that ends in a slash.

    `./outputs/model.npz` is the same name: scripts are told to write into `./outputs`.
    Raises UserErrorException for an absolute one, one with '..', a backslash or a control character.
    """
    if isinstance(given, os.PathLike):
        given = os.fspath(given)
    name = without_dot(values.check_name(given, "file name", MAX_FILE_NAME))
    plain = name.rstrip("/") if folder else name
    if name.startswith("/") or "\\" in name or any(part in ("", ".", "..") for part in plain.split("/")):
        raise values.refuse(
            "{!r} is not a file name of a run. Use a relative one with forward slashes, such as "
            "'outputs/model.npz'.".format(name)
        )
    return name


def without_dot(name: str) -> str:
    """`./a` as `a`: below the run's folder they are the same."""
    while name.startswith("./"):
        name = name[2:].lstrip("/")
    return name


def file(name: object, path: str | os.PathLike[str]) -> tuple[str, str]:
    """Name and absolute path. Raises UserErrorException when the path is no regular file."""
    name = check_file_name(name)
    where = _absolute(path)
    if not os.path.isfile(where):
        if os.path.isdir(where):
            kind = "a folder: use upload_folder"
        else:
            kind = "not a regular file" if os.path.exists(where) else "no file that exists"
        raise values.refuse("{!r} cannot be uploaded as {!r}: it is {}.".format(where, name, kind))
    return name, where


def files(names: Sequence[object], paths: Sequence[str | os.PathLike[str]]) -> dict[str, str]:
    """Paths by name. Raises TypeError for lists of unequal length, UserErrorException for what cannot be uploaded."""
    if isinstance(names, (str, bytes)) or isinstance(paths, (str, bytes)):
        raise TypeError(
            "upload_files takes a list of names and a list of paths. Use upload_file for one file."
        )
    names, paths = list(names), list(paths)
    if len(names) != len(paths):
        raise TypeError(
            "upload_files got {} names and {} paths. Give one path for each name.".format(
                len(names), len(paths)
            )
        )
    found: dict[str, str] = {}
    for given, path in zip(names, paths):  # noqa: B905  Python 3.8 knows no `strict`
        name, where = file(given, path)
        if name in found:
            raise values.refuse("The name {!r} was given twice. Give each file its own.".format(name))
        found[name] = where
    return found


def folder(name: object, path: str | os.PathLike[str]) -> dict[str, str]:
    """Paths by name of all files below the folder `path`; each name is `name`, a slash and the path below the folder.

    Links to files count as files, links to folders are not followed. Raises UserErrorException for a path that is
    no folder or that holds a pipe, a socket, a device or a name that is no text.
    """
    name = check_file_name(name, folder=True).rstrip("/")
    root = _absolute(path)
    if not os.path.isdir(root):
        raise values.refuse("{!r} cannot be uploaded as the folder {!r}: it is no folder.".format(root, name))
    found: dict[str, str] = {}
    for place, folders, names in os.walk(root, onerror=_raise):
        folders.sort()
        for base in sorted(names):
            where = os.path.join(place, base)
            below = os.path.relpath(where, root).replace(os.sep, "/")
            file_name, _ = file(name + "/" + below, where)
            found[file_name] = where
    return found


def stream(name: object, source: Any) -> ContextManager[str]:
    """The path of a temporary copy of an open file, text or bytes. Raises UserErrorException for anything else."""
    if not hasattr(source, "read"):
        raise values.refuse(
            "{!r} cannot be uploaded as {!r}: give a path or an open file.".format(source, name)
        )
    import contextlib

    return contextlib.contextmanager(_copied)(source)


def _copied(source: IO[Any]) -> Iterator[str]:
    import shutil
    import tempfile

    with tempfile.NamedTemporaryFile(prefix="faena-upload-") as copy:
        part = source.read(1 << 20)
        if isinstance(part, str):
            while part:
                copy.write(part.encode())
                part = source.read(1 << 20)
        else:
            copy.write(part)
            shutil.copyfileobj(source, copy)
        copy.flush()
        yield copy.name


def _absolute(path: object) -> str:
    if isinstance(path, os.PathLike):
        path = os.fspath(path)
    if not isinstance(path, str) or not path or "\0" in path:
        raise values.refuse("{!r} is not a path of this machine.".format(path))
    return os.path.abspath(os.path.expanduser(path))


def _raise(error: OSError) -> None:
    raise values.refuse("{!r} cannot be read: {}.".format(error.filename, error.strerror))
