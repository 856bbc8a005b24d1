"""What a person sees while a run is followed: logs as they come, waiting named, a summary at the end."""

from __future__ import annotations

import shutil
import sys
import textwrap

from faena.kernel.clock import seconds_between
from faena.kernel.file_names import log_precedence
from faena.runs.schemas import THREADS, LogEvent, RunView
from faena.script.told import tell

_STREAMED = "azureml-logs/"


class Follower:
    """Prints the events of one run: the log with the highest number, of several nodes the first one's, and states."""

    def __init__(self, run_id: str) -> None:
        self._current: str | None = None
        self._at_line_start = True
        self._told: str | None = None
        tell(f"RunId: {run_id}")

    def log(self, event: LogEvent) -> None:
        if not event.name.startswith(_STREAMED):
            return
        if self._current is None or log_precedence(event.name) > log_precedence(self._current):
            self._heading(event.name)
        if event.name == self._current:
            tell(event.text, end="")
            self._at_line_start = event.text.endswith("\n")

    def status(self, run: RunView) -> None:
        told = f"{run.status}: {run.blocker}" if run.blocker else run.status
        if run.status == "Running" and (threads := run.properties.get(THREADS)):
            told = f"Running, threads: {threads}"
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
        self._current = name

    def _end_line(self) -> None:
        if not self._at_line_start:
            tell("")
            self._at_line_start = True


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
