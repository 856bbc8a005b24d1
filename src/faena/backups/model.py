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

import re
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
LARGEST_RECORD = 64 << 20
"""Bytes: it names what is missing."""
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_LATEST = 253_402_300_799_000_000
"""Microseconds: the last second of the year 9999."""
_MOST = 1 << 60
_LONGEST_DATE = 40


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
    except (msgspec.DecodeError, KeyError, RecursionError, UnicodeDecodeError) as error:
        raise WorkspaceException(f"{where} cannot be read: {error}. Use another backup.") from error
    if wrong := _wrong(record):
        raise WorkspaceException(
            f"{where} cannot be used: its {wrong} is none that Faena writes. Use another backup."
        )
    if record.schema > settings.SCHEMA_VERSION:
        raise WorkspaceException(
            f"The backup in {where.parent} holds a database of schema version {record.schema}; this Faena reads "
            f"{settings.SCHEMA_VERSION}. Install faena {record.faena}, or a newer one."
        )
    return record


def _wrong(record: BackupRecord) -> str:
    """The name of what no backup says; empty where all is as Faena writes it. Whose work it is nobody knows."""
    named = {name: getattr(record, name) for name in ("database", "list", "datastores", "workspace_id")}
    numbers = {
        "at": (record.at, _LATEST),
        "schema": (record.schema, _MOST),
        "runs": (record.runs or 0, _MOST),
    }
    numbers |= {name: (getattr(record, name), _MOST) for name in ("database_size", "objects", "size")}
    found = [name for name, value in named.items() if not _FILE.fullmatch(value)]
    found += [name for name, (value, most) in numbers.items() if not 0 <= value <= most]
    found += [name for name in ("database_digest", "list_digest") if not _is_digest(getattr(record, name))]
    if len(record.as_of) > _LONGEST_DATE or not record.as_of.isprintable():
        found.append("as_of")
    return found[0] if found else ""


def _is_digest(value: str) -> bool:
    return digests.FORM.fullmatch(value) is not None
