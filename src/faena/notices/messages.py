"""What a notice says: a JSON object for programs, with a line for people."""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import quote

import msgspec

from faena.db import Read
from faena.kernel import durations
from faena.kernel.clock import iso
from faena.notices.model import Notice
from faena.runs import store as runs
from faena.runs.model import Run
from faena.tracking import query
from faena.tracking.model import SCRIPT

_MOST_METRICS = 20
_LONGEST = 2000


class Message(msgspec.Struct, frozen=True):
    title: str
    """One line."""
    values: dict[str, Any]

    @property
    def json(self) -> bytes:
        return msgspec.json.encode(self.values)

    @property
    def text(self) -> str:
        """For a mail."""
        run = self.values["run"]
        lines = [f"workspace: {self.values['workspace']}"]
        lines += [
            f"{name.replace('_', ' ')}: {value}" for name, value in run.items() if value not in (None, "", {})
        ]
        return "\n".join([self.title, "", *lines, ""])


def of_notice(read: Read, notice: Notice, workspace: str, pages: str) -> Message | None:
    """None for a run that has gone, or goes on again. `pages`: as in `of_run`."""
    run = runs.get(read, notice.run_id)
    if run is None or run.deletion is not None or not run.status.is_terminal():
        return None
    return of_run(read, run, workspace, notice.id, pages)


def trial(workspace: str, notice_id: str) -> Message:
    """Where no run has ended yet."""
    title = f"A trial: no run of {workspace} has ended yet"
    told = {"id": "", "experiment": "", "status": ""}
    return Message(
        title, {"id": notice_id, "event": "trial", "text": title, "workspace": workspace, "run": told}
    )


def of_run(read: Read, run: Run, workspace: str, notice_id: str, pages: str) -> Message:
    """`pages`: where people find those of the server; empty for one that no person elsewhere reaches."""
    began = run.started_at or run.created_at
    took = durations.shown(max(0, (run.ended_at or began) - began) / 1e6)
    title = f"{run.experiment} {run.number} {run.status.value} after {took}" + (
        f": {run.name}" if run.name else ""
    )
    url = f"{pages}/ui/runs/{quote(run.id, safe='')}" if pages else None
    text = f"{title} {url}" if url else title
    found = query.metric_summaries(read, run.id, source=SCRIPT)[:_MOST_METRICS]
    told = {
        "id": run.id,
        "experiment": run.experiment,
        "number": run.number,
        "name": run.name,
        "type": run.type,
        "status": run.status.value,
        "reason": run.reason.value if run.reason else None,
        "message": run.message[:_LONGEST] if run.message else None,
        "url": url,
        "user": run.user,
        "created_at": iso(run.created_at),
        "started_at": iso(run.started_at) if run.started_at else None,
        "ended_at": iso(run.ended_at) if run.ended_at else None,
        "metrics": {
            each.name: each.last for each in found if each.last is not None and math.isfinite(each.last)
        },
    }
    return Message(
        title, {"id": notice_id, "event": "run.ended", "text": text, "workspace": workspace, "run": told}
    )
