"""What may be logged, and as what: v1's rules for scalars, lists, rows and tables. numpy is never imported."""

from __future__ import annotations

from faena.script.frames import AS_FLOAT, AS_INT, PACKERS
from faena.script.messages import warn_once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, Union

    Scalar = Union[float, int, bool, str]
    Cell = Union[float, int, bool, str, None]

_I64 = 2**63
MAX_NAME = 255
_MAX_TEXT = 1 << 19
_MAX_BITS = 4096
_MAX_REPR = 1000
_MISSING = frozenset((("pandas", "NAType"), ("pandas", "NaTType"), ("numpy", "MaskedConstant")))
"""Types of what stands for no value, by package and name: neither package is imported for it."""
_NUMPY_FLOATS = frozenset(("float16", "float32", "float64"))
_NUMPY_INTS = frozenset(("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"))


def check_name(name: object, what: str = "metric name", limit: int = MAX_NAME) -> str:
    """Raises UserErrorException unless `name` is 1 to `limit` characters without control characters."""
    if not isinstance(name, str):
        raise refuse(
            "{} is not a {}: it must be a str, not {}.".format(_short(name), what, type(name).__name__)
        )
    if not name:
        raise refuse("The {} is empty. Give 1 to {} characters.".format(what, limit))
    if len(name) > limit:
        raise refuse(
            "{} is not a {}: it has {} characters, at most {} are allowed.".format(
                _short(name), what, len(name), limit
            )
        )
    for letter in name:
        if letter < " " or "\x7f" <= letter <= "\x9f" or "\ud800" <= letter <= "\udfff":
            raise refuse(
                "{} is not a {}: it holds the character {}, which is not text.".format(
                    _short(name), what, ascii(letter)
                )
            )
    return str(name)


def check_step(step: Any) -> int | None:
    """A whole number within 64 bits, or None. Raises UserErrorException."""
    if step is None:
        return None
    whole = None
    if isinstance(step, float):
        whole = int(step) if step.is_integer() else None
    elif hasattr(step, "__index__"):
        try:
            whole = step.__index__()
        except TypeError:  # a numpy array of several elements
            whole = None
    if whole is None:
        raise refuse(
            "step {} is not a whole number. Give an int such as the iteration or epoch.".format(_short(step))
        )
    if not -_I64 < whole < _I64:
        raise refuse(
            "step {} is out of range. Give an int between -(2**63 - 1) and 2**63 - 1.".format(_short(whole))
        )
    return whole


def fits_point(value: Scalar) -> bool:
    """Whether `value` is a FLOAT or INT of the spool; otherwise it is an event."""
    return type(value) is float or (type(value) is int and -_I64 <= value < _I64)


def scalar(value: Any, name: str) -> Scalar:
    """`value` as float, int, bool or str. An object of no such kind becomes its repr, with a warning on stderr.

    Raises UserErrorException for an int or str too large to be a metric.
    """
    kind = type(value)
    if kind is float:
        return value  # type: ignore[no-any-return]  # its type was asked for in the line above
    if kind is int:
        return _within(value, name)
    if kind is bool:
        return value  # type: ignore[no-any-return]  # its type was asked for in the line above
    if isinstance(value, str):
        return text_value(str(value), name)
    _learn(kind)
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int):
        return _within(int(value), name)
    return _converted(value, name)


def cell(value: Any, name: str) -> Cell:
    """As `scalar`, for an element of a list, a row or a table: None, and what pandas and numpy have for it, is None."""
    kind = type(value)
    if value is None or (kind.__module__.partition(".")[0], kind.__name__) in _MISSING:
        return None
    return scalar(value, name)


def listed(value: Any, name: str) -> list[Cell]:
    """The elements of any iterable but a str, each by itself. Raises UserErrorException."""
    return [cell(each, name) for each in _elements(value, name, "log_list")]


def row(columns: dict[str, Any], name: str) -> dict[str, Cell]:
    """One scalar or None a column. Raises UserErrorException when there is none or one is a list."""
    if not columns:
        raise refuse("The row {!r} has no columns. Use run.log_row(name, column=value).".format(name))
    found: dict[str, Cell] = {}
    for column, value in columns.items():
        if is_list(value) or isinstance(value, (tuple, dict, set)):
            raise refuse(
                "Column {!r} of the row {!r} is a {}. Use run.log_table for lists.".format(
                    column, name, type(value).__name__
                )
            )
        found[check_name(column, "column name")] = cell(value, name)
    return found


def table(columns: Any, name: str) -> dict[str, list[Cell]]:
    """Columns of equal length. Raises UserErrorException."""
    if not isinstance(columns, dict) or not columns:
        raise refuse(
            "The table {!r} is {}. Give a dict of lists of equal length.".format(name, _short(columns))
        )
    found = {
        check_name(column, "column name"): [cell(each, name) for each in _elements(values, name, "log_table")]
        for column, values in columns.items()
    }
    lengths = {column: len(values) for column, values in found.items()}
    if len(set(lengths.values())) > 1:
        raise refuse(
            "The columns of the table {!r} differ in length: {}. Make them equal.".format(name, lengths)
        )
    return found


def is_list(value: Any) -> bool:
    """Whether `run.log` refuses `value`, as v1 did."""
    return isinstance(value, (list, range)) or type(value).__name__ == "generator"


def _learn(kind: type) -> None:
    """Lets `Run.log` take its short way for this type from now on, where struct packs it without loss."""
    numpy_name = kind.__name__ if kind.__module__ == "numpy" else ""
    if issubclass(kind, float) or numpy_name in _NUMPY_FLOATS:
        PACKERS[kind] = AS_FLOAT
    elif (issubclass(kind, int) and not issubclass(kind, bool)) or numpy_name in _NUMPY_INTS:
        PACKERS[kind] = AS_INT


def _converted(value: Any, name: str) -> Scalar:
    """numpy's scalars and arrays of one element, tensors, Chainer's variables, Decimal, Fraction…"""
    for held in (value, *_arrays(value)):
        plain = _plain(held)
        if plain is not None:
            return scalar(plain, name)
    text = repr(value)
    warn_once(
        "faena: {!r} got a value of type {}, which is not a number, bool or str; its repr is stored.".format(
            name, type(value).__name__
        )
    )
    return text_value(text if len(text) <= _MAX_REPR else text[:_MAX_REPR] + "…", name)


def _plain(value: Any) -> Scalar | None:
    """The one number or text that `value` is; None where it is none, or several."""
    for method in ("item", "__index__", "__float__"):
        try:
            plain = getattr(value, method)()
        except Exception:  # noqa: BLE001, S112  each framework refuses an array of several in its own way
            continue
        if type(plain) in (float, int, bool, str):
            return plain  # type: ignore[no-any-return]  # its type was asked for in the line above
    return None


def _arrays(value: Any) -> Iterator[Any]:
    """What frameworks that wrap an array call it; of those that have no `item` themselves, Chainer's 5 among them."""
    for name, called in (("array", False), ("data", False), ("numpy", True), ("asnumpy", True)):
        try:
            held = getattr(value, name)
            yield held() if called else held
        except Exception:  # noqa: BLE001, S112  not there, a tensor that must be detached first
            continue


def _elements(value: Any, name: str, method: str) -> list[Any]:
    for held in (value, *(() if hasattr(value, "__iter__") else _arrays(value))):
        if hasattr(held, "tolist"):
            value = held.tolist()
            break
    if isinstance(value, (str, bytes, dict)) or not hasattr(value, "__iter__"):
        raise refuse("run.{} needs a list for {!r}, got {}.".format(method, name, _short(value)))
    return list(value)


def _within(value: int, name: str) -> int:
    if value.bit_length() > _MAX_BITS:
        raise refuse(
            "{!r} got an int of {} bits. Log a float, or a str of at most {} characters.".format(
                name, value.bit_length(), _MAX_TEXT
            )
        )
    return value


def text_value(value: str, name: str) -> str:
    """`value` as valid UTF-8 text. Raises UserErrorException when it is too long for a record."""
    if len(value) > _MAX_TEXT:
        raise refuse(
            "{!r} got a str of {} characters; at most {} are allowed. Write it to a file under outputs/ "
            "or use run.upload_file.".format(name, len(value), _MAX_TEXT)
        )
    return value.encode("utf-8", "backslashreplace").decode()  # a lone surrogate is not UTF-8


def marks(given: Any, what: str) -> dict[str, str]:
    """Tags or properties (`what`: "tag", "property") as text; a value that was none is told on stderr.

    None becomes "": a mark without a value. Raises UserErrorException for what is no mapping and for a bad key.
    """
    if not hasattr(given, "items"):
        raise refuse("{} are not a dict of each {}'s value.".format(_short(given), what))
    found: dict[str, str] = {}
    for key, value in given.items():
        if not isinstance(key, str):
            warn_once("faena: the key {} of a {} is kept as a str.".format(_short(key), what))
            key = str(key)
        key = check_name(key, "key of a " + what)
        if value is None:
            value = ""
        elif not isinstance(value, str):
            warn_once(
                "faena: the {} {!r} got a value of type {}; it is kept as {}.".format(
                    what, key, type(value).__name__, _short(str(value))
                )
            )
        found[key] = text_value(str(value), key)
    return found


def wanted_marks(given: Any, what: str) -> dict[str, Any]:
    """What a list filters by: "key", or {"key": "value"}; a value of None, as a bare key, means any.

    Raises UserErrorException for anything else.
    """
    if given is None:
        return {}
    if isinstance(given, str):
        return {given: None}
    if not isinstance(given, dict):
        raise refuse("{} is no filter by {}. Use 'key' or {{'key': 'value'}}.".format(_short(given), what))
    return {str(key): None if value is None else str(value) for key, value in given.items()}


def _short(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # an int of more digits than Python shows
        return "an int of {} bits".format(value.bit_length() if isinstance(value, int) else "many")
    return text if len(text) <= 80 else text[:60] + "…"


def refuse(message: str) -> Exception:
    """A UserErrorException to raise."""
    from faena.script.errors import (
        UserErrorException,
    )  # only when needed: it loads the kernel where there is one

    return UserErrorException(message)
