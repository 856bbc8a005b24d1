"""Whether the folders are ours, private, writable, and have locks that work."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from faena.health.finding import Finding, ok, problem, warning
from faena.health.subject import Subject, nearest, probe
from faena.kernel import commit_record, ownership
from faena.kernel.settings import WORKSPACE_FOLDER
from faena.workspaces import sealed_secrets, secret_key
from faena.workspaces import secrets as secret_files
from faena.workspaces.model import BROWSERS, FORMAT

LONGEST_SOCKET = 107
"""Bytes that the path of a socket may have (Linux)."""
_SECRET = (secret_files.NAME, secret_key.NAME, BROWSERS)
_SOCKET_NAME = len("/0123456789abcdef/1234567.sock")
_MOVED_BY = {"state": "FAENA_HOME", "runtime": "FAENA_RUNTIME"}


def check_workspace(subject: Subject) -> Iterator[Finding]:
    """Whether there is one around, and its record can be read."""
    if subject.folder is None:
        yield ok("workspace", "none around; `faena init` makes one here")
        return
    record = subject.folder / "workspace.json"
    again = f"restore {shlex.quote(str(record))} from a backup"
    try:
        said = json.loads(record.read_text())
        name, found = str(said["name"]), int(said["format"])
    except FileNotFoundError:
        if (subject.folder / "objects").exists() or commit_record.place_of(
            subject.folder / "faena.db"
        ).exists():
            yield problem("workspace", f"{record} is missing, and a workspace has lived there", again)
        else:
            yield problem(
                "workspace", f"{subject.folder} holds none", f"faena init, in {subject.folder.parent}"
            )
    except PermissionError:
        above, owner = ownership.closed_by(record) or (subject.folder, _foreign(subject.folder))
        unread = f"{record} cannot be read by this user"
        if owner is None or owner == os.geteuid():
            yield problem("workspace", unread, f"chmod -R u+rwX {shlex.quote(str(subject.folder))}")
        else:
            yield problem("workspace", f"{unread}: {_whose(above, owner)}", _work_as(owner))
    except OSError as error:
        yield problem("workspace", f"{record} cannot be read: {error.strerror}", again)
    except (ValueError, KeyError, TypeError):
        yield problem("workspace", f"{record} is damaged", again)
    else:
        if found > FORMAT:
            yield problem("workspace", f"format {found}; this Faena reads {FORMAT}", "install a newer Faena")
        else:
            yield ok("workspace", f"{name} in {subject.folder.parent}")


def check_folders(subject: Subject) -> Iterator[Finding]:
    """Owner, mode, whether a file can be written and locked."""
    for what, path in subject.places.items():
        yield _folder(what, path)


def check_private_files(subject: Subject) -> Iterator[Finding]:
    """Tokens and sockets are for this user alone (0600)."""
    found = [path for place in subject.places.values() for path in _private_in(place) if _is_open(path)]
    if found:
        named = ", ".join(map(str, found[:3])) + (" …" if len(found) > 3 else "")
        yield problem("private files", f"open to others: {named}", f"chmod 600 {_words(found)}")
    else:
        yield ok("private files", "sockets and tokens are this user's alone")


def check_secrets(subject: Subject) -> Iterator[Finding]:
    """Whether they can be read: their key lies elsewhere."""
    place = None if subject.folder is None else subject.folder / secret_files.NAME
    key_place = subject.home / secret_key.NAME
    if place is None or not os.path.lexists(place):  # nor in a folder that is closed, which is named already
        return
    aside = f"mv {shlex.quote(str(place))} {shlex.quote(str(place))}.aside, and set the secrets again"
    try:
        data = place.read_bytes()
        if sealed_secrets.is_plain(data):
            yield warning("secrets", f"{place} is in plain text", "faena secret list, which encrypts it")
            return
        needed = sealed_secrets.envelope(data).key
    except (OSError, ValueError):
        yield problem("secrets", f"{place} cannot be read", aside)
        return
    try:
        key = key_place.read_bytes()
    except OSError as error:
        said = f"the key {needed} of {place} cannot be read from {key_place}: {error.strerror}"
        yield problem("secrets", said, f"bring {key_place} back from a backup; else {aside}")
        return
    if secret_key.name_of(key) != needed:
        said = f"{place} was encrypted with the key {needed}; {key_place} is another one"
        yield problem("secrets", said, f"bring {key_place} back from a backup; else {aside}")
    else:
        yield ok("secrets", "encrypted, and their key is there")


def _folder(what: str, path: Path) -> Finding:
    place = f"{what} folder"
    move = f"set {_MOVED_BY[what]} to a folder of yours" if what in _MOVED_BY else "move the workspace"
    try:
        found = path.stat()
    except FileNotFoundError:
        above = nearest(path)
        if above.is_dir() and os.access(above, os.W_OK | os.X_OK):
            return ok(place, f"{path} is not there yet; it is made when needed")
        return problem(place, f"{path} cannot be made: {above} cannot be written", move)
    except PermissionError:
        above, closer = ownership.closed_by(path) or (path, os.geteuid())
        if closer == os.geteuid():
            return problem(place, f"{path} cannot be reached", f"chmod u+x {shlex.quote(str(above))}")
        said = f"{path} cannot be reached: {_whose(above, closer)}"
        return problem(place, said, move if what in _MOVED_BY else _work_as(closer))
    if not stat.S_ISDIR(found.st_mode) or (what == "runtime" and path.is_symlink()):
        return problem(place, f"{path} is no folder", move)
    if what == "runtime" and len(os.fsencode(path)) + _SOCKET_NAME > LONGEST_SOCKET:
        return problem(place, f"{path} is too long a path for sockets", "set FAENA_RUNTIME to a shorter one")
    if (owner := _foreign(path)) is not None:
        return problem(place, _whose(path, owner), move if what in _MOVED_BY else _work_as(owner))
    if what == "runtime" and (who := ownership.exposed(path)) is not None:
        return problem(place, f"{path} can be replaced by others: {who}", move)
    if (trouble := _trouble(path)) is not None:
        own = f"chmod u+rwx {shlex.quote(str(path))}"
        return problem(place, f"{path} {trouble}", own if "permit" in trouble else move)
    if found.st_mode & 0o077:
        tell = problem if what == "runtime" else warning
        said = f"{path} is open to others (mode {stat.S_IMODE(found.st_mode):04o})"
        return tell(place, said, f"chmod 700 {shlex.quote(str(path))}")
    return ok(place, f"{path} is writable, private, has locks")


def _trouble(path: Path) -> str | None:
    """Why nothing can be written and locked there; None when it can."""
    try:
        with probe(path) as file, Path(file.name).open("rb") as second:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            try:
                fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return None
            return "has locks that do not lock (a network file system?)"
    except OSError as error:
        if error.errno == errno.EROFS:
            return "is on a read-only file system"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return "is on a full disk"
        if error.errno in (errno.EACCES, errno.EPERM):
            return "does not permit this user to write"
        if error.errno in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
            return "has no file locks (a network file system?)"
        return f"cannot be written: {error.strerror}"


def _private_in(place: Path) -> Iterator[Path]:
    try:
        entries = [Path(entry.path) for entry in os.scandir(place)]
    except OSError:
        return
    for path in entries:
        if path.suffix == ".sock" or "token" in path.name or path.name in _SECRET:
            yield path
        elif path.is_dir() and path.parent.name != WORKSPACE_FOLDER and len(path.name) == 16:
            yield from path.glob("*.sock")


def _is_open(path: Path) -> bool:
    try:
        return bool(path.lstat().st_mode & 0o077)
    except OSError:
        return False


def _foreign(path: Path) -> int | None:
    """Its owner, who is another user; None for a folder of ours, or where nobody can say."""
    try:
        return ownership.foreign(path)
    except OSError:
        return None


def _whose(path: Path, owner: int) -> str:
    return f"{path} belongs to {ownership.user(owner)}, and this is {ownership.user()}"


def _work_as(owner: int) -> str:
    return f"work as {ownership.how_to_be(owner)}, or `faena init` in a folder of yours"


def _words(paths: list[Path]) -> str:
    return " ".join(shlex.quote(str(path)) for path in paths)
