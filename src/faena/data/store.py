"""SQL of snapshots."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from faena.data.schemas import Snapshot, SnapshotFile
from faena.db import BigInteger, Read, String, Write, metadata, upsert
from faena.db.prepared import Prepared
from faena.kernel.clock import Micros
from faena.objects.references import OBJECT

snapshots = sa.Table(
    "snapshots",
    metadata,
    sa.Column("digest", String(64), primary_key=True),
    sa.Column("manifest", sa.LargeBinary, nullable=False),
    sa.Column("created_at", BigInteger, nullable=False),
)

snapshot_objects = sa.Table(
    "snapshot_objects",
    metadata,
    sa.Column("snapshot", sa.ForeignKey("snapshots.digest"), primary_key=True),
    sa.Column("object", sa.ForeignKey("objects.digest"), primary_key=True, index=True, info=OBJECT),
)


_RENEW = Prepared(
    snapshots.update()
    .where(snapshots.c.digest == sa.bindparam("which"))
    .values(created_at=sa.bindparam("now"))
)

_MANIFEST = Prepared(sa.select(snapshots.c.manifest).where(snapshots.c.digest == sa.bindparam("which")))


def put(write: Write, snapshot: Snapshot, references: set[str], now: Micros) -> None:
    """Keep a snapshot whose objects are all here; `references`: them and the diff's.

    Offered again it is renewed: no collection takes it before the run that comes of it.
    """
    values = {
        "digest": snapshot.digest,
        "manifest": msgspec.msgpack.encode(snapshot.files),
        "created_at": now,
    }
    upsert(write, snapshots, values, update=["created_at"])
    upsert(
        write, snapshot_objects, [{"snapshot": snapshot.digest, "object": digest} for digest in references]
    )


def renew(write: Write, digest: str, references: Iterable[str], now: Micros) -> bool:
    """Have no collection take a snapshot before the run that comes of it; False where it is not here (any more).

    `references`: objects beside its files', which have to be here.
    """
    found = write.execute(_RENEW, {"which": digest, "now": now}).rowcount
    if found:
        upsert(write, snapshot_objects, [{"snapshot": digest, "object": each} for each in references])
    return bool(found)


def files(read: Read, digest: str) -> tuple[SnapshotFile, ...] | None:
    """The manifest; None when there is no such snapshot."""
    manifest = read.execute(_MANIFEST, {"which": digest}).scalar()
    return None if manifest is None else msgspec.msgpack.decode(manifest, type=tuple[SnapshotFile, ...])
