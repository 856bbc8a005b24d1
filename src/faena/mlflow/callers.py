"""Who asks with the token of a run: that it goes on, and which runs and which experiment are its own."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from faena.db import Read
from faena.kernel.clock import Micros
from faena.mlflow.errors import MlflowError
from faena.mlflow.run_tokens import RunOfToken
from faena.models.logged import store as logged_models
from faena.runs import attempt_store, search, store
from faena.runs.model import Run
from faena.traces import store as traces
from faena.workspaces import store as workspaces
from faena.workspaces.schemas import ExperimentView

GRACE_S = 300.0
"""For which a token is good after its run has ended: metrics of the machine arrive late."""
_DEEPEST = 100


class Caller(Struct, frozen=True):
    run_id: str
    experiment: ExperimentView


def of_token(read: Read, token: RunOfToken, now: Micros) -> Caller:
    """Raises MlflowError where the token is good no more."""
    run = store.get(read, token.run_id)
    experiment = workspaces.get_experiment(read, run.experiment) if run is not None else None
    if run is None or experiment is None or not _goes_on(read, run, token.attempt, now):
        raise MlflowError(
            f"The run {token.run_id} has ended, and its token with it. Log into it from elsewhere with the workspace's "
            "address and token: `faena mlflow` prints both.",
            "UNAUTHENTICATED",
        )
    return Caller(run.id, experiment)


def _goes_on(read: Read, run: Run, attempt: int, now: Micros) -> bool:
    if run.deletion is not None:
        return False
    if run.attempt == attempt:
        return run.ended_at is None or now - run.ended_at < GRACE_S * 1e6
    return attempt < run.attempt and not attempt_store.are_closed(read, run.id, attempt)


def check(read: Read, caller: Caller, *run_ids: str) -> None:
    """Raises MlflowError for a run that is not the caller's own nor below it, or not there at all."""
    for run_id in run_ids:
        if not _is_own(read, caller, run_id):
            raise refused(caller, f"the run {run_id[:100]}")


def check_model(read: Read, caller: Caller, model_id: str) -> None:
    """The same of a logged model: that of a run which is the caller's."""
    model = logged_models.get(read, model_id)
    if model is None or model.run_id is None or not _is_own(read, caller, model.run_id):
        raise refused(caller, f"the logged model {model_id[:100]}")


def check_trace(read: Read, caller: Caller, trace_id: str) -> None:
    """The same of a trace."""
    trace = traces.get(read, trace_id)
    if trace is None or trace.run_id is None or not _is_own(read, caller, trace.run_id):
        raise refused(caller, f"the trace {trace_id[:100]}")


def names_itself_alone(caller: Caller, asked: Any) -> bool:
    """Whether a request names the caller's own run and nothing else, so that nothing need be looked up."""
    runs, models, told = _all_named(asked)
    return bool(runs) and set(runs) == {caller.run_id} and not models and not told


def check_named(read: Read, caller: Caller, asked: Any) -> None:
    """The same of those that a request names. Raises MlflowError where it names none: then it is not about a run."""
    runs, models, told = _all_named(asked)
    if not runs and not models and not told:
        raise refused(caller, "this request, which names no run")
    check(read, caller, *runs)
    for model_id in models:
        check_model(read, caller, model_id)
    for trace_id in told:
        check_trace(read, caller, trace_id)


def _all_named(asked: Any) -> tuple[list[str], set[str], list[str]]:
    """Runs, logged models and traces."""
    runs = _named(asked, "run_id", "run_uuid", "source_run_id", "run_ids")
    # a point that names a model is the model's, too
    models = {each for part in (asked, *getattr(asked, "metrics", ())) for each in _named(part, "model_id")}
    return runs, models, _named(asked, "request_id", "trace_id", "trace_ids")


def _named(asked: Any, *fields: str) -> list[str]:
    """All ids in these fields of a request, which hold one or a list."""
    found: list[str] = []
    for field in fields:
        value = getattr(asked, field, None)
        found += [str(each) for each in (value if isinstance(value, list) else [value]) if each]
    return found


def check_experiment(caller: Caller, number: str | None) -> None:
    """Raises MlflowError for another one than the run's own."""
    if number != str(caller.experiment.id):
        raise refused(caller, f"the experiment {str(number)[:100]}")


def refused(caller: Caller, what: str) -> MlflowError:
    return MlflowError(
        f"The token of the run {caller.run_id} is good for that run and those below it, not for {what}. Ask with the "
        "workspace's token, which `faena mlflow` prints.",
        "PERMISSION_DENIED",
    )


def own_runs(caller: Caller) -> sa.CompoundSelect[Any]:
    """The ids of the run and of all below it."""
    return sa.union(sa.select(sa.literal(caller.run_id)), search.below_it(caller.run_id))


def _is_own(read: Read, caller: Caller, run_id: str) -> bool:
    at: str | None = run_id
    for _ in range(_DEEPEST):
        if at is None or at == caller.run_id:
            break
        found = store.get(read, at)
        at = None if found is None else found.parent
    return at == caller.run_id
