"""Wire types of backups."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from faena.kernel.on_host import HostFolder


class BackupRequest(Struct, frozen=True, forbid_unknown_fields=True):
    folder: HostFolder
    """An absolute path on the server's host."""
    verify: bool = False
    """Also read again what an earlier backup into this folder holds."""
    keep: Annotated[int, Meta(ge=1, le=1000)] = 3
    """So many backups stay in the folder, this one included."""
    accept_loss: bool = False
    """Go on where most of what the backup before holds is not in the workspace any more."""


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
    elsewhere: tuple[str, ...] = ()
    """Experiments whose files MLflow's clients put elsewhere, each with the address: they are not in the backup."""
    unread: tuple[str, ...] = ()
    """Files of the workspace's own datastores that could not be read, and symbolic links there."""
    error: str = ""
    loss: str = ""
    """What most of is gone since the backup before: it failed for that, unless it was accepted."""


class RepairRequest(Struct, frozen=True, forbid_unknown_fields=True):
    folders: list[HostFolder] = []
    """Folders of the server's host to look in, too: absolute paths of backups, or of anything."""
    deep: bool = False
    """Read every object again; else those that may have been written since they were verified."""
    dry_run: bool = False
    """Only look: nothing is brought back, no run is marked."""


class DamagedObject(Struct, frozen=True):
    digest: str
    state: str
    """`damaged` or `missing`."""
    size: int | None
    uses: list[str]
    """What refers to it."""
    found_in: str
    """The file that has its bytes; empty where none was found."""


class RepairView(Struct, frozen=True):
    looked_at: int
    """Objects that something refers to."""
    damaged: list[DamagedObject]
