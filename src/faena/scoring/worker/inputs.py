"""What a client gave, in the form that `run` takes."""

from __future__ import annotations

import json

from . import answers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .calling import Calling, Parameter


class Frame:
    """Rows with names of columns."""

    def __init__(
        self, columns: list[Any], rows: list[list[Any]], records: list[dict[str, Any]] | None = None
    ) -> None:
        self.columns = columns
        self.rows = rows
        self.records = records
        """Where it came as such."""


class Values:
    """Without names: rows, as a rule."""

    def __init__(self, values: Any) -> None:
        self.values = values


class Named:
    """By names of parameters, columns or tensors."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values


def fit(given: Frame | Values | Named, calling: Calling) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments for `run`. Raises BadInput."""
    if calling.parameters is None:
        return (json.dumps(_as_json(given), default=answers.plain),), {}
    if len(calling.parameters) == 1:
        parameter = calling.parameters[0]
        return (), {parameter.name: parameter.convert(_for_one(given, parameter))}
    required = [parameter for parameter in calling.parameters if not parameter.has_default]
    if isinstance(given, Values) and len(required) == 1:
        return (), {required[0].name: required[0].convert(given.values)}
    names = [parameter.name for parameter in calling.parameters]
    if isinstance(given, Frame):
        columns = list(zip(*given.rows)) if given.rows else [()] * len(given.columns)
        given = Named({str(name): list(column) for name, column in zip(given.columns, columns)})
    if isinstance(given, Values):
        raise answers.BadInput("run() takes {}: give a value for each name.".format(", ".join(names)))
    return (), by_name(given.values, calling)


def by_name(values: dict[str, Any], calling: Calling) -> dict[str, Any]:
    """Each parameter's value, converted. Raises BadInput, which names what is missing or strange."""
    parameters = calling.parameters or []
    values = calling.named(values)
    known = {parameter.name for parameter in parameters}
    strange = [name for name in values if name not in known]
    missing = [each.name for each in parameters if each.name not in values and not each.has_default]
    if strange or missing:
        raise answers.BadInput(
            "{} takes {}; {} given.".format(
                calling.taker,
                ", ".join(parameter.name for parameter in parameters),
                "{!r} was not".format(missing[0]) if missing else "{!r} was".format(str(strange[0])[:80]),
            )
        )
    return {each.name: each.convert(values[each.name]) for each in parameters if each.name in values}


def _for_one(given: Frame | Values | Named, parameter: Parameter) -> Any:
    if isinstance(given, Values):
        return given.values
    if isinstance(given, Frame):
        return _frame_for(given, parameter)
    if parameter.name in given.values:
        return given.values[parameter.name]
    only: Any = next(iter(given.values.values())) if len(given.values) == 1 else None
    if parameter.form == "pandas" and parameter.kind == "other":
        return _records(given.values)
    if getattr(parameter.type, "_faena_tensors", False) and any(map(_is_deep, given.values.values())):
        return given.values
    if parameter.kind == "pandas":
        wide = getattr(only, "ndim", 1) == 2 and only.shape[1] != 1
        return only if wide else _data_frame(given.values)
    if only is not None:
        return only
    raise answers.BadInput(
        "run() takes {}, and {} were given.".format(
            parameter.name, ", ".join(map(str, list(given.values)[:20]))
        )
    )


def _is_deep(values: Any) -> bool:
    """Whether they are no column of a data frame: rows of rows."""
    return isinstance(values, list) and bool(values) and isinstance(values[0], list)


def _frame_for(given: Frame, parameter: Parameter) -> Any:
    if parameter.kind == "pandas":
        import pandas

        return pandas.DataFrame(given.rows, columns=given.columns)
    if parameter.form == "numpy":
        return given.rows
    return given.records or [dict(zip(given.columns, row)) for row in given.rows]


def _data_frame(columns: dict[str, Any]) -> Any:
    import pandas

    is_row = not any(
        isinstance(values, (list, dict)) or hasattr(values, "__array__") for values in columns.values()
    )
    try:
        return pandas.DataFrame(
            {name: [values] if is_row else _flat(values) for name, values in columns.items()}
        )
    except ValueError as error:
        raise answers.BadInput("The inputs make no data frame: {}.".format(error)) from None


def _records(columns: dict[str, Any]) -> list[dict[str, Any]]:
    lists = [
        getattr(values, "tolist", lambda values=values: values)() for values in map(_flat, columns.values())
    ]
    if any(not isinstance(each, (list, tuple)) or len(each) != len(lists[0]) for each in lists):
        raise answers.BadInput(
            "The inputs make no data frame: give as many values for each of {}.".format(", ".join(columns))
        )
    return [dict(zip(columns, row)) for row in zip(*lists)]


def _flat(values: Any) -> Any:
    """A column that came as a tensor of one column."""
    return values.reshape(-1) if getattr(values, "ndim", 1) == 2 and values.shape[1] == 1 else values


def _as_json(given: Frame | Values | Named) -> dict[str, Any]:
    if isinstance(given, Frame):
        return {"data": given.records if given.records is not None else given.rows}
    if isinstance(given, Values):
        return {"data": given.values}
    if len(given.values) == 1:
        return {"data": next(iter(given.values.values()))}
    return dict(given.values)
