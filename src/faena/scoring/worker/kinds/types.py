"""What a known kind takes: as the types of `inference_schema`, without a sample."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Array:
    """Of this type; `None`: of whichever the values have."""

    _faena_kind = "numpy"

    def __init__(
        self,
        dtype: Any = None,
        rank: int | None = None,
        datatype: str | None = None,
        shape: list[int] | None = None,
    ) -> None:
        """`datatype` and `shape`: as the Open Inference Protocol has them, where the model tells."""
        self._dtype = dtype
        self._faena_floats = dtype in ("float32", "float64")
        self._rank = rank
        self.datatype = datatype
        self.shape = shape

    def deserialize_input(self, value: Any) -> Any:
        import numpy

        try:
            array = numpy.asarray(value, dtype=self._dtype)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError("it is no array of {}: {}".format(self._dtype or "numbers", error)) from None
        if array.dtype.kind == "O" and self._dtype is None:
            raise ValueError("its rows are not all of one length and type")
        if self._rank is not None and array.ndim != self._rank:
            raise ValueError("it has {} dimensions, and {} are expected".format(array.ndim, self._rank))
        if array.ndim == 0:
            raise ValueError("it is a single value, and rows are expected")
        return array


class Frame:
    """A data frame with these columns, or with whichever were given; `types` of columns, where they are known."""

    _faena_kind = "pandas"

    def __init__(self, columns: list[str] | None = None, types: dict[str, Any] | None = None) -> None:
        self._columns = columns
        self._types = types or {}

    def deserialize_input(self, value: Any) -> Any:
        import pandas

        if isinstance(value, pandas.DataFrame):
            frame = value
        elif isinstance(value, (list, dict)) or hasattr(value, "__array__"):
            named = isinstance(value, dict) or (
                isinstance(value, list) and bool(value) and isinstance(value[0], dict)
            )
            try:
                frame = pandas.DataFrame(value) if named else pandas.DataFrame(value, columns=self._columns)
            except ValueError as error:
                raise ValueError("it is no data frame: {}".format(error)) from None
        else:
            raise ValueError("it is a {}, and rows are expected".format(type(value).__name__))
        wanted = {
            name: each for name, each in self._types.items() if name in frame and frame[name].dtype != each
        }
        return frame.astype(wanted) if wanted else frame


class FrameOrArray(Frame):
    """A data frame where names came with the values, arrays by name where those are no columns, else an array."""

    _faena_tensors = True

    def deserialize_input(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: Array().deserialize_input(each) for name, each in value.items()}
        if isinstance(value, list) and not (value and isinstance(value[0], dict)):
            return Array().deserialize_input(value)
        return value if hasattr(value, "__array__") else super().deserialize_input(value)
