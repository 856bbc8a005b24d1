"""The types of columns: said by the user with `DataType`, or inferred from the first rows.

A type is a dict: `{"type": "string" | "long" | "float" | "bool" | "datetime"}`, with `decimal_mark` of floats and
`formats` of dates where they are known. One that the user said has `"said": True`: what does not fit it is null, where
an inferred one gives way.
"""

from __future__ import annotations

import re

from faena.script.errors import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable, Mapping, Optional, Sequence, Union

ISO = "ISO8601"
"""The format of dates such as 2019-05-31, 2019-05-31T23:59:59.5 and 2019-05-31 23:59:59+02:00."""

TEXT: dict[str, Any] = {"type": "string"}
ANY: dict[str, Any] = {"type": "any"}
"""What pandas makes of it: lists, decimals, bytes."""

LONG = re.compile(r"\s*[-+]?(?:0|[1-9][0-9]{0,18})\s*", re.ASCII)
WHOLE = re.compile(r"\s*[-+]?[0-9]+\s*", re.ASCII)
LEADING_ZERO = re.compile(r"\s*[-+]?0[0-9]", re.ASCII)
_FLOAT = re.compile(
    r"\s*[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,5})?\s*", re.ASCII
)
_NO_NUMBER = {"nan", "inf", "-inf", "+inf", "infinity", "-infinity", "+infinity"}
_BOOL = {"true", "false"}
_ISO = re.compile(
    r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"(?:[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?"
    r"(?:Z|[-+](?:[01][0-9]|2[0-3]):?[0-5][0-9])?)?",
    re.ASCII,
)
_DAYS = (
    "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%m-%d-%Y", "%d-%m-%Y", "%d.%m.%Y", "%m/%d/%y", "%d/%m/%y",
    "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y",
)  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
_COULD_BE_A_DATE = re.compile(
    r"[0-9A-Za-z]{1,9}[-/. ][0-9A-Za-z]{1,9},?[-/. ][0-9]{2,4}(?: [0-9:. ]{4,15}(?:[AaPp][Mm])?)?"
)
_MOST = 1 << 63


class DataType:
    """The type of a column, for `set_column_types`: `DataType.to_float()`, `DataType.to_datetime('%d.%m.%Y')`."""

    def __init__(self, described: Mapping[str, Any]) -> None:
        """Use the `to_…` methods."""
        self.described = dict(described, said=True)

    @staticmethod
    def to_string() -> DataType:
        return DataType(TEXT)

    @staticmethod
    def to_long() -> DataType:
        return DataType({"type": "long"})

    @staticmethod
    def to_float(decimal_mark: str = ".") -> DataType:
        """`decimal_mark`: '.' or ','."""
        if decimal_mark not in (".", ","):
            raise UserErrorException("The decimal_mark is {!r}. Use '.' or ','.".format(decimal_mark))
        return DataType({"type": "float", "decimal_mark": decimal_mark})

    @staticmethod
    def to_bool() -> DataType:
        return DataType({"type": "bool"})

    @staticmethod
    def to_datetime(formats: Union[str, Sequence[str], None] = None) -> DataType:
        """`formats`: one or several such as '%d.%m.%Y %H:%M', tried in turn; None: ISO dates."""
        given = [formats] if isinstance(formats, str) else list(formats or [ISO])
        if not all(isinstance(each, str) and (each == ISO or "%" in each) for each in given):
            raise UserErrorException(
                "{!r} is no format of dates. Use one such as '%Y-%m-%d'.".format(formats)
            )
        return DataType({"type": "datetime", "formats": given})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DataType) and other.described == self.described

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        return "DataType({!r})".format(self.described)


def said(given: Any) -> dict[str, Any]:
    """What `set_column_types` asks for, by column. Raises UserErrorException for what is no DataType."""
    found = {}
    for name, of in (given or {}).items():
        if isinstance(of, type) or not isinstance(getattr(of, "described", None), dict):
            raise UserErrorException(
                "set_column_types gives {!r} for the column {!r}. Use one such as DataType.to_float().".format(
                    of, str(name)[:80]
                )
            )
        found[str(name)] = dict(of.described)
    return found


def inferred(values: Iterable[Any]) -> dict[str, Any]:
    """The type of a column of texts, of which None and NaN are null, and empty ones say nothing."""
    texts = [value for value in values if isinstance(value, str) and value]
    if not texts:
        return TEXT
    first = texts[0]
    if _is_float(first):
        if all(map(LONG.fullmatch, texts)):
            return {"type": "long"} if all(map(kept_by_floats, texts)) else TEXT
        if any(map(WHOLE.fullmatch, texts)) and not all(map(kept_by_floats, texts)):
            return TEXT
        if all(map(_is_float, texts)) and any(map(_FLOAT.fullmatch, texts)):
            return {"type": "float"}
        return TEXT
    if first.lower() in _BOOL:
        return {"type": "bool"} if all(each.lower() in _BOOL for each in texts) else TEXT
    found = format_of(texts)
    return TEXT if found is None else {"type": "datetime", "formats": [found]}


def format_of(texts: Sequence[str]) -> Optional[str]:
    """The one format in which all are dates; None where there is none, or where two read them differently."""
    if all(map(is_iso, texts)):
        return ISO
    if not all(map(_COULD_BE_A_DATE.fullmatch, texts)):
        return None
    fitting = [day + time for day in _DAYS for time in _TIMES if is_date(texts[0], day + time)]
    fitting = [each for each in fitting if all(is_date(text, each) for text in texts[1:])]
    if len(fitting) > 1 and _order(fitting[0]) == _order(fitting[1]):
        fitting = fitting[:1]  # two spellings of one format, such as %b and %B of May
    return fitting[0] if len(fitting) == 1 else None


def is_iso(text: str) -> bool:
    """Whether it is one of a day that there was or will be: 2020-02-30 is none."""
    return _ISO.fullmatch(text) is not None and (text[8:10] < "29" or _is_day(text[:10]))


def is_date(text: str, form: str) -> bool:
    """Whether the text is a date of that format, also one that pandas cannot hold."""
    from datetime import datetime

    if form == ISO:
        return is_iso(text)
    try:
        datetime.strptime(text, form)
    except ValueError:
        return False
    return True


def _is_day(text: str) -> bool:
    from datetime import date

    try:
        date(int(text[:4]) or 2000, int(text[5:7]), int(text[8:]))
    except ValueError:
        return False
    return True


def _order(form: str) -> str:
    """Which comes first, day, month or year."""
    return "".join(letter.lower() for letter in form if letter in "dmbByY")[:3].replace("b", "m")


def _is_float(text: str) -> bool:
    return _FLOAT.fullmatch(text) is not None or text.strip().lower() in _NO_NUMBER


def kept_by_floats(text: str) -> bool:
    """Not so whole numbers of more than 64 bits: ids would lose digits."""
    return WHOLE.fullmatch(text) is None or is_long(text)


def is_long(text: str, zeros: bool = True) -> bool:
    """Whether it is a whole number of at most 64 bits, with leading zeros or without."""
    return (WHOLE if zeros else LONG).fullmatch(text) is not None and size_of(text) < _MOST


def size_of(text: str) -> int:
    """How large a whole number is, without its sign; of more than 64 bits just that it is larger."""
    digits = text.strip().lstrip("+-0")
    return int(digits[:20] or "0")
