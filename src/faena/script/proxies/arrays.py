"""NumPy's arrays and pandas' frames as bytes of their columns: each side makes them with the packages that it has."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Sequence

    Encoder = Any  # of `values`, which imports this
    Decoder = Any

_RAW = "biufcmMSU"
"""Kinds of dtypes whose bytes say all."""


def encoded(value: Any, encoder: Encoder) -> Any:
    """None where it is neither: nothing is imported to find that out."""
    top = type(value).__module__.partition(".")[0]
    if top == "numpy":
        numpy = sys.modules["numpy"]
        if isinstance(value, numpy.ndarray):
            return _array(value, encoder)
        if isinstance(value, numpy.datetime64):
            return _array(numpy.array(value), encoder)
        if isinstance(value, numpy.generic):
            return encoder.encode(value.item())
    elif top == "pandas":
        pandas = sys.modules["pandas"]
        if isinstance(value, pandas.DataFrame):
            columns = [_column(value.iloc[:, place], encoder) for place in range(value.shape[1])]
            return ["F", _labels(value.columns, encoder), columns, _index(value.index, encoder)]
        if isinstance(value, pandas.Series):
            return ["S", encoder.encode(value.name), _column(value, encoder), _index(value.index, encoder)]
        if isinstance(value, pandas.Timestamp):
            return encoder.encode(value.to_pydatetime())
        if isinstance(value, pandas.Index):
            return encoder.encode(value.tolist())
    return None


def _array(value: Any, encoder: Encoder) -> Any:
    if value.dtype.kind in _RAW and value.dtype.names is None:
        return ["a", value.dtype.str, list(value.shape), encoder.piece(value.tobytes())]
    return ["a", "O", list(value.shape), encoder.items(value.ravel().tolist())]


def _column(column: Any, encoder: Encoder) -> Any:
    """[kind, array]: with a time zone, of categories, or as it is."""
    dtype = column.dtype
    zone = getattr(dtype, "tz", None)
    if zone is not None:
        moments = column.dt.tz_convert("UTC").dt.tz_localize(None)
        return ["zone", _array(moments.values.astype("datetime64[ns]"), encoder), str(zone)]
    if str(dtype) == "category":
        categories = column.cat.categories.tolist()
        return ["category", _array(column.cat.codes.values, encoder), encoder.items(categories)]
    if getattr(dtype, "kind", "O") in _RAW and type(dtype).__module__.partition(".")[0] == "numpy":
        return ["plain", _array(column.values, encoder), None]
    nulls = column.isna().tolist()
    values = [None if null else value for value, null in zip(column.tolist(), nulls)]
    return ["plain", ["a", "O", [len(values)], encoder.items(values)], None]


def _labels(index: Any, encoder: Encoder) -> Any:
    return encoder.encode(index.tolist())


def _index(index: Any, encoder: Encoder) -> Any:
    """None where rows are numbered from 0."""
    pandas = sys.modules["pandas"]
    if isinstance(index, pandas.RangeIndex) and index.equals(pandas.RangeIndex(len(index))):
        return None
    if isinstance(index, pandas.MultiIndex):
        return ["many", encoder.encode(index.tolist()), encoder.encode(list(index.names))]
    return ["one", _column(index.to_series(), encoder), encoder.encode(index.name)]


def decoded_array(decoder: Decoder, dtype: str, shape: Sequence[int], content: Any) -> Any:
    """Raises UserErrorException where there is no NumPy."""
    numpy = _package("numpy", "an array")
    if dtype == "O":
        found = numpy.empty(len(content), dtype=object)
        found[:] = decoder.items(content)
        return found.reshape(shape)
    kind = numpy.dtype(dtype)
    if kind.hasobject:
        raise ValueError("an array of {!r} has no bytes".format(dtype))
    return numpy.frombuffer(decoder.piece(content), dtype=kind).reshape(shape).copy()


def decoded_series(decoder: Decoder, name: Any, column: Any, index: Any) -> Any:
    found = _decoded_column(decoder, *column)
    rows = _decoded_index(decoder, index)
    if rows is not None:
        found.index = rows
    found.name = decoder.decode(name)
    return found


def decoded_frame(decoder: Decoder, names: Any, columns: List[Any], index: Any) -> Any:
    """Raises UserErrorException where there is no pandas."""
    pandas = _package("pandas", "a data frame")
    labels = decoder.decode(names)
    made = {place: _decoded_column(decoder, *column) for place, column in enumerate(columns)}
    frame = pandas.DataFrame(made, columns=range(len(columns)))
    rows = _decoded_index(decoder, index)
    if rows is not None:
        frame.index = rows
    if labels and all(type(label) is tuple for label in labels):
        frame.columns = pandas.MultiIndex.from_tuples(labels)
    else:
        frame.columns = labels
    return frame


def _decoded_column(decoder: Decoder, kind: str, array: Any, more: Any) -> Any:
    pandas = _package("pandas", "a data frame")
    values = decoder.decode(array)
    if kind == "zone":
        return pandas.Series(values).dt.tz_localize("UTC").dt.tz_convert(more)
    if kind == "category":
        return pandas.Series(pandas.Categorical.from_codes(values, decoder.items(more)))
    return pandas.Series(values)


def _decoded_index(decoder: Decoder, index: Any) -> Any:
    if index is None:
        return None
    pandas = _package("pandas", "a data frame")
    if index[0] == "many":
        return pandas.MultiIndex.from_tuples(decoder.decode(index[1]), names=decoder.decode(index[2]))
    return pandas.Index(_decoded_column(decoder, *index[1]), name=decoder.decode(index[2]))


def _package(name: str, what: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        from faena.script.errors import UserErrorException

        raise UserErrorException(
            "{} needs {}, which the Python {} lacks. Install it there.".format(
                what.capitalize(), name, sys.executable
            )
        ) from None
