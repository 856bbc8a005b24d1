"""How the process that started the helper has ended: what the runs that it left open end with."""

from __future__ import annotations

from faena.script import started

_goodbyes: list[str] = []


def goodbye(error: str) -> None:
    """It ends in good order, or with an error that nobody caught. One that is killed says nothing."""
    _goodbyes.append(error)


def is_killed() -> bool:
    """Its runs are left to their follower then, which fails them."""
    return not _goodbyes


def end_runs() -> None:
    """As that process would have, one that was not killed."""
    started.end_all(_goodbyes[-1] or None)
