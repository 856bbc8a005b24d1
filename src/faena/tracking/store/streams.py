"""How far each stream has come, and the metric names that its frames refer to."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from msgspec import Struct, field

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
kept where it grew beyond the limit; none: all. `latest`, `behind`: a spool's `WriterClock`; `latest` of the
stream of requests: the latest time of its points. `bad_bytes`: of a
spool, those that could not be read. `deletion`: the one that takes a log away."""

_names = msgspec.msgpack.Decoder(dict[int, str])


class Stream(Struct, frozen=True):
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
    ).where(*(streams.c[name] == sa.bindparam(name) for name in _KEY))
)
_ADD = Prepared(streams.insert().returning(streams.c.id))
_UPDATE = Prepared(streams.update().where(streams.c.id == sa.bindparam("stream_id")))
_RANK = ("run_id", "attempt", "rank")
_OFFSETS = Prepared(
    sa.select(streams.c.stream, streams.c.offset).where(
        *(streams.c[name] == sa.bindparam(name) for name in _RANK)
    )
)
_NEWEST_SPOOL = Prepared(
    sa.select(sa.func.max(streams.c.attempt)).where(
        streams.c.run_id == sa.bindparam("run_id"), streams.c.stream.startswith(SPOOL, autoescape=True)
    )
)
_SEAL = Prepared(
    streams.update()
    .where(streams.c.run_id == sa.bindparam("of_run"), streams.c.attempt == sa.bindparam("of_attempt"))
    .values(sealed=True)
)


def find(read: Read, key: StreamKey) -> Stream | None:
    row = read.execute(_BY_KEY, _identity(key)).first()
    if row is None:
        return None
    names = _names.decode(row.names) if row.names else {}
    clock = WriterClock(row.latest, row.behind)
    return Stream(
        row.id, row.offset, names, row.tail_segments, row.tail_bytes, row.kept, clock, row.bad_bytes
    )


def add(write: Write, key: StreamKey, now: Micros) -> Stream:
    number = write.execute(_ADD, {**_identity(key), "began_at": now, "names": b""}).scalar()
    return Stream(number, 0, {}, 0, 0)


def advance(write: Write, stream: Stream, offset: int, *, tail: tuple[int, int] | None = None) -> None:
    """Keep the new offset; the (segments, bytes) of a log's tail."""
    values = {"stream_id": stream.id, "offset": offset}
    if tail is not None:
        values |= {"tail_segments": tail[0], "tail_bytes": tail[1]}
    write.execute(_UPDATE, values)


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
    values: dict[str, object] = {
        "stream_id": stream.id,
        "offset": offset,
        "latest": clock.latest,
        "behind": clock.behind,
        "bad_bytes": bad_bytes,
    }
    if names is not None:
        values["names"] = msgspec.msgpack.encode(names)
    write.execute(_UPDATE, values)


def keep_latest(write: Write, stream: Stream, latest: Micros) -> None:
    """Of the stream of requests: the latest time of all its points."""
    write.execute(_UPDATE, {"stream_id": stream.id, "latest": latest})


def cut(write: Write, stream: Stream, kept: int) -> None:
    """What a log holds beyond `kept` bytes is not kept, now nor later."""
    write.execute(_UPDATE, {"stream_id": stream.id, "kept": kept})


def offsets(read: Read, run_id: str, attempt: int, rank: int) -> dict[str, int]:
    found = read.execute(_OFFSETS, {"run_id": run_id, "attempt": attempt, "rank": rank})
    return {row.stream: row.offset for row in found}


def newest_spool(read: Read, run_id: str) -> int | None:
    """The latest attempt that has a spool."""
    found: int | None = read.execute(_NEWEST_SPOOL, {"run_id": run_id}).scalar()
    return found


def spool_attempts(read: Read, run_id: str) -> list[int]:
    """The attempts that have a spool, in order."""
    query = sa.select(streams.c.attempt).where(
        streams.c.run_id == run_id, streams.c.stream.startswith(SPOOL, autoescape=True)
    )
    return list(read.execute(query.distinct().order_by(streams.c.attempt)).scalars())


def mark_sealed(write: Write, run_id: str, attempt: int) -> None:
    write.execute(_SEAL, {"of_run": run_id, "of_attempt": attempt})


def _identity(key: StreamKey) -> dict[str, str | int]:
    return {"run_id": key.run_id, "attempt": key.attempt, "rank": key.rank, "stream": key.stream}
