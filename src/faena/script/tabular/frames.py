"""What is asked of pandas, whose versions from 0.25 to 3 answer differently."""

from __future__ import annotations

from faena.script.errors import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, Sequence


_NANOSECONDS = 9_223_372_036_000_000_000
"""So many before or after 1970 can be a date of pandas', whole seconds."""
_UNITS = ("s", "ms", "us")


def pandas() -> Any:
    """The environment's. Raises UserErrorException where there is none."""
    try:
        import pandas
    except ImportError:
        raise UserErrorException(
            "Tabular datasets are read with pandas, which this environment lacks. Add pandas to its packages "
            "(0.25 or newer); on your own machine: pip install 'faena[frames]'."
        ) from None
    return pandas


def pyarrow(what: str) -> Any:
    """pyarrow, with `pyarrow.parquet`. Raises UserErrorException where there is none."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise UserErrorException(
            "{} needs pyarrow, which this environment lacks. Add pyarrow to its packages; on your own machine: pip "
            "install 'faena[parquet]'.".format(what)
        ) from None
    return pyarrow


def version() -> tuple[int, int]:
    """Of pandas."""
    first, second = pandas().__version__.split(".")[:2]
    return int(first), int(second)


def keep_freed_memory(size: int) -> None:
    """Has the C library keep what is freed of pieces of up to that size, for the next block of a file.

    By itself glibc gives them back to the system and asks for them anew for each block, a third of the time of
    reading. To free one of that size raises its bound, as any program does that frees such an array.
    """
    bytearray(size)


def is_text(dtype: Any) -> bool:
    """Whether a column of texts has it: object, or pandas' own kind of strings."""
    return str(dtype) == "object" or str(dtype).startswith(("str", "string"))


def empty(names: Sequence[Any]) -> Any:
    """Columns of objects without a row."""
    columns = {name: pandas().Series([], dtype=object) for name in names}
    return pandas().DataFrame(columns, columns=list(names))


def nanoseconds(column: Any) -> Any:
    """A column of dates as scripts of v1 expect it: without a time zone, in nanoseconds; what cannot be is null."""
    if getattr(column.dtype, "tz", None) is not None:
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    if str(column.dtype) == "datetime64[ns]":
        return column
    values = column.values  # numpy's: pandas looks at each value several times, and asks the same
    counts = values.view("int64")
    most = _NANOSECONDS // (10 ** (9 - 3 * _UNITS.index(str(column.dtype)[11:-1])))
    if len(counts) and (counts.min() < -most or counts.max() > most):
        lost = (counts < -most) | (counts > most)  # null is the least of all
        values = values.copy()
        values[lost] = "NaT"
    return pandas().Series(values.astype("datetime64[ns]"), index=column.index, copy=False)


def numbered(frame: Any) -> Any:
    """With rows numbered from 0."""
    index = frame.index
    if isinstance(index, pandas().RangeIndex) and index.start == 0 and index.step == 1:
        return frame
    return frame.reset_index(drop=True)


def handed_out(frame: Any) -> Any:
    """With texts as objects, as v1's scripts expect them, also where pandas has a kind of its own for them."""
    changed = [name for name, dtype in frame.dtypes.items() if str(dtype) != "object" and is_text(dtype)]
    return frame.astype(dict.fromkeys(changed, object)) if changed else frame


class Feed:
    """Bytes as pandas takes them from a file, without decoding them first."""

    def __init__(self, first: bytes, block: bytes) -> None:
        self._first = first
        self._block = block
        self._at = 0

    def read(self, count: int = -1) -> bytes:
        if self._first:
            part, self._first = self._first, b""
            return part
        end = len(self._block) if count < 0 else self._at + count
        with memoryview(self._block) as block:  # not held: the block's memory is used again
            part = bytes(block[self._at : end])
        self._at += len(part)
        return part

    def __iter__(self) -> Iterator[bytes]:
        return iter(())
