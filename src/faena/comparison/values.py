"""Compares what has a name: arguments, variables, settings, seconds, metrics. No I/O."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Protocol

from faena.comparison.model import Change, Section, Value
from faena.kernel.clock import seconds_between
from faena.runs.list_schemas import MetricRange
from faena.runs.parameters import is_name, of_arguments
from faena.runs.schemas import PhaseView, RunView
from faena.runs.submission_schemas import DataInput, Submission
from faena.runs.variables import shown


def named(section: str, left: Mapping[str, Value], right: Mapping[str, Value]) -> Section:
    """Names of the left first, in their order; a value that is None counts as not there."""
    changes, same = [], 0
    for name in {**left, **right}:
        old, new = left.get(name), right.get(name)
        if old == new or (_is_nan(old) and _is_nan(new)):
            same += old is not None
        else:
            changes.append(Change(name, old, new, _difference(old, new)))
    return Section(section, tuple(changes), same)


def _is_nan(value: Value) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _difference(old: Value, new: Value) -> float | None:
    if isinstance(old, int | float) and isinstance(new, int | float):
        found = new - old
        return found if math.isfinite(found) else None
    return None


def arguments(left: Submission, right: Submission) -> Section:
    """By name; those without one by their place."""
    return named("arguments", argument_values(left), argument_values(right))


def argument_values(submission: Submission) -> dict[str, Value]:
    """Of one run; the script itself is `(script)`."""
    found: dict[str, Value] = {"(script)": _entry(submission)}
    positional, after_name = 0, False
    for argument in submission.arguments:
        if is_name(argument):
            after_name = "=" not in argument
            continue
        if not after_name:
            positional += 1
            found[f"({positional})"] = argument
        after_name = False
    return found | of_arguments(submission.arguments)


def _entry(submission: Submission) -> str | None:
    return f"-m {submission.script}" if submission.entry == "module" else submission.script or None


def variables(left: Submission, right: Submission) -> Section:
    """Those that they were given and those that were passed on; of secrets only whether they differ."""
    old, new = _variables(left), _variables(right)
    shown_old, shown_new = shown(old), shown(new)
    for name in old.keys() & new.keys():
        if old[name] != new[name] and shown_old[name] == shown_new[name]:
            shown_new[name] += " (another one)"
    return named("variables", shown_old, shown_new)


def variable_values(submissions: Sequence[Submission]) -> list[dict[str, Value]]:
    """Of several runs, as `variables` shows them: secrets that are not the same are told apart by a number."""
    raw = [_variables(each) for each in submissions]
    seen = [shown(each) for each in raw]
    for name in {name for each in raw for name in each}:
        distinct = list(dict.fromkeys(each[name] for each in raw if name in each))
        if len(distinct) > 1 and len({each[name] for each in seen if name in each}) < len(distinct):
            for known, told in zip(raw, seen, strict=True):
                if name in known:
                    told[name] += f" ({distinct.index(known[name]) + 1})"
    return [dict(each) for each in seen]


def _variables(submission: Submission) -> dict[str, str]:
    return submission.inherited_variables | submission.environment_variables


def data(left: Submission, right: Submission) -> Section:
    """Inputs by name: where they come from, and how the script gets them."""
    return named("data", input_values(left.inputs), input_values(right.inputs))


def input_values(inputs: Sequence[DataInput]) -> dict[str, Value]:
    return {each.name: f"{_origin(each)}, {each.mode}" for each in inputs}


def _origin(data: DataInput) -> str:
    if data.datastore:
        return f"{data.datastore}/{data.path}"
    return (
        data.left_by
        or data.dataset
        or ", ".join(each.url or f"{each.datastore}/{each.path}" for each in data.sources)
    )


def git(left: Submission, right: Submission) -> Section:
    """Commit, branch, and whether the folder held changes."""
    return named("git", git_values(left), git_values(right))


def git_values(submission: Submission) -> dict[str, Value]:
    known = submission.git or {}
    found: dict[str, Value] = {name: _text(known.get(name)) for name in ("commit", "branch", "remote")}
    if known:
        found["changes not committed"] = "yes" if known.get("dirty") else "no"
    return found


def _text(value: object) -> str | None:
    return None if value is None else str(value)


class Ran(Protocol):
    """Where a run was, as its row and its view tell it."""

    @property
    def cluster(self) -> str: ...
    @property
    def node_count(self) -> int: ...
    @property
    def python(self) -> str | None: ...
    @property
    def threads(self) -> str | None: ...
    @property
    def user(self) -> str: ...


def machine(left: RunView, right: RunView, asked: tuple[Submission, Submission]) -> Section:
    return named("machine", machine_values(left, asked[0]), machine_values(right, asked[1]))


def machine_values(run: Ran, submission: Submission) -> dict[str, Value]:
    return {
        "target": run.cluster or None,
        "nodes": run.node_count,
        "gpu": submission.gpu,
        "python": run.python,
        "threads": run.threads or None,
        "max_run_duration_seconds": submission.max_run_duration_seconds,
        "grace_seconds": submission.grace_seconds,
        "max_retries": submission.max_retries,
        "retry_on_exit_codes": ", ".join(map(str, submission.retry_on_exit_codes)) or None,
        "max_node_losses": submission.max_node_losses,
        "early_signal": submission.early_signal or None,
        "warm": "yes" if submission.warm else "no",
        "user": run.user or None,
    }


def phases(left: Sequence[PhaseView], right: Sequence[PhaseView]) -> Section:
    """Seconds in each phase, those of all attempts together."""
    return named("phases", _seconds(left), _seconds(right))


def _seconds(phases: Sequence[PhaseView]) -> dict[str, Value]:
    found: dict[str, float] = {}
    for phase in phases:
        if phase.ended_at is not None:
            took = seconds_between(phase.started_at, phase.ended_at)
            found[phase.name] = found.get(phase.name, 0.0) + took
    return {name: round(seconds, 6) for name, seconds in found.items()}


def metrics(left: Sequence[MetricRange], right: Sequence[MetricRange]) -> Section:
    """The last value under the metric's name, then `.min`, `.max` and `.count`, as filters name them."""
    return named("metrics", _ranges(left), _ranges(right))


def _ranges(metrics: Sequence[MetricRange]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for metric in metrics:
        found[metric.name] = metric.last
        found[f"{metric.name}.min"] = metric.min
        found[f"{metric.name}.max"] = metric.max
        found[f"{metric.name}.count"] = metric.count
    return found


def status(left: RunView, right: RunView) -> Section:
    return named("status", _status(left), _status(right))


def _status(run: RunView) -> dict[str, Value]:
    reason = run.error.reason if run.error else None
    return {
        "status": run.status,
        "reason": reason,
        "message": run.error.message.split("\n")[0] if run.error else None,
        "exit_code": run.exit_code,
    }
