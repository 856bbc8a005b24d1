"""A data frame."""

from __future__ import annotations

import json

import pandas

from .abstract_parameter_type import AbstractParameterType, of_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["PandasParameterType"]


class PandasParameterType(AbstractParameterType):
    """With the sample's columns and their types."""

    _faena_kind = "pandas"

    def __init__(
        self,
        input_df: Any,
        enforce_column_type: bool = True,
        enforce_shape: bool = True,
        apply_column_names: bool = False,
        orient: str = "records",
    ) -> None:
        if not isinstance(input_df, pandas.DataFrame):
            raise TypeError(
                "The sample of a PandasParameterType is {!r}, no data frame.".format(type(input_df))
            )
        if orient not in ("split", "records", "index", "columns", "values", "table"):
            raise ValueError("{!r} is no orientation of a data frame.".format(orient))
        super().__init__(input_df)
        self._enforce_column_type = enforce_column_type
        self._enforce_shape = enforce_shape
        self._apply_column_names = apply_column_names
        self._orient = orient

    def deserialize_input(self, input_data: Any) -> Any:
        sample = self.sample_input
        frame = input_data if isinstance(input_data, pandas.DataFrame) else self._frame(input_data)
        if self._apply_column_names and len(frame.columns) == len(sample.columns):
            frame.columns = sample.columns
        if self._enforce_shape and len(frame.columns) != len(sample.columns):
            raise ValueError(
                "it has {} columns, and {} are expected: {}".format(
                    len(frame.columns), len(sample.columns), ", ".join(map(str, sample.columns))
                )
            )
        if self._enforce_column_type:
            types = {name: kind for name, kind in sample.dtypes.items() if name in frame.columns}
            types = {name: kind for name, kind in types.items() if frame[name].dtype != kind}
            try:
                frame = frame.astype(types) if types else frame
            except (TypeError, ValueError) as error:
                raise ValueError(
                    "its columns do not have the types of the sample: {}".format(error)
                ) from None
        return frame

    def _frame(self, data: Any) -> Any:
        try:
            if self._orient == "split" and isinstance(data, dict):
                return pandas.DataFrame(data["data"], data.get("index"), data.get("columns"))
            if self._orient == "index" and isinstance(data, dict):
                return pandas.DataFrame.from_dict(data, orient="index")
            if self._orient == "table" and isinstance(data, dict):
                return pandas.DataFrame(data["data"])
            if not isinstance(data, (list, dict)) and not hasattr(data, "__array__"):
                raise ValueError("it is a {}, and rows are expected".format(type(data).__name__))
            if not isinstance(data, dict) and len(data) and not isinstance(data[0], dict):
                return pandas.DataFrame(data, columns=self.sample_input.columns)
            return pandas.DataFrame(data)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError("it is no data frame: {}".format(error)) from None

    def input_to_swagger(self) -> dict[str, Any]:
        sample = self.sample_input
        properties = {str(name): _column(kind, sample[name]) for name, kind in sample.dtypes.items()}
        return {
            "type": "array",
            "items": {"type": "object", "properties": properties},
            "example": json.loads(sample.to_json(orient=self._orient, date_format="iso")),
        }


def _column(kind: Any, values: Any) -> dict[str, Any]:
    if kind.kind == "O":
        texts = len(values) and all(isinstance(value, str) for value in values)
        return {"type": "string"} if texts else {"type": "object"}
    return of_number(kind.kind, getattr(kind, "itemsize", 8))
