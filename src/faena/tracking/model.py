"""What a run leaves behind: streams, metrics, logs and files, as frozen values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from faena.kernel import file_names
from faena.kernel.clock import Micros
from faena.kernel.errors import UserErrorException
from faena.tracking.arrays import np

if TYPE_CHECKING:
    import numpy.typing as npt

SPOOL = "spool/"
LOG = "log/"
SCRIPT = "script"
SYSTEM = "system"


class Limits(Struct):
    """How much of what runs write is kept; the workspace's retention rules change it."""

    log_bytes: int | None = None
    """Of each log; None: all."""


class StreamKey(Struct, frozen=True):
    """One append-only sequence of bytes that a process of a run writes.

    `stream` is `spool/<writer>` (frames, see `faena.tracking.spool`) or `log/<name>` (bytes as they are).
    """

    run_id: str
    attempt: int
    rank: int
    stream: str

    @property
    def is_spool(self) -> bool:
        return self.stream.startswith(SPOOL)

    @property
    def name(self) -> str:
        """The writer of a spool, the name of a log."""
        return self.stream.partition("/")[2]

    @property
    def source(self) -> str:
        """Who took the measurements of a spool: the script, or the runner beside it."""
        return SYSTEM if self.name == SYSTEM else SCRIPT


class Event(Struct, frozen=True):
    """A tag (`data`: key, value) or a note (`data`: code, message) from a spool, for another room to keep."""

    op: str
    time: Micros
    data: dict[str, Any]


class Appended(Struct, frozen=True):
    """What became of a batch: the stream's offset now, events to pass on, bytes that made no sense."""

    offset: int
    events: tuple[Event, ...] = ()
    bad_bytes: int = 0


class MetricSummary(Struct, frozen=True):
    """A metric in one row.

    `count` counts values, the `nans` among them included, and rows of row and table metrics. `last`, `min`
    and `max` are None when there is no number; `min` and `max` pass over NaN, `last` does not.
    """

    name: str
    source: str
    count: int
    nans: int
    last: float | None
    min: float | None
    max: float | None
    last_step: int | None
    first_time: Micros
    last_time: Micros


class Series(Struct, frozen=True, eq=False):
    """The numbers of a metric ordered by time, equal times as they arrived. Four arrays of one length.

    `time`: int64 microseconds. `step`: int64, `NO_STEP` where none was given. `value`: float64, an int
    rounded to the nearest one. `integer`: whether the value was an int.
    """

    time: npt.NDArray[np.int64]
    step: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    integer: npt.NDArray[np.bool_]


class LogFile(Struct, frozen=True):
    """A log of a run: the latest attempt that has it. `sealed`: nothing more is expected."""

    name: str
    attempt: int
    rank: int
    size: int
    sealed: bool


class LogChunk(Struct, frozen=True):
    """Bytes of a log from the offset asked for; ask again from `next_offset`. `size` is the whole log's."""

    data: bytes
    next_offset: int
    size: int
    sealed: bool


class StoredFile(Struct, frozen=True):
    """Bytes in the object store."""

    digest: str
    size: int


class RunFile(Struct, frozen=True):
    """A file in the run's history, e.g. `outputs/model.npz`."""

    name: str
    size: int
    digest: str
    created_at: Micros


def check_stream(key: StreamKey) -> None:
    """Raises UserErrorException when the stream is neither a spool nor a log with a usable name."""
    if not key.stream.startswith((SPOOL, LOG)):
        raise UserErrorException(
            f"{_shown(key.stream)} is not a stream. Use 'spool/<writer>' or 'log/<name>'."
        )
    check_name(key.name)


check_name = file_names.check


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:60]}…")
