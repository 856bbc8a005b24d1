"""A sweep that goes on, shown until it has ended: a live table on a terminal, elsewhere a line an event."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import rich_click as click

from faena.cli import streams
from faena.cli.command import INTERRUPTED
from faena.cli.layout import harmless, styled, table_lines, wrapped
from faena.cli.sweeps import trials_table
from faena.cli.sweeps.asked import in_our_words
from faena.kernel.plural import counted
from faena.runs.schemas import RunView
from faena.sweeps.comparing import is_better
from faena.sweeps.schemas import DELETED, Objective, SweepView, TrialView

if TYPE_CHECKING:
    from faena.client.api import ServerApi

PAUSE = 0.5
"""Seconds between two looks."""
_AROUND_TABLE = 8
"""Lines above and below it."""
_MOST_ROWS = 200


class _View(Protocol):
    """What is shown of a sweep: now and again, then at its end."""

    def look(self, view: SweepView) -> None: ...

    def note(self, text: str) -> None: ...

    def close(self) -> None: ...


def follow(api: ServerApi, sweep_id: str) -> RunView:
    """The sweep's run at its end. Ctrl-C leaves it running: SystemExit 130."""
    try:
        return _shown_until_ended(api, sweep_id)
    except KeyboardInterrupt:
        click.echo(
            f"\nSweep {sweep_id} goes on. Follow it again with `faena sweep show --follow {sweep_id}`; "
            f"stop it with `faena cancel {sweep_id}`.",
            err=True,
        )
        sys.exit(INTERRUPTED)


def _shown_until_ended(api: ServerApi, sweep_id: str) -> RunView:
    shown: _View = _Table(api, sweep_id) if _is_live() else _Lines(api, sweep_id)
    try:
        with streams.following():
            return _until_ended(api, sweep_id, shown)
    finally:
        shown.close()


def _is_live() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


def _until_ended(api: ServerApi, sweep_id: str, shown: _View) -> RunView:
    told: set[tuple[str, str]] = set()
    ended = -1
    while True:
        view = api.sweeps.get(sweep_id)
        shown.look(view)
        count = trials_table.ended_count(view)
        if count == ended and view.state != "ended":
            time.sleep(PAUSE)
            continue
        ended = count  # notes come with trials that end
        run = api.run(sweep_id)
        for note in run.notes:
            if (note.code, note.message) not in told:
                told.add((note.code, note.message))
                shown.note(in_our_words(note.message))
        if view.state == "ended" and run.ended_at is not None:
            return run
        time.sleep(PAUSE)


class _Lines:
    def __init__(self, api: ServerApi, sweep_id: str) -> None:
        self._api = api
        self._id = sweep_id
        self._seen: dict[int, str] = {}
        self._next = 0
        """Trials of lower numbers have ended, and were told."""
        self._best: float | None = None
        self._state = self._waits = self._told_waits = ""
        click.echo(f"Sweep: {sweep_id}")

    def look(self, view: SweepView) -> None:
        if view.state != "ended":
            self._say(view)
        for trial in self._api.sweeps.trials(self._id, first=self._next):
            if trial.number < self._next:  # runs that were taken in stand before those with numbers
                continue
            if self._seen.get(trial.number) != trial.status and trial.run_id is not None:
                self._tell(trial, view.spec.objectives[0])
        while self._seen.get(self._next) in trials_table.ENDED:
            del self._seen[self._next]
            self._next += 1
        self._say(view)
        self._say_what_it_waits_for(blocker(self._api, view))

    def _say_what_it_waits_for(self, waits: str) -> None:
        """Once it has waited for that for two looks: most nodes are there sooner."""
        if waits and waits == self._waits and waits != self._told_waits:
            self._told_waits = waits
            click.echo(f"[all wait: {harmless(waits)}]")
        self._waits = waits

    def _say(self, view: SweepView) -> None:
        state = trials_table.state_text(view)
        if state != self._state:
            self._state = state
            click.echo(f"[{state}: {trials_table.counts_text(view)}]")

    def _tell(self, trial: TrialView, objective: Objective) -> None:
        before = self._seen.get(trial.number)
        self._seen[trial.number] = trial.status
        parameters = trials_table.parameters_text(trial.parameters)
        if before is None:
            click.echo(f"trial {trial.number}  started  {parameters}")
        if trial.status not in trials_table.ENDED:
            return
        value = trials_table.number(trial.value)
        metric = f"  {harmless(objective.name)} {value}" if value else ""
        if trial.allowed and trial.value is not None and is_better(objective.goal, trial.value, self._best):
            self._best = trial.value
            metric += "  best so far"
        why = f"  ({harmless(trial.stopped)})" if trial.stopped else ""
        click.echo(f"trial {trial.number}  {trial.status}{metric}{why}")

    def note(self, text: str) -> None:
        click.echo(harmless(text))

    def close(self) -> None:
        pass


class _Table:
    def __init__(self, api: ServerApi, sweep_id: str) -> None:
        from rich.console import Console
        from rich.live import Live

        self._api = api
        self._id = sweep_id
        self._notes: list[str] = []
        self._pace = _Pace()
        self._live = Live(
            console=Console(file=sys.stdout, highlight=False), auto_refresh=False, vertical_overflow="crop"
        )
        self._live.start()

    def look(self, view: SweepView) -> None:
        from rich.text import Text

        size = shutil.get_terminal_size()
        lines = list(self._lines(view, size.columns, size.lines))
        self._live.update(Text.from_ansi("\n".join(lines), no_wrap=True), refresh=True)

    def _lines(self, view: SweepView, width: int, height: int) -> Iterator[str]:
        notes = [line for note in self._notes for line in wrapped(note, 0)]
        room = max(1, min(_MOST_ROWS, height - _AROUND_TABLE - len(notes)))
        trials = _shown(self._api, view, room)
        best = trials[0] if view.best is not None and trials and trials[0].value is not None else None
        state = trials_table.state_text(view)
        fits = len(view.id) + 2 + len(state) <= width
        yield from [f"{styled(view.id, bold=True)}  {state}"] if fits else [styled(view.id, bold=True), state]
        yield from wrapped(trials_table.counts_text(view), 0)
        if waits := blocker(self._api, view):
            yield from wrapped(f"all wait: {harmless(waits)}", 0)
        objective = view.spec.objectives[0]
        said = f"{harmless(objective.name)}, {objective.goal}"
        if best is not None:
            said += f": {trials_table.number(best.value)} of trial {best.number} is best"
            said += "" if view.state == "ended" else " so far"
        if outlook := self._pace.outlook(view):
            said += f"; {outlook}"
        yield from wrapped(said, 0)
        number = None if best is None else best.number
        yield from table_lines(*trials_table.columns_and_rows(view.spec, trials, number, width), width)
        more = sum(view.counts.values()) + view.adopted - len(trials)
        if more > 0:
            said = f"and {counted(more, 'trial')} more"
            command = f": faena sweep show {view.id}"
            yield styled(said + (command if len(said + command) <= width else ""), dim=True)
        yield from notes

    def note(self, text: str) -> None:
        self._notes.append(harmless(text))

    def close(self) -> None:
        self._live.stop()


def blocker(api: ServerApi, view: SweepView) -> str:
    """What its trials wait for, where all that go on are queued; empty: nothing that is known."""
    going = {status for status, count in view.counts.items() if count and status not in trials_table.ENDED}
    if going - {"Waiting"} != {"Queued"}:
        return ""
    first = next((each for each in api.sweeps.trials(view.id) if each.status == "Queued"), None)
    return "" if first is None or first.run_id is None else api.run(first.run_id).blocker or ""


def _shown(api: ServerApi, view: SweepView, room: int) -> list[TrialView]:
    """The best one, then those that go on, then the others from the best to the worst."""
    busy = sum(count for status, count in view.counts.items() if status not in trials_table.ENDED)
    found = list(api.sweeps.trials(view.id, best_first=True, limit=room + busy))
    first = found[:1] if view.best is not None else []
    going = [trial for trial in found[len(first) :] if trial.state == "open"]
    others = [trial for trial in found[len(first) :] if trial.state != "open"]
    return [*first, *going, *others][:room]


class _Pace:
    """When a sweep may end, by how fast its trials ended since it is looked at."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._before: int | None = None

    def outlook(self, view: SweepView) -> str:
        ended = trials_table.ended_count(view)
        if self._before is None:
            self._before = ended
        done, more = ended - self._before, trials_table.total_count(view) - ended
        if view.state != "running" or done < 1 or more < 1:
            return ""
        seconds = (time.monotonic() - self._since) / done * more
        at = min(time.time() + seconds, view.deadline / 1e6)
        moment = datetime.fromtimestamp(at)
        return f"ends about {moment:%H:%M:%S}" if seconds < 86_400 else f"ends about {moment:%m-%d %H:%M}"


def summary(view: SweepView, run: RunView) -> Iterator[str]:
    """What a sweep came to, behind its table or its lines."""
    yield f"{view.id} is {run.status}: {trials_table.counts_text(view)}."
    if run.error is not None:
        yield in_our_words(run.error.message)
    elif view.told and all(note.message != view.told for note in run.notes):
        yield in_our_words(view.told)
    if view.best is not None:
        metric = harmless(view.spec.objectives[0].name)
        best = f"{metric} {trials_table.number(view.best.value)}  {trials_table.parameters_text(view.best.parameters)}"
        yield f"Best: {view.best.run_id}  {best}"


def difference(best: list[TrialView]) -> Iterator[str]:
    """How the two best trials are compared; nothing where there are no two."""
    there = [trial for trial in best if trial.value is not None and trial.status != DELETED]
    ids = [trial.run_id for trial in there if trial.run_id is not None]
    if len(ids) == 2:
        yield f"What differs between the two best: faena diff {ids[0]} {ids[1]}"
