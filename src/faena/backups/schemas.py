"""Wire types of backups."""

from __future__ import annotations

from msgspec import Struct


class BackupRequest(Struct, frozen=True, forbid_unknown_fields=True):
    folder: str
    """An absolute path on the server's host."""
    verify: bool = False
    """Also read again what an earlier backup into this folder holds."""


class BackupView(Struct, frozen=True):
    id: str
    folder: str
    state: str
    """`copying`, `done` or `failed`."""
    objects: int = 0
    """Looked at so far."""
    of_objects: int = 0
    copied: int = 0
    """Of them, those that the folder did not have."""
    bytes_copied: int = 0
    size: int = 0
    """Bytes of the whole backup."""
    missing: tuple[str, ...] = ()
    """Objects that are not in the backup: they were not there, or their bytes were damaged."""
    outside: tuple[str, ...] = ()
    """Datastores whose folders lie outside the workspace: their files are not in the backup."""
    unread: tuple[str, ...] = ()
    """Files of the workspace's own datastores that could not be read, and symbolic links there."""
    error: str = ""
