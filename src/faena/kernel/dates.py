"""The date that an environment is made as of: how it may be given, and what it must be. Standard library only, since
clients read it, too."""

from __future__ import annotations

import datetime as dt
import re

from faena.kernel.errors import UserErrorException

AUTO = "auto"
"""From the versions that are named and the script's history."""
TODAY = "today"
"""No date, whatever the experiment's or the workspace's default is."""

_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EARLIEST_ZONE = dt.timedelta(hours=14)
"""Where it is already tomorrow, nobody gives a date in the future."""
_USE = "Give a date such as '2019-10-01', 'auto', or 'today' for none."


def asked(value: object, field: str = "as_of") -> str:
    """`2019-10-01`, `auto` or `today`; empty for None, which leaves it to defaults.

    A date or datetime gives its date; one with a time zone gives that in UTC, as package indexes count days.
    Raises UserErrorException for what is no date, for one in the future, and for an empty text, which is what a
    variable that is not set comes to.
    """
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        moment = value.astimezone(dt.UTC) if value.tzinfo is not None else value
        return check_date(moment.date().isoformat(), field)
    if isinstance(value, dt.date):
        return check_date(value.isoformat(), field)
    if not isinstance(value, str):
        raise UserErrorException(f"{field} is {_shown(value)}, which is no date. {_USE}")
    text = value.strip()
    if not text:
        raise UserErrorException(
            f"{field} is empty, which is no date. {_USE} Leave it out where defaults count."
        )
    return text.lower() if text.lower() in (AUTO, TODAY) else check_date(text, field)


def check_date(text: str, field: str = "as_of") -> str:
    """The text, if it is an ISO date that has come. Raises UserErrorException."""
    day = parsed(text)
    if day is None:
        raise UserErrorException(f"{field} is {_shown(text)}, which is no date. {_USE}")
    if day > (dt.datetime.now(dt.UTC) + _EARLIEST_ZONE).date():
        raise UserErrorException(
            f"{field} is {text}, and that day has not come: nobody knows its packages. {_USE}"
        )
    return text


def parsed(text: str) -> dt.date | None:
    """The day that an ISO date names; None for anything else."""
    if not _ISO.fullmatch(text):
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def day_of(text: str) -> dt.date:
    """Of a text that was checked before."""
    return dt.date.fromisoformat(text)


def cutoff_of_uv(value: str) -> str:
    """The date that a value of UV_EXCLUDE_NEWER stands for; empty for a span of time ('1 week') and what is none.

    uv takes a moment; packages of its whole day count here.
    """
    text = value.strip()
    if parsed(text) is not None:
        return text
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return ""
    return (moment.astimezone(dt.UTC) if moment.tzinfo is not None else moment).date().isoformat()


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]}… ({len(text)} characters)"
