"""What a backup folder holds. No I/O.

backup.json          the newest backup, in numbers and digests; written last, so that a backup is whole or not there
faena-<time>.json    the same of each backup that is kept
faena-<time>.db      the database as it was at that time
faena-<time>.txt     the digests of all objects that it refers to, a line each
faena-<time>.files/  files of the datastores that lie in the workspace's own folder; those that did not change are one
                     file with those of the backup before. In format 1, for the only backup: datastores/
objects/ab/<digest>  the objects of all backups, by SHA-256
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from faena.data.build_products import BACKUP_MARK
from faena.kernel import digests, settings
from faena.kernel.clock import Micros
from faena.kernel.errors import WorkspaceException

FORMAT = 2
RECORD = "backup.json"
MARK = BACKUP_MARK
"""Names the workspace whose backups the folder holds, from the first moment on."""
OBJECTS = "objects"
DATASTORES = "datastores"


class BackupRecord(msgspec.Struct, frozen=True):
    """`backup.json`."""

    format: int
    faena: str
    schema: int
    workspace_id: str
    workspace: str
    """Its name."""
    at: Micros
    database: str
    """The file's name."""
    database_digest: str
    database_size: int
    list: str
    """The file's name."""
    list_digest: str
    objects: int
    size: int
    """Bytes of all objects."""
    missing: tuple[str, ...] = ()
    """Objects that were not there, or whose bytes were damaged, when the backup was made."""
    outside: tuple[str, ...] = ()
    """Datastores whose folders lie outside the workspace: their files are not in the backup."""
    unread: tuple[str, ...] = ()
    """Files of the workspace's own datastores that could not be read, and symbolic links there."""
    datastores: str = DATASTORES
    """The folder of the files of the workspace's own datastores."""
    runs: int | None = None
    """How many there were; format 1 does not say."""
    as_of: str = ""
    """The workspace's date of environments."""


def object_path(root: Path, digest: str) -> Path:
    """Where an object lies below a backup or a workspace."""
    digests.check(digest)
    return root / OBJECTS / digest[:2] / digest


def read_record(data: bytes, where: Path) -> BackupRecord:
    """Raises WorkspaceException for what is no record, or one that a newer Faena wrote, naming both versions."""
    try:
        found = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        version = msgspec.json.decode(found["format"], type=int)
        if version > FORMAT:
            raise WorkspaceException(
                f"{where} is a backup of format {version}; this Faena reads up to {FORMAT}. Install the Faena that "
                "wrote it, or a newer one."
            )
        record = msgspec.json.decode(data, type=BackupRecord)
    except (msgspec.DecodeError, KeyError) as error:
        raise WorkspaceException(f"{where} cannot be read: {error}. Use another backup.") from error
    if record.schema > settings.SCHEMA_VERSION:
        raise WorkspaceException(
            f"The backup in {where.parent} holds a database of schema version {record.schema}; this Faena reads "
            f"{settings.SCHEMA_VERSION}. Install faena {record.faena}, or a newer one."
        )
    return record
