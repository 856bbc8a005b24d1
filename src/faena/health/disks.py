"""Space and inodes of the file systems that Faena writes to, and whether they can be written at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from faena.health.finding import Finding, ok, problem, size, warning
from faena.health.subject import Subject, nearest

SCARCE_BYTES = 2_000_000_000
"""Free space below which an environment or a large model may no longer fit: a warning."""
TOO_FEW_BYTES = 100_000_000
"""Free space below which writes are about to fail: a problem."""
SOCKET_BYTES = 1_000_000
"""What the runtime folder needs: it holds sockets and empty files only."""
SCARCE_INODES = 50_000
"""An environment takes some ten thousand."""
TOO_FEW_INODES = 1_000
REMOTE = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "fuse.sshfs")
"""File systems that several hosts may share."""


def check_disks(subject: Subject) -> Iterator[Finding]:
    """A finding for each file system."""
    shared: dict[int, tuple[Path, list[str]]] = {}
    for what, path in subject.places.items():
        there = nearest(path)
        shared.setdefault(there.stat().st_dev, (there, []))[1].append(what)
    for path, roles in shared.values():
        yield _file_system(path, roles)


def check_kinds(subject: Subject) -> Iterator[Finding]:
    """The database's file system must be this host's own."""
    for what, path in subject.places.items():
        kind = _kind(nearest(path))
        if what != "state" and kind in REMOTE:
            advice = (
                "keep the workspace on a disk of this host" if what == "workspace" else "set FAENA_RUNTIME"
            )
            yield warning(
                "network file system",
                f"the {what} folder lies on {kind}: the database's log works for processes of one host only",
                f"{advice}; never open it from two hosts at once",
            )


def _file_system(path: Path, roles: list[str]) -> Finding:
    name = ", ".join(roles)
    found = os.statvfs(path)
    free = found.f_bavail * found.f_frsize
    said = f"{size(free)} free of {size(found.f_blocks * found.f_frsize)}"
    if found.f_files:  # file systems that make inodes as they need them tell of none
        said += f", {found.f_favail:,} inodes free"
    if found.f_flag & os.ST_RDONLY:
        return problem(
            name, f"{path} is a read-only file system", f"mount -o remount,rw {_mount_point(path)}"
        )
    only_sockets = roles == ["runtime"]
    scarce, too_few = (SOCKET_BYTES,) * 2 if only_sockets else (SCARCE_BYTES, TOO_FEW_BYTES)
    remedy = f"free space on {_mount_point(path)}: faena env prune, uv cache clean"
    if free < too_few:
        return problem(name, f"{said}: writes are about to fail", remedy)
    if found.f_files and found.f_favail < TOO_FEW_INODES:
        return problem(name, f"{said}: files can hardly be made", remedy)
    if free < scarce or (not only_sockets and found.f_files and found.f_favail < SCARCE_INODES):
        return warning(name, said, remedy)
    return ok(name, said)


def _mount_point(path: Path) -> Path:
    while not path.is_mount():
        path = path.parent
    return path


def _kind(path: Path) -> str:
    """The file system's type, such as ext4; empty where the system does not say."""
    device = path.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return ""
    for line in lines:
        fields = line.split()
        if fields[2] == wanted:
            return fields[fields.index("-") + 1]
    return ""
