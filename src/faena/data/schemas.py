"""Wire types of snapshots."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from faena.kernel import digests


class SnapshotFile(msgspec.Struct, frozen=True, gc=False):
    """One file of a snapshot; its bytes are the object `digest`."""

    path: str
    """Relative to the source folder, with `/` between names."""
    size: int
    """Bytes."""
    digest: str
    """SHA-256 of the content, 64 hexadecimal digits."""
    executable: bool = False


class GitState(msgspec.Struct, frozen=True):
    """The commit that a source folder was at, and whether the folder differed from it."""

    commit: str | None
    """Full object name; None in a repository without commits."""
    branch: str | None
    """None where HEAD is detached."""
    dirty: bool
    """Whether the source folder (not the rest of the repository) holds changes or new files."""
    remote: str | None = None
    """Address of `origin`, else of the first remote, without user, password and query."""
    diff_digest: str | None = None
    """The object that holds `git diff HEAD --binary` of the source folder; None when nothing tracked differs."""
    diff_truncated: bool = False
    """Whether that diff was cut at `faena.data.git.DIFF_LIMIT` bytes."""


class Snapshot(msgspec.Struct, frozen=True):
    """What a source folder held: enough to make it again from objects."""

    files: tuple[SnapshotFile, ...]
    """Sorted by path; paths are unique."""
    digest: str
    """`manifest_digest(files)`: equal for equal paths, contents and executable bits."""
    git: GitState | None = None
    """None where the folder is in no repository or git is not installed."""


def manifest_digest(files: Iterable[SnapshotFile]) -> str:
    """Digest of paths, contents and executable bits; `files` must be sorted by path."""
    return digests.of_value([(file.path, file.digest, file.executable) for file in files])
