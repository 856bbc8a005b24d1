"""Advice for files that are not there, or not to be read or written."""

from __future__ import annotations

import getpass
import posixpath
import re
from pathlib import Path, PurePosixPath

from faena.node.hints.reading import Raised
from faena.node.hints.world import INPUTS, World

_QUOTED = re.compile(
    r"""(?:directory|denied|system|device|name =) ?:? ?b?(?:'([^']{1,1000})'|"([^"]{1,1000})")"""
)
_SAID_BEFORE = re.compile(r"^(?:File )?b?'?([^\s'\":]{1,1000})'? (?:not found|does not exist)")
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]")


def advise(raised: Raised, world: World) -> str | None:
    found = _QUOTED.search(raised.message) or _SAID_BEFORE.search(raised.message)
    path = next(filter(None, found.groups()), "") if found else ""
    message = raised.message
    if raised.kind == "FileNotFoundError" or "No such file or directory" in message or "[Errno 2]" in message:
        return not_there(path, raised.traceback, world) if path else None
    if "[Errno 30]" in message or "Read-only file system" in message:
        return _read_only()
    if raised.kind == "PermissionError" or "[Errno 13]" in message:
        if path and Path(world.data) in Path(path).parents:
            return _read_only()
        return (
            f"The script has the rights of the user {_user()}. It can write below its working directory; what lies in "
            "./outputs is kept."
        )
    if "[Errno 28]" in message or "No space left on device" in message:
        if world.elsewhere:
            return "The disk of the node is full: free some there; TMPDIR (--env TMPDIR=…) moves temporary files."
        return (
            "The disk is full. `faena du` tells what the workspace holds, `faena tidy` and `faena env prune` "
            "free some of it; "
            "TMPDIR (--env TMPDIR=…) moves temporary files."
        )
    if "[Errno 24]" in message:
        return "Close files that are read, or raise the limit (`ulimit -n`) where the server is started."
    return None


def _read_only() -> str:
    return (
        "Data that is mounted can be read only: have it with as_download() to change a copy, and write results to "
        "./outputs."
    )


def not_there(path: str, traceback: str, world: World) -> str:
    """What to do about a file that a script, a program or a shell did not find."""
    if "_execute_child" in traceback and "/" not in path:
        return (
            f"The program {path} is not on the PATH of this machine: install it, or give its folder with "
            "--env PATH=…."
        )
    if _WINDOWS.match(path):
        return f"That is a path of Windows, and the run is on Linux or macOS. {INPUTS}"
    if path.startswith("~"):
        return "Python does not take ~ for the home folder: use os.path.expanduser."
    for code in (world.code, world.code.resolve()):
        path = path.removeprefix(f"{code}/")
    if path.startswith("/"):
        return f"An absolute path is one of the machine that runs the script, and it is not there. {INPUTS}"
    wanted = PurePosixPath(posixpath.normpath(path))
    if ".." in wanted.parts:
        return _above(PurePosixPath(*(part for part in wanted.parts if part != "..")), world)
    for entry in world.entries():
        if entry.name == wanted.name and entry != wanted:
            return (
                f"The source folder has {entry}: paths count from the root of the source folder, which is the working "
                "directory, not from the script's own folder."
            )
    above = world.code / wanted.parent
    if wanted.parent != PurePosixPath() and not above.is_dir():
        return (
            f"There is no folder {wanted.parent} in the working directory, a copy of the source folder: to "
            "write there, make "
            f"it first (os.makedirs). If it should have been captured, see that no ignore file excludes it. {INPUTS}"
        )
    return (
        "The working directory is a copy of the source folder as it was at submission, and holds no such file: "
        "see that it "
        f"lies there and that no ignore file excludes it. {INPUTS}"
    )


def _above(path: PurePosixPath, world: World) -> str:
    """`path`: what was opened, from the folder above on."""
    if path.parts and (world.code / path).exists():
        return (
            f"The source folder has it: open '{path}'. Paths count from the root of the source folder, which is the "
            "working directory, not from the script's own folder."
        )
    then = f" and open '{path}' then" if path.parts else ""
    return (
        "The working directory is a copy of the source folder; what lies above that folder is not there. "
        f"Put the file into it, or submit the folder above (--source){then}: paths count from the root of the source "
        f"folder. {INPUTS}"
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "that runs the server"
