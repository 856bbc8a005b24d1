"""A run that takes metrics: each call is one record for the run's sink."""

from __future__ import annotations

from os import write
from struct import error as PackError  # noqa: N812  the name that it has in an except clause
from time import time_ns
from zlib import crc32

from faena.script import values
from faena.script.charted import ChartedRun
from faena.script.frames import NO_STEP, PACKERS, POINT_FRAME, pack_point

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable, Mapping, Protocol

    class Sink(Protocol):
        """Where records go: a spool, the server, the screen. `fd` and `names` are for `log`'s short way."""

        @property
        def fd(self) -> int:
            """Of the spool that is open; -1: there is none."""

        @property
        def names(self) -> dict[str, int]:
            """The ids of names that are defined there."""

        @property
        def folder(self) -> str:
            """Of the spool; empty: there is none."""

        def point(self, name: str, value: float, step: int | None = None) -> None:
            """One point of a metric."""

        def emit(self, op: str, fields: dict[str, Any]) -> None:
            """An event of JSON values."""


class LoggingRun(ChartedRun):
    """The `log` calls; safe from threads."""

    __slots__ = ("_sink",)

    def __init__(self, run_id: str, sink: Sink) -> None:
        super().__init__(run_id)
        self._sink = sink

    def log(self, name: str, value: Any, description: str = "", step: int | None = None) -> None:
        """One value of the metric `name`: a number, bool or str; numpy's scalars are converted, NaN and inf are kept.

        `step` is a whole number, for the horizontal axis of a chart. Any other object is stored as its repr, with a
        warning. Raises UserErrorException for a list (use `log_list`), a bad name or a bad step.
        """
        # The short way, for a name and a type seen before: its cost is that of the write. Everything else, and every
        # failure, takes the long way below, which checks, defines, converts and reports.
        sink = self._sink
        try:
            if step is None:
                step = NO_STEP
            elif step == NO_STEP:
                raise PackError  # given by the user, it would read as no step
            pack, header, seed = PACKERS[type(value)]
            payload = pack(time_ns() // 1000, step, value, sink.names[name])
            if write(sink.fd, pack_point(header, crc32(payload, seed), payload)) == POINT_FRAME:
                return
        except (KeyError, TypeError, ValueError, PackError, OSError, OverflowError):
            pass
        self._log_checked(name, value, None if step is NO_STEP else step)

    def _log_checked(self, name: str, value: Any, step: Any) -> None:
        name = values.check_name(name)
        step = values.check_step(step)
        if values.is_list(value):
            raise values.refuse(
                "run.log got a {} for {!r}. Use run.log_list for several values.".format(
                    type(value).__name__, name
                )
            )
        plain = values.scalar(value, name)
        if values.fits_point(plain):
            self._sink.point(name, plain, step)  # type: ignore[arg-type]  # fits_point() has seen a number
            return
        fields = {"name": name, "value": plain}
        if step is not None:
            fields["step"] = step
        self._sink.emit("scalar", fields)

    def log_list(self, name: str, value: Iterable[Any], description: str = "") -> None:
        """Several values at once, None where one is missing. Raises UserErrorException for what is no list."""
        name = values.check_name(name)
        self._sink.emit("list", {"name": name, "values": values.listed(value, name)})

    def log_row(self, name: str, description: str | None = None, **columns: Any) -> None:
        """One row: a scalar or None a column. Raises UserErrorException for a list."""
        name = values.check_name(name)
        self._sink.emit("row", {"name": name, "columns": values.row(columns, name)})

    def log_table(self, name: str, value: Mapping[str, Iterable[Any]], description: str = "") -> None:
        """Columns of equal length, as a dict of lists. Raises UserErrorException otherwise."""
        name = values.check_name(name)
        self._sink.emit("table", {"name": name, "columns": values.table(value, name)})

    def _record(self, name: str, value: str) -> None:
        self._sink.emit("scalar", {"name": name, "value": value})
