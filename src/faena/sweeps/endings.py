"""When a sweep ends before all its trials: it has what was wanted, gets no further, or its script fails. No I/O.

Each rule answers with the words that say why, or None.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from faena.kernel.plural import counted
from faena.runs.model import EndReason
from faena.sweeps.comparing import finite, is_better, is_worse, shown
from faena.sweeps.schemas import Goal, Objective

ALIKE = 3
"""So many trials that fail in the same way are enough."""
_LONGEST_LINE = 300
_LONGEST = 10_000
_NOT_THE_SCRIPTS = frozenset({EndReason.NODE_LOST, EndReason.RESTORED})
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{4,16}\b")
_USAGE = re.compile(
    r"(error: unrecognized arguments:|error: argument [^\s:]{1,200}: invalid \w{1,50} value:)(.*)"
)
"""argparse's words where a script does not have an argument that is called so, or not as such a number."""
_NAME = re.compile(r"--?[A-Za-z][^\s=]{0,200}")


def at_target(objective: Objective, target: float, number: int, value: float | None) -> str | None:
    """A trial reached the value with which the sweep is content."""
    reached = finite(value)
    if reached is None or is_worse(objective.goal, reached, target, target):
        return None
    return f"trial {number} reached {objective.name} {shown(reached, target)}, and {shown(target)} was wanted"


class Streak(Struct, frozen=True):
    """How many trials in a row ended without a better value, and the best of those before."""

    best: float | None = None
    length: int = 0

    def after(self, goal: Goal, value: float | None) -> Streak:
        """One more trial ended, with this value, or without any: one that failed, too, had its chance."""
        if (reached := finite(value)) is not None and is_better(goal, reached, self.best):
            return Streak(reached, 0)
        return Streak(self.best, self.length + 1)


def without_improvement(
    objective: Objective, patience: int, streak: Streak, running: Iterable[float | None] = ()
) -> str | None:
    """Enough trials in a row brought nothing better, nor does one that still runs. `running`: their values so far."""
    if streak.length < patience:
        return None
    if any(streak.after(objective.goal, value).length == 0 for value in running):
        return None
    trials = counted(streak.length, "trial")
    if streak.best is None:
        return f"{trials} in a row brought no value of {objective.name}"
    return f"{trials} in a row brought no better {objective.name} than {shown(streak.best)}"


class Failure(Struct, frozen=True):
    """How a trial failed. `line`: the last line of its exception, as the log has it."""

    run_id: str
    reason: str
    line: str = ""


def fail_alike(ended: Sequence[Failure | None]) -> str | None:
    """The first trials failed in the same way. `ended`: in order of their ends; None: one that did not fail.

    Nodes that were lost say nothing of the script. What differs from run to run, its id, addresses of objects and the
    values of arguments that a script does not take, does not make two failures different.
    """
    first = [end for end in ended if end is None or end.reason not in _NOT_THE_SCRIPTS][:ALIKE]
    ways = {None if end is None else (end.reason, _general(end)) for end in first}
    if len(first) < ALIKE or len(ways) > 1 or first[0] is None:
        return None
    line = first[0].line.strip()
    return f"the first {ALIKE} trials failed alike ({first[0].reason}){': ' + _short(line) if line else ''}"


def none_completed(failed: int, stopped: int, first: Failure | None) -> str:
    """Trials that failed, the `first` of them so, and those that were stopped since."""
    if stopped:
        said = f"None of its trials completed: {failed} failed"
    else:
        said = f"All of its {failed} trials failed" if failed > 1 else "Its only trial failed"
    line = "" if first is None else first.line.strip()
    if not line:
        return f"{said}."
    return f"{said}{', the first' if failed > 1 else ''} with: {_short(line)}"


def _short(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else line[: _LONGEST_LINE - 1] + "…"


def _general(failure: Failure) -> str:
    line = failure.line.strip()
    line = _ADDRESS.sub("0x…", line.replace(failure.run_id, "…") if failure.run_id else line)
    return _USAGE.sub(
        lambda found: f"{found[1]} {' '.join(sorted(_NAME.findall(found[2])))}", line[:_LONGEST]
    )
