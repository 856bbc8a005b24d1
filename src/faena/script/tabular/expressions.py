"""Conditions on the columns of a row, written as `dataset['age'] > 18`: trees that JSON can hold."""

from __future__ import annotations

from datetime import date, datetime, timezone

from faena.script.errors import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn, Sequence

_DEEPEST = 200


class Expression:
    """A condition. Join two by `&` and `|`, in brackets; `~` is its contrary."""

    def __init__(self, tree: Sequence[Any]) -> None:
        """Use a column: `dataset['age'] > 18`."""
        self.tree = list(tree)

    def __and__(self, other: Any) -> Expression:
        return Expression(["and", self.tree, condition(other)])

    def __or__(self, other: Any) -> Expression:
        return Expression(["or", self.tree, condition(other)])

    def __invert__(self) -> Expression:
        return Expression(["not", self.tree])

    def __bool__(self) -> NoReturn:
        raise UserErrorException(
            "A condition is no truth by itself: join conditions by & and |, each in brackets, not by `and` and `or`."
        )

    def __repr__(self) -> str:
        return "Expression({!r})".format(self.tree)


class Column(Expression):
    """A column of a dataset, to be compared: `dataset['age'] > 18`."""

    def __init__(self, name: str) -> None:
        super().__init__(["column", str(name)])

    def __eq__(self, other: Any) -> Expression:  # type: ignore[override]  # a column compared is a filter, as in pandas
        return self._compared("==", other)

    def __ne__(self, other: Any) -> Expression:  # type: ignore[override]  # a column compared is a filter, as in pandas
        return self._compared("!=", other)

    def __lt__(self, other: Any) -> Expression:
        return self._compared("<", other)

    def __le__(self, other: Any) -> Expression:
        return self._compared("<=", other)

    def __gt__(self, other: Any) -> Expression:
        return self._compared(">", other)

    def __ge__(self, other: Any) -> Expression:
        return self._compared(">=", other)

    __hash__ = None  # type: ignore[assignment]  # what compares by making filters has no hash

    def is_null(self) -> Expression:
        return Expression(["null", self.tree])

    def contains(self, text: str) -> Expression:
        """Of texts: whether they hold this one."""
        return Expression(["contains", self.tree, _literal(text)])

    def starts_with(self, text: str) -> Expression:
        return Expression(["starts", self.tree, _literal(text)])

    def ends_with(self, text: str) -> Expression:
        return Expression(["ends", self.tree, _literal(text)])

    def _compared(self, sign: str, other: Any) -> Expression:
        return Expression([sign, self.tree, other.tree if isinstance(other, Column) else _literal(other)])


def condition(given: Any) -> list[Any]:
    """Its tree. Raises UserErrorException for what is none."""
    if isinstance(given, Expression):
        return given.tree
    raise UserErrorException("{!r} is no condition. Use one such as dataset['age'] > 18.".format(given))


def columns_of(tree: Any) -> set[str]:
    """The names of the columns that a condition looks at."""
    if isinstance(tree, list) and tree[:1] == ["column"]:
        return {tree[1]}
    return {name for part in tree for name in columns_of(part)} if isinstance(tree, list) else set()


def moment(given: Any, what: str) -> datetime:
    """A date or time, also as ISO text; without a zone (UTC where one is given)."""
    if isinstance(given, str):
        try:
            given = datetime.fromisoformat(given.strip().replace("Z", "+00:00"))
        except ValueError:
            pass
    if hasattr(given, "to_pydatetime"):
        given = given.to_pydatetime()
    if isinstance(given, date) and not isinstance(given, datetime):
        given = datetime(given.year, given.month, given.day)
    if not isinstance(given, datetime):
        raise UserErrorException(
            "{} is {!r}. Use a datetime such as datetime(2019, 5, 31).".format(what, given)
        )
    return given.astimezone(timezone.utc).replace(tzinfo=None) if given.tzinfo is not None else given


def chosen(frame: Any, tree: Any, depth: int = 0) -> Any:
    """Which rows of a frame fulfil a condition. Raises UserErrorException naming a column that is not there."""
    if depth > _DEEPEST:
        raise UserErrorException("The condition has more than {} conditions in one another.".format(_DEEPEST))
    sign, left, right = [*tree, None][:3]
    if sign == "and":
        return chosen(frame, left, depth + 1) & chosen(frame, right, depth + 1)
    if sign == "or":
        return chosen(frame, left, depth + 1) | chosen(frame, right, depth + 1)
    if sign == "not":
        return ~chosen(frame, left, depth + 1)
    if sign == "column":
        return _truths(_column(frame, tree))
    values = _column(frame, left)
    if sign == "null":
        return values.isna()
    against = _value(frame, right)
    try:
        return _truths(_COMPARED[sign](values, against))
    except (TypeError, AttributeError) as error:
        raise UserErrorException(
            "The column {!r} cannot be compared with {!r}: {}. Compare it with values of its own type ({}).".format(
                left[1], against, error, values.dtype
            )
        ) from None


def _truths(column: Any) -> Any:
    """Null is false."""
    return column if str(column.dtype) == "bool" else column.fillna(False).astype(bool)


_COMPARED: dict[str, Any] = {
    "==": lambda column, value: column == value,
    "!=": lambda column, value: column != value,
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
    "contains": lambda column, value: column.str.contains(value, regex=False),
    "starts": lambda column, value: column.str.startswith(value),
    "ends": lambda column, value: column.str.endswith(value),
}


def _column(frame: Any, tree: Any) -> Any:
    name = tree[1]
    if name not in frame.columns:
        raise UserErrorException(
            "The condition asks for the column {!r}, and there is none. There are: {}.".format(
                name, ", ".join(map(str, frame.columns[:50]))
            )
        )
    return frame[name]


def _literal(given: Any) -> Any:
    if hasattr(given, "item") and not isinstance(given, (str, bytes)):
        given = given.item()  # a number of numpy's
    if given is None or isinstance(given, (str, bool, int, float)):
        return {"value": given}
    return {"datetime": moment(given, "What the column is compared with").isoformat()}


def _value(frame: Any, tree: Any) -> Any:
    if isinstance(tree, list):
        return _column(frame, tree)
    if "datetime" in tree:
        return datetime.fromisoformat(tree["datetime"])
    return tree["value"]
