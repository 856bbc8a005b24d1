"""What a run leaves behind: streams, metrics, logs and files, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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


@dataclass(slots=True)
class Limits:
    """How much of what runs write is kept; the workspace's retention rules change it."""

    log_bytes: int | None = None
    """Of each log; None: all."""


@dataclass(frozen=True, slots=True)
class StreamKey:
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


@dataclass(frozen=True, slots=True)
class Event:
    """A tag (`data`: key, value) or a note (`data`: code, message) from a spool, for another room to keep."""

    op: str
    time: Micros
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a batch: the stream's offset now, events to pass on, bytes that made no sense."""

    offset: int
    events: tuple[Event, ...] = ()
    bad_bytes: int = 0


@dataclass(frozen=True, slots=True)
class MetricSummary:
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


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """The numbers of a metric ordered by time, equal times as they arrived. Four arrays of one length.

    `time`: int64 microseconds. `step`: int64, `NO_STEP` where none was given. `value`: float64, an int
    rounded to the nearest one. `integer`: whether the value was an int.
    """

    time: npt.NDArray[np.int64]
    step: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    integer: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LogFile:
    """A log of a run: the latest attempt that has it. `sealed`: nothing more is expected."""

    name: str
    attempt: int
    rank: int
    size: int
    sealed: bool


@dataclass(frozen=True, slots=True)
class LogChunk:
    """Bytes of a log from the offset asked for; ask again from `next_offset`. `size` is the whole log's."""

    data: bytes
    next_offset: int
    size: int
    sealed: bool


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Bytes in the object store."""

    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class RunFile:
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
