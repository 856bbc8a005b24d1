"""Columns as pandas read them become columns of their types; what does not fit is found, with its row."""

from __future__ import annotations

from faena.script.errors import UserErrorException
from faena.script.tabular import types
from faena.script.tabular.dates import dates_of
from faena.script.tabular.frames import is_text, nanoseconds, pandas, version

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Mapping

EXACT = 1 << 53
"""Greater whole numbers are not all there among floats, which is what pandas makes of whole numbers and nulls."""
_TRUTH = {"true": True, "false": False}


class NeedsText(Exception):
    """What pandas made of the column has lost what its texts were: read it as text."""


class Misfit(Exception):
    """A value is not of the column's type: the first one, by its row in the chunk."""

    def __init__(self, row: int, value: Any) -> None:
        super().__init__(row)
        self.row = row
        self.value = value


class Rounded(Misfit):
    """A whole number would be rounded beside nulls or fractions, of which pandas makes floats."""


class Wanted:
    """What is done with values that are not of a type: `said` (null), else Misfit; dates that pandas cannot hold."""

    def __init__(self, on_error: str = "null", out_of_range_datetime: str = "null") -> None:
        for name, given in (("on_error", on_error), ("out_of_range_datetime", out_of_range_datetime)):
            if given not in ("null", "fail"):
                raise UserErrorException("{} is {!r}. Use 'null' or 'fail'.".format(name, given))
        self.on_error = on_error
        self.out_of_range_datetime = out_of_range_datetime

    def nulls(self, of: Mapping[str, Any]) -> bool:
        return self.on_error == "null" and bool(of.get("said"))


def fitted(column: Any, of: Mapping[str, Any], wanted: Wanted) -> Any:
    """The column with values of the type `of` alone. Raises NeedsText, Misfit."""
    kind = of["type"]
    if kind in ("string", "long", "float", "datetime") and _holds_objects(column):
        raise NeedsText
    return _FITTED[kind](column, of, wanted)


def converted(column: Any, of: Mapping[str, Any]) -> Any:
    """A column of some type as one of another, which was said: what does not fit is null."""
    try:
        return fitted(column, of, Wanted())
    except NeedsText:
        return converted(column.astype(object).map(_as_text), of)
    except Rounded as found:
        raise UserErrorException(
            "In the column {!r}, {} would be rounded beside nulls or fractions. Leave it as text.".format(
                str(column.name)[:80], str(found.value)[:80]
            )
        ) from None


def _as_text(value: Any) -> Any:
    return value if value is None or value != value or isinstance(value, str) else str(value)


def _holds_objects(column: Any) -> bool:
    """Whether pandas made numbers of texts, such as those of more than 64 bits."""
    if str(column.dtype) != "object":
        return False
    first = column.first_valid_index()
    return first is not None and not isinstance(column.loc[first], str)


def is_as_wanted(dtype: Any, kind: str) -> bool:
    """Whether columns as pandas read them need no second look to be of that type."""
    if kind == "string":
        return is_text(dtype)
    return kind == "any" or str(dtype) == {"long": "int64", "float": "float64", "bool": "bool"}.get(kind)


def _text(column: Any, of: Mapping[str, Any], wanted: Wanted) -> Any:
    if is_text(column.dtype):
        return column
    values = column.values
    if not (values != values).all() if values.dtype.kind == "f" else column.notna().any():
        raise NeedsText
    return _texts_of_none(column.index)


def _texts_of_none(index: Any) -> Any:
    """Kept while chunks have as many rows: a wide table has thousands of columns without a value."""
    made = _none.get("column")
    if made is None or not made.index.equals(index):
        kind = "str" if version() >= (3, 0) else object
        _none["column"] = made = pandas().Series(float("nan"), index=index, dtype=object).astype(kind)
    return made.copy(deep=False)


_none: dict[str, Any] = {}


def _as_it_is(column: Any, of: Mapping[str, Any], wanted: Wanted) -> Any:
    return column


def _long(column: Any, of: Mapping[str, Any], wanted: Wanted) -> Any:
    if str(column.dtype) in ("int64", "int32", "int16", "int8", "uint8", "uint16", "uint32"):
        return column.astype("int64")
    there = column.notna()
    if str(column.dtype) == "bool":
        fits, large = there & False, there & False
    elif is_text(column.dtype):
        zeros = bool(of.get("said"))
        fits = _matching(column, there, lambda text: isinstance(text, str) and types.is_long(text, zeros))
        large = _matching(column, fits, lambda text: types.size_of(text) >= EXACT)
    else:
        size = column if column.dtype.kind == "u" else column.abs()
        fits = there & (column % 1 == 0) & (size < 1 << 63 if column.dtype.kind == "u" else size <= 2.0**63)
        large = fits & (size >= EXACT)
    kept = _without(column, there & ~fits, of, wanted)
    if large.any() and (column.dtype.kind == "f" or not fits.all()):
        row = int(large.values.argmax())
        raise Rounded(row, column.iloc[row])
    if is_text(kept.dtype) or str(kept.dtype) == "bool":
        kept = pandas().to_numeric(kept.astype(object), errors="coerce")
    return kept.astype("int64") if len(kept) and kept.notna().all() else kept.astype("float64")


def _float(column: Any, of: Mapping[str, Any], wanted: Wanted) -> Any:
    there = column.notna()
    if of.get("decimal_mark", ".") == ",":
        if not is_text(column.dtype) and there.any():
            raise NeedsText
        column = column.astype(object).map(
            lambda text: text.replace(",", ".") if isinstance(text, str) else text
        )
    if str(column.dtype) == "bool":
        return _without(column, there, of, wanted).astype("float64")
    if not is_text(column.dtype):
        return column.astype("float64")
    numbers = _numbers(column)
    bad = there & numbers.isna() & ~_words(column)
    if not of.get("said"):
        bad |= _matching(
            column, there, lambda text: bool(types.LEADING_ZERO.match(text)) or not types.kept_by_floats(text)
        )
    _without(column, bad, of, wanted)
    return numbers


def _bool(column: Any, of: Mapping[str, Any], wanted: Wanted) -> Any:
    if str(column.dtype) == "bool":
        return column
    there = column.notna()
    known = {}
    for value in column[there].unique():
        if isinstance(value, str):
            truth = _TRUTH.get(value.strip().lower())
            truth = {"1": True, "0": False}.get(value.strip()) if truth is None and of.get("said") else truth
        elif str(value) in ("True", "False") or (of.get("said") and value in (0, 1)):
            truth = bool(value)
        else:
            truth = None
        if truth is not None:
            known[value] = truth
    fits = column.isin(list(known))
    kept = _without(column, there & ~fits, of, wanted)
    made = kept.astype(object).map(lambda value: known.get(value) if value == value else None)
    if len(made) and made.notna().all():
        return made.astype(bool)
    return made


def _datetime(column: Any, of: Mapping[str, Any], wanted: Wanted) -> Any:
    if str(column.dtype).startswith("datetime64"):
        made = nanoseconds(column)
        if wanted.out_of_range_datetime == "fail" and made is not column:
            _check_range(column, column.notna() & made.isna(), wanted)
        return made
    if not is_text(column.dtype):
        if len(column) and column.notna().any():
            raise NeedsText
        return column.astype("datetime64[ns]")
    forms = of.get("formats") or [types.ISO]
    made = dates_of(column, forms)
    lost = made.isna() & column.notna()
    if not lost.any():
        return made
    outside = _matching(
        column, lost, lambda text: isinstance(text, str) and any(types.is_date(text, form) for form in forms)
    )
    _check_range(column, outside, wanted)
    _without(column, lost & ~outside, of, wanted)
    return made


_FITTED: dict[str, Callable[..., Any]] = {
    "string": _text,
    "any": _as_it_is,
    "long": _long,
    "float": _float,
    "bool": _bool,
    "datetime": _datetime,
}


def _check_range(column: Any, outside: Any, wanted: Wanted) -> None:
    if wanted.out_of_range_datetime == "fail" and outside.any():
        value = column[outside].iloc[0]
        raise UserErrorException(
            "The date {} is outside what pandas can hold, 1677 to 2262. Leave out_of_range_datetime='fail' away to "
            "get null in its place, or read the column as text: DataType.to_string().".format(str(value)[:80])
        )


def _without(column: Any, bad: Any, of: Mapping[str, Any], wanted: Wanted) -> Any:
    """The column with nulls where it is bad, if its type was said; raises Misfit otherwise."""
    if not len(column) or not bad.any():
        return column
    if not wanted.nulls(of):
        row = int(bad.values.argmax())
        raise Misfit(row, column.iloc[row])
    return column.astype(object).mask(bad)


def _matching(column: Any, among: Any, matches: Callable[[Any], bool]) -> Any:
    """Which rows match, of those `among` which it is asked."""
    found = among.copy()
    if among.any():
        found[among] = [matches(value) for value in column[among]]
    return found.astype(bool)


def _numbers(column: Any) -> Any:
    return pandas().to_numeric(column.astype(object), errors="coerce").astype("float64")


def _words(column: Any) -> Any:
    """Which texts say that they are no number."""
    return (
        column.astype(object)
        .map(lambda text: isinstance(text, str) and text.strip().lower() == "nan")
        .astype(bool)
    )
