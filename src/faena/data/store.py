"""SQL of snapshots."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from faena.data.schemas import Snapshot, SnapshotFile
from faena.db import Read, Write, metadata
from faena.kernel.clock import Micros
from faena.objects.references import OBJECT

snapshots = sa.Table(
    "snapshots",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("manifest", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)

snapshot_objects = sa.Table(
    "snapshot_objects",
    metadata,
    sa.Column("snapshot", sa.ForeignKey("snapshots.digest"), primary_key=True),
    sa.Column("object", sa.ForeignKey("objects.digest"), primary_key=True, index=True, info=OBJECT),
)


def put(write: Write, snapshot: Snapshot, references: set[str], now: Micros) -> None:
    """Keep a snapshot whose objects are all here; `references`: them and the diff's.

    Offered again it is renewed: no collection takes it before the run that comes of it.
    """
    values = {
        "digest": snapshot.digest,
        "manifest": msgspec.msgpack.encode(snapshot.files),
        "created_at": now,
    }
    renewed = insert(snapshots).values(**values)
    write.execute(renewed.on_conflict_do_update(index_elements=["digest"], set_={"created_at": now}))
    rows = [{"snapshot": snapshot.digest, "object": digest} for digest in references]
    if rows:
        write.execute(insert(snapshot_objects).on_conflict_do_nothing(), rows)


def files(read: Read, digest: str) -> tuple[SnapshotFile, ...] | None:
    """The manifest; None when there is no such snapshot."""
    manifest = read.execute(
        sa.select(snapshots.c.manifest).where(snapshots.c.digest == digest)
    ).scalar_one_or_none()
    return None if manifest is None else msgspec.msgpack.decode(manifest, type=tuple[SnapshotFile, ...])
