"""A script's own view of the file system, in which the data that it was given cannot be written.

The guard calls `enter` in the script's process. Whether this kernel and user may do that is found out beforehand, by
doing the same in a process that ends: `python -I -S mounts.py < mounts.json`.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Sequence

AS_IT_IS = "as it is"

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_MS_RDONLY = 1
_MS_REMOUNT = 32
_MS_BIND = 4096
_MS_REC = 16384
_MS_SLAVE = 1 << 19
_KEPT = {2: 2, 4: 4, 8: 8, 1024: 1024, 2048: 2048, 4096: 1 << 21}
"""Flags of statvfs and their names in mount(2): a mount made by root keeps them in a user namespace."""


def enter(mounts: Sequence[Sequence[str]]) -> None:
    """Give this process, which has one thread, a mount namespace in which each (source, target) is bound read-only.

    (source, target, AS_IT_IS) is bound as writable as it is, with what was mounted in it before. Targets are there: a
    folder for a folder, a file for a file. Nothing of it is seen outside. Raises OSError.
    """
    if sys.platform != "linux":
        raise OSError("only Linux has mount namespaces")
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(_CLONE_NEWNS) != 0:
        _checked(libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNS), "user namespaces")
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123  without site-packages, each import counts
                file.write(text)
    _checked(libc.mount(None, b"/", None, ctypes.c_ulong(_MS_REC | _MS_SLAVE), None), "/")
    for source, target, *options in mounts:
        place = os.fsencode(target)
        bind = ctypes.c_ulong(_MS_BIND | _MS_REC)
        _checked(libc.mount(os.fsencode(source), place, None, bind, None), target)
        if AS_IT_IS in options:
            continue
        found = os.statvfs(target).f_flag
        kept = sum(flag for known, flag in _KEPT.items() if found & known)
        again = ctypes.c_ulong(_MS_REMOUNT | _MS_BIND | _MS_RDONLY | kept)
        _checked(libc.mount(None, place, None, again, None), target)


def _checked(result: int, subject: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), subject)


if __name__ == "__main__":
    try:
        enter(json.load(sys.stdin))
    except OSError as failure:
        sys.exit(str(failure))
