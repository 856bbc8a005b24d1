"""What a person sees while a run is followed: logs as they come, waiting named, a summary at the end."""

from __future__ import annotations

import shutil
import sys
import textwrap

from faena.client.html.progress import Progress, kernel_display
from faena.kernel.clock import seconds_between
from faena.kernel.file_names import log_precedence, log_rank
from faena.runs.schemas import LogEvent, RunView
from faena.script.messages import tell

_STREAMED = "azureml-logs/"


class Follower:
    """Prints the events of one run: the log with the highest number, and states.

    `rank`: of a run of several nodes, whose log is shown; None: each one's, under its name.
    """

    def __init__(self, run_id: str, rank: int | None = 0) -> None:
        self._run_id = run_id
        self._rank = rank
        self._stage = -2
        self._current = ("", 1)
        self._others: set[int] = set()
        self._at_line_start = True
        self._told: str | None = None
        tell(f"RunId: {run_id}")

    def log(self, event: LogEvent) -> None:
        if not event.name.startswith(_STREAMED):
            return
        stage, rank = log_precedence(event.name)[0], log_rank(event.name)
        if stage < self._stage:
            return
        if self._rank is not None and rank not in (None, self._rank):
            self._name_other(rank or 0)
            return
        if stage > self._stage:
            self._heading(event.name)
        elif (event.name, event.attempt) != self._current:
            self._end_line()
            which = f", attempt {event.attempt}" if event.attempt != self._current[1] else ""
            tell(f"\n==> {event.name}{which} <==")
        self._stage, self._current = stage, (event.name, event.attempt)
        tell(event.text, end="")
        self._at_line_start = event.text.endswith("\n")

    def _name_other(self, rank: int) -> None:
        if not self._others:
            self._end_line()
            tell(f"[other ranks log, too: faena logs {self._run_id} --rank {rank}]")
        self._others.add(rank)

    def status(self, run: RunView) -> None:
        told = f"{run.status}: {run.blocker}" if run.blocker else run.status
        if run.status == "Running" and run.threads:
            told = f"Running, threads: {run.threads}"
        if told != self._told:
            self._told = told
            self._end_line()
            tell(f"[{told}]")

    def close(self) -> None:
        self._end_line()

    def _heading(self, name: str) -> None:
        self._end_line()
        title = f"Streaming {name}"
        tell(f"\n{title}\n{'=' * (len(title))}\n")

    def _end_line(self) -> None:
        if not self._at_line_start:
            tell("")
            self._at_line_start = True


class Bar(Follower):
    """Shows in a notebook that a run is waited for, and what it does; none of its log."""

    def __init__(self, run_id: str) -> None:
        self._progress = Progress(f"Waiting for {run_id}")

    @classmethod
    def of(cls, run_id: str) -> Bar | None:
        """None where there is no notebook."""
        return cls(run_id) if kernel_display() is not None else None

    def log(self, event: LogEvent) -> None:
        """A script that prints is one that goes on."""
        self._progress.at(said=self._said)

    _said = ""

    def status(self, run: RunView) -> None:
        self._said = f"{run.status}: {run.blocker}" if run.blocker else run.status
        self._progress.at(said=self._said)

    def close(self) -> None:
        self._progress.end(self._said)


def summary(run: RunView) -> str:
    """The end of a run in a few lines: its state, its phases in seconds, what must be known, its error."""
    lines = ["", "Execution Summary", "=================", f"RunId: {run.id}", f"Status: {run.status}"]
    phases = [
        f"{phase.name} {seconds_between(phase.started_at, phase.ended_at):.2f} s"
        for phase in run.phases
        if phase.ended_at is not None
    ]
    lines.append(_wrapped(f"Phases: {', '.join(phases)}"))
    lines += [_wrapped(f"Warning: {note.message}") for note in run.notes]
    if run.error is not None:
        lines.append(f"Error: {run.error.message}")
    return "\n".join(lines)


def _wrapped(line: str) -> str:
    """Broken between words where the terminal ends; paths and addresses stay whole, as does all where there is none."""
    if not sys.stdout.isatty():
        return line
    width = shutil.get_terminal_size().columns
    return textwrap.fill(line, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
