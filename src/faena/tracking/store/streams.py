"""How far each stream has come, and the metric names that its frames refer to."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import sqlalchemy as sa

from faena.db import BigInteger, Integer, Read, Text, Write, metadata, partial_index
from faena.db.prepared import Prepared
from faena.kernel.clock import Micros
from faena.tracking.model import SPOOL, StreamKey
from faena.tracking.writer_clock import WriterClock

streams = sa.Table(
    "tracking_streams",
    metadata,
    sa.Column("id", Integer, primary_key=True),
    sa.Column("run_id", Text, nullable=False),
    sa.Column("attempt", Integer, nullable=False),
    sa.Column("rank", Integer, nullable=False),
    sa.Column("stream", Text, nullable=False),
    sa.Column("began_at", BigInteger, nullable=False),
    sa.Column("offset", BigInteger, nullable=False, server_default="0"),
    sa.Column("names", sa.LargeBinary, nullable=False, server_default=""),
    sa.Column("tail_segments", Integer, nullable=False, server_default="0"),
    sa.Column("tail_bytes", Integer, nullable=False, server_default="0"),
    sa.Column("sealed", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("kept", BigInteger),
    sa.Column("latest", BigInteger),
    sa.Column("behind", BigInteger, nullable=False, server_default="0"),
    sa.Column("bad_bytes", BigInteger, nullable=False, server_default="0"),
    sa.Column("deletion", Integer),
    sa.UniqueConstraint("run_id", "attempt", "rank", "stream"),
    partial_index("tracking_streams_deleted", "deletion", where=sa.column("deletion").is_not(None)),
)
"""`began_at`: when its first batch came, by the server's clock. `names`: a spool's metric names by id,
MessagePack. `tail_…`: segments of a log not yet merged. `kept`: bytes of a log that are
kept where it grew beyond the limit; none: all. `latest`, `behind`: a spool's `WriterClock`. `bad_bytes`: of a
spool, those that could not be read. `deletion`: the one that takes a log away."""

_names = msgspec.msgpack.Decoder(dict[int, str])


@dataclass(frozen=True, slots=True)
class Stream:
    id: int
    offset: int
    names: dict[int, str]
    tail_segments: int
    tail_bytes: int
    kept: int | None = None
    """Bytes of a log that are kept, where it grew beyond its limit."""
    clock: WriterClock = field(default_factory=WriterClock)
    bad_bytes: int = 0


_KEY = ("run_id", "attempt", "rank", "stream")
_BY_KEY = Prepared(
    sa.select(
        streams.c.id,
        streams.c.offset,
        streams.c.names,
        streams.c.tail_segments,
        streams.c.tail_bytes,
        streams.c.kept,
        streams.c.latest,
        streams.c.behind,
        streams.c.bad_bytes,
    ).where(*(streams.c[name] == sa.bindparam(name) for name in _KEY)),
    _KEY,
)
_OF_ID = streams.update().where(streams.c.id == sa.bindparam("stream_id"))
_ADVANCE = Prepared(_OF_ID, ["stream_id", "offset"])
_ADVANCE_LOG = Prepared(_OF_ID, ["stream_id", "offset", "tail_segments", "tail_bytes"])
_ADVANCE_SPOOL = Prepared(_OF_ID, ["stream_id", "offset", "latest", "behind", "bad_bytes"])


def find(read: Read, key: StreamKey) -> Stream | None:
    rows = _BY_KEY.rows(read, _identity(key))
    if not rows:
        return None
    row = rows[0]
    names = _names.decode(row.names) if row.names else {}
    clock = WriterClock(row.latest, row.behind)
    return Stream(
        row.id, row.offset, names, row.tail_segments, row.tail_bytes, row.kept, clock, row.bad_bytes
    )


def add(write: Write, key: StreamKey, now: Micros) -> Stream:
    result = write.execute(streams.insert().values(**_identity(key), began_at=now, names=b""))
    assert result.inserted_primary_key is not None
    return Stream(result.inserted_primary_key[0], 0, {}, 0, 0)


def advance(write: Write, stream: Stream, offset: int, *, tail: tuple[int, int] | None = None) -> None:
    """Keep the new offset; the (segments, bytes) of a log's tail."""
    values = {"stream_id": stream.id, "offset": offset}
    if tail is None:
        _ADVANCE.execute(write, values)
    else:
        _ADVANCE_LOG.execute(write, {**values, "tail_segments": tail[0], "tail_bytes": tail[1]})


def advance_spool(
    write: Write,
    stream: Stream,
    offset: int,
    clock: WriterClock,
    *,
    bad_bytes: int,
    names: dict[int, str] | None,
) -> None:
    """Keep the new offset, the writer's clock, how much could not be read; the names when there are new ones."""
    values = {"latest": clock.latest, "behind": clock.behind, "bad_bytes": bad_bytes}
    parameters: dict[str, object] = {"stream_id": stream.id, "offset": offset, **values}
    if names is None:
        _ADVANCE_SPOOL.execute(write, parameters)
    else:
        write.execute(_OF_ID, {**parameters, "names": msgspec.msgpack.encode(names)})


def cut(write: Write, stream: Stream, kept: int) -> None:
    """What a log holds beyond `kept` bytes is not kept, now nor later."""
    write.execute(_OF_ID, {"stream_id": stream.id, "kept": kept})


def offsets(read: Read, run_id: str, attempt: int, rank: int) -> dict[str, int]:
    rows = read.execute(
        sa.select(streams.c.stream, streams.c.offset).where(
            streams.c.run_id == run_id, streams.c.attempt == attempt, streams.c.rank == rank
        )
    )
    return {row.stream: row.offset for row in rows}


def newest_spool(read: Read, run_id: str) -> int | None:
    """The latest attempt that has a spool."""
    newest = sa.select(sa.func.max(streams.c.attempt)).where(
        streams.c.run_id == run_id, streams.c.stream.startswith(SPOOL, autoescape=True)
    )
    found: int | None = read.execute(newest).scalar_one()
    return found


def spool_attempts(read: Read, run_id: str) -> list[int]:
    """The attempts that have a spool, in order."""
    query = sa.select(streams.c.attempt).where(
        streams.c.run_id == run_id, streams.c.stream.startswith(SPOOL, autoescape=True)
    )
    return list(read.execute(query.distinct().order_by(streams.c.attempt)).scalars())


def mark_sealed(write: Write, run_id: str, attempt: int) -> None:
    write.execute(
        streams.update().where(streams.c.run_id == run_id, streams.c.attempt == attempt).values(sealed=True)
    )


def _identity(key: StreamKey) -> dict[str, str | int]:
    return {"run_id": key.run_id, "attempt": key.attempt, "rank": key.rank, "stream": key.stream}
