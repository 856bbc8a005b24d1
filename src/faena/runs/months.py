"""Months of UTC, as numbers such as 202611. No I/O."""

from __future__ import annotations

from datetime import UTC, datetime

from faena.kernel.clock import Micros


def month_of(at: Micros) -> int:
    then = _date(at)
    return then.year * 100 + then.month


def begin_of(month: int) -> Micros:
    year, number = divmod(month, 100)
    return round(datetime(year, number, 1, tzinfo=UTC).timestamp()) * 1_000_000


def following(month: int) -> int:
    year, number = divmod(month, 100)
    return (year + 1) * 100 + 1 if number == 12 else month + 1


def by_month(begin: Micros, end: Micros) -> dict[int, Micros]:
    """How much of a stretch of time is in each month; empty where it has no length."""
    found: dict[int, Micros] = {}
    while begin < end:
        month = month_of(begin)
        until = min(end, begin_of(following(month)))
        found[month] = until - begin
        begin = until
    return found


def shown(month: int) -> str:
    """`2026-11`."""
    return f"{month // 100}-{month % 100:02d}"


def _date(at: Micros) -> datetime:
    return datetime.fromtimestamp(at // 1_000_000, UTC)
