"""Whose a folder is: Faena works in its user's, since the owner could not use what root or another wrote there."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

from faena.kernel.errors import WorkspaceException


def user(uid: int | None = None) -> str:
    """The name of a user (default: whose this process is); the number where the system has no name."""
    uid = os.geteuid() if uid is None else uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def foreign(path: Path) -> int | None:
    """The owner of a folder that is another user's; None for one of ours, and where there is none. Raises OSError.

    On file systems that show everything as one user's, as those of virtual machines, what we make there tells.
    """
    try:
        owner = path.stat().st_uid
    except (FileNotFoundError, NotADirectoryError):
        return None
    if owner == os.geteuid() or _owner_of_new(path) == owner:
        return None
    return owner


def exposed(path: Path) -> str | None:
    """Who else may put something else in a path's place, as the end of a sentence; None: nobody but root and we."""
    trusted = (0, os.geteuid(), unmapped())
    above = path.parent
    real = Path(os.path.realpath(above))
    for folder in dict.fromkeys((*reversed(above.parents), above, *reversed(real.parents), real)):
        try:
            found = folder.lstat()
        except OSError:
            continue  # it is yet to be made, or nobody like us can change what is in it
        if found.st_uid not in trusted:
            return f"{folder} belongs to {user(found.st_uid)}"
        if not stat.S_ISDIR(found.st_mode) or found.st_mode & stat.S_ISVTX:
            continue  # a link of ours or root's; a folder in which everybody may change what is theirs only
        if found.st_mode & stat.S_IWOTH:
            return f"everybody may change {folder} (mode {stat.S_IMODE(found.st_mode):04o})"
        if found.st_mode & stat.S_IWGRP and found.st_gid not in (0, os.getegid()):
            return f"a group may change {folder} (mode {stat.S_IMODE(found.st_mode):04o})"
    return None


def unmapped() -> int:
    """Whose everything is that belongs to users outside a container, root among them."""
    try:
        return int(Path("/proc/sys/kernel/overflowuid").read_text())
    except (OSError, ValueError):
        return 65534


def how_to_be(uid: int) -> str:
    """What to type to work as that user."""
    try:
        return f"`sudo -u {pwd.getpwuid(uid).pw_name} …`"
    except KeyError:
        return f"user id {uid} (of a container: --user {uid})"


def closed(path: Path) -> WorkspaceException:
    """The error for a file that this user may not read."""
    above, owner = closed_by(path) or (path, path.stat().st_uid)
    return WorkspaceException(
        f"{path} cannot be read by {user()}: {above} belongs to {user(owner)}. Work as {how_to_be(owner)}, or in a "
        "folder of your own."
    )


def closed_by(path: Path) -> tuple[Path, int] | None:
    """The lowest folder above that can be seen, and its owner, where a path cannot be reached; None: it can be."""
    try:
        path.stat()
    except PermissionError:
        for folder in path.parents:
            try:
                return folder, folder.stat().st_uid
            except OSError:
                continue
    except OSError:
        return None
    return None


def _owner_of_new(folder: Path) -> int | None:
    """Whose a file is that this process makes there, and removes again; None where it cannot make one."""
    if hasattr(os, "O_TMPFILE"):
        try:
            descriptor = os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        except OSError:
            descriptor = -1
        if descriptor >= 0:  # it has no name: nobody ever sees it
            try:
                return os.fstat(descriptor).st_uid
            finally:
                os.close(descriptor)
    probe = folder / f".{os.urandom(8).hex()}"
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        return os.fstat(descriptor).st_uid
    finally:
        os.close(descriptor)
        probe.unlink(missing_ok=True)
