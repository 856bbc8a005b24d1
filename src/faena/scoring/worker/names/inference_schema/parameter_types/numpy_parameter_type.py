"""An array."""

from __future__ import annotations

import numpy

from .abstract_parameter_type import AbstractParameterType, of_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["NumpyParameterType"]


class NumpyParameterType(AbstractParameterType):
    """Of the sample's type; of its shape, too, but for the number of rows."""

    _faena_kind = "numpy"

    def __init__(
        self, input_array: Any, enforce_column_type: bool = True, enforce_shape: bool = True
    ) -> None:
        if not isinstance(input_array, numpy.ndarray):
            raise TypeError(
                "The sample of a NumpyParameterType is {!r}, which is no array.".format(type(input_array))
            )
        super().__init__(input_array)
        self._enforce_column_type = enforce_column_type
        self._enforce_shape = enforce_shape
        kind = input_array.dtype
        self._faena_floats = enforce_column_type and kind.kind == "f" and kind.itemsize in (4, 8)

    def deserialize_input(self, input_data: Any) -> Any:
        sample = self.sample_input
        try:
            array = numpy.asarray(input_data, dtype=sample.dtype if self._enforce_column_type else None)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError("it is no array of {}: {}".format(sample.dtype, error)) from None
        if self._enforce_shape and array.shape[1:] != sample.shape[1:] or array.ndim != sample.ndim:
            expected = ("rows",) + sample.shape[1:]
            raise ValueError(
                "it has the shape ({}), and ({}) is expected".format(
                    ", ".join(map(str, array.shape)), ", ".join(map(str, expected))
                )
            )
        return array

    def input_to_swagger(self) -> dict[str, Any]:
        sample = self.sample_input
        described: dict[str, Any] = of_number(sample.dtype.kind, sample.dtype.itemsize)
        for _ in range(sample.ndim):
            described = {"type": "array", "items": described}
        shown = sample.astype(str) if sample.dtype.kind == "M" else sample
        described["example"] = shown.tolist()
        return described
