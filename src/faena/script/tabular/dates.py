"""Texts as dates, in the formats that a column has."""

from __future__ import annotations

import re

from faena.script.tabular import types
from faena.script.tabular.frames import nanoseconds, pandas, version

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, Sequence

_SHAPE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:([T ])[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?)?")


def dates_of(column: Any, forms: Sequence[str]) -> Any:
    """In nanoseconds and without a zone (UTC where one was written); null for what is a date in no form."""
    made = None
    for form in forms:
        if made is None:
            made = _in_form(column, form)
            continue
        left = made.isna() & column.notna()
        if not left.any():
            break
        made = made.where(~left, _in_form(column.where(left), form))
    return made


def _in_form(column: Any, form: str) -> Any:
    if form != types.ISO:
        return nanoseconds(pandas().to_datetime(column, format=form, errors="coerce"))
    if version() >= (2, 0):
        return nanoseconds(pandas().to_datetime(column, format=types.ISO, errors="coerce", utc=True))
    made = None
    shape = _shape(column)
    if shape is not None:  # pandas before 2 reads one shape of ISO dates fast, and guesses at all others
        made = pandas().to_datetime(column, format=shape, errors="coerce")
        if str(made.dtype) != "datetime64[ns]":  # it made objects of some zone
            made = None
        elif not (made.isna() & column.notna()).any():
            return made
    left = column.notna() if made is None else made.isna() & column.notna()
    iso = column.where(
        left & column.map(lambda text: isinstance(text, str) and types.is_iso(text)).astype(bool)
    )
    slow = nanoseconds(pandas().to_datetime(iso, errors="coerce", utc=True))
    return slow if made is None else made.where(~left, slow)


def _shape(column: Any) -> Optional[str]:
    first = column.first_valid_index()
    found = None if first is None else _SHAPE.fullmatch(str(column.loc[first]))
    if found is None:
        return None
    between, seconds, fraction = found.groups()
    time = (
        ""
        if between is None
        else between + "%H:%M" + (":%S" if seconds else "") + (".%f" if fraction else "")
    )
    return "%Y-%m-%d" + time
