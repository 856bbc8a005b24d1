"""What is asked of pandas, whose versions from 0.25 to 3 answer differently."""

from __future__ import annotations

from faena.script.errors import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Sequence


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
    stamp = pandas().Timestamp
    least, most = stamp.min.ceil("s"), stamp.max.floor("s")
    if column.min() < least or column.max() > most:
        column = column.mask((column < least) | (column > most))
    return column.astype("datetime64[ns]")


def handed_out(frame: Any) -> Any:
    """With texts as objects, as v1's scripts expect them, also where pandas has a kind of its own for them."""
    changed = [name for name, dtype in frame.dtypes.items() if str(dtype) != "object" and is_text(dtype)]
    return frame.astype(dict.fromkeys(changed, object)) if changed else frame
