"""A replica takes the place of the server of PostgreSQL while clients work."""

from __future__ import annotations

import re
from pathlib import Path

from tests.team import days
from tests.team.ground import team

_LACKS = re.compile(r"lacks the last (\d+) commits? of this process")


def failed_over(folder: Path, *, waits: bool, seconds: float = 2.0) -> days.Row:
    """`waits`: commits wait for the replica; else what is lost must be told, and all clients go on.

    `seconds`: for which there is no server that can be written.
    """
    what = "a replica follows, waited for" if waits else "a replica follows, not waited for"
    with team(folder, replicas=True) as made:
        made.servers.replicate(waits=waits)
        row = days.endured(made, what, days.replica_takes_its_place, seconds, 0)
        lacking = [int(number) for number in _LACKS.findall(made.logs())]
    if lacking and not waits:
        row.told += [f"{number} commits are lost" for number in lacking]
        row.told += row.wrong
        row.wrong = []
    elif lacking:
        row.wrong.append(f"commits are lost that both had: {lacking}")
    return row
