"""What a sweep tells of itself: lines of `azureml-logs/hyperdrive.txt`, in v1's form."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from faena.db import Write
from faena.kernel.clock import Micros
from faena.kernel.plural import counted
from faena.runs.model import Outcome
from faena.sweeps.model import Source, Sweep, Trial, TrialState
from faena.tracking import ingest
from faena.tracking.model import StreamKey
from faena.tracking.store import streams

LOG = "log/azureml-logs/hyperdrive.txt"


def created(write: Write, sweep: Sweep, now: Micros) -> None:
    _tell(write, sweep, ["[API][INFO]Experiment created"], now)


def issued(
    write: Write, sweep: Sweep, trials: Sequence[Trial], now: Micros, *, was_free: bool = False
) -> None:
    """Trials that were started, and places that are free until a model has drawn for them.

    `was_free`: they were such places, and it has been told that they are drawn for.
    """
    sampled = [trial for trial in trials if trial.source is Source.SAMPLED and trial.tries == 0]
    free = [trial for trial in sampled if trial.state is TrialState.FREE]
    started = [trial for trial in trials if trial.state is TrialState.OPEN]
    lines = []
    if (tried := len(sampled)) and not was_free:
        lines.append(f"[GENERATOR][INFO]Trying to sample '{tried}' jobs from the hyperparameter space")
    if found := len(sampled) - len(free):
        lines.append(
            f"[GENERATOR][INFO]Successfully sampled '{found}' jobs, they will soon be submitted to the execution "
            "target."
        )
    if any(trial.number == 0 and trial.tries == 0 for trial in started):
        lines.append(
            "[SCHEDULER][INFO]The execution environment is being prepared. Please be patient as it can take a few "
            "minutes."
        )
    lines += [f"[SCHEDULER][INFO]Scheduling job, id='{trial.run_id}'" for trial in started]
    if lines:
        _tell(write, sweep, lines, now)


def again(write: Write, sweep: Sweep, trial: Trial, outcome: Outcome, now: Micros) -> None:
    said = f"[SCHEDULER][WARNING]Job '{trial.run_id}' goes again: {outcome.message or outcome.reason.value}"
    _tell(write, sweep, [said], now)


def exhausted(write: Write, sweep: Sweep, now: Micros) -> None:
    _tell(write, sweep, ["[GENERATOR][INFO]The space holds nothing that was not tried."], now)


def stopped(write: Write, sweep: Sweep, trial: Trial, text: str, now: Micros) -> None:
    _tell(write, sweep, [f"[ENFORCER][INFO]Job '{trial.run_id}': {text}"], now)


def told(write: Write, sweep: Sweep, text: str, now: Micros) -> None:
    _tell(write, sweep, [f"[CONTROLLER][INFO]{text}"], now)


def warned(write: Write, sweep: Sweep, text: str, now: Micros) -> None:
    _tell(write, sweep, [f"[CONTROLLER][WARNING]{text}"], now)


def summary(counts: dict[str, int]) -> str:
    """Trials by their state, for people."""
    return ", ".join(f"{counted(count, 'trial')} {state}" for state, count in sorted(counts.items()))


def _tell(write: Write, sweep: Sweep, lines: Sequence[str], now: Micros) -> None:
    at = datetime.fromtimestamp(now / 1e6, UTC).isoformat(timespec="microseconds").removesuffix("+00:00")
    text = "".join(f"<START>[{at}]{' '.join(line.split())}<END>\n" for line in lines)
    key = StreamKey(sweep.run_id, 0, 0, LOG)
    stream = streams.find(write, key)
    ingest.append(write, key, 0 if stream is None else stream.offset, text.encode("utf-8", "replace"), now)
