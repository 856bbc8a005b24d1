"""Runs whose process is elsewhere and unknown: who logs them by request says when they begin and how they end.

Nothing here watches them. So one may begin again after its end, as MLflow's clients do when they resume a run.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import sqlalchemy as sa
from msgspec import Struct, field

from faena.db import Write
from faena.db.prepared import Prepared
from faena.kernel import ids
from faena.kernel.clock import Micros
from faena.runs import service, store, transitions
from faena.runs.model import EXTERNAL, EndReason, Outcome, Run, RunStatus
from faena.runs.search import below_it
from faena.runs.submission_schemas import Submission
from faena.workspaces import store as workspaces

_ATTEMPT = 1
_STILL_OPEN_BELOW = Prepared(
    sa.select(store.runs.c.id).where(
        store.runs.c.id.in_(below_it(sa.bindparam("top"))),
        store.runs.c.type == EXTERNAL,
        store.IS_UNFINISHED,
    )
)


class ExternalRun(Struct, frozen=True):
    """What is said of a run when it begins."""

    id: str
    experiment: str
    started_at: Micros
    user: str = ""
    name: str | None = None
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    parent: str | None = None


def start(write: Write, given: ExternalRun, now: Micros) -> Run:
    """Keep a run that has begun. Raises UserErrorException for names that cannot be, NotFound for its parent."""
    experiment = ids.check_experiment_name(given.experiment)
    service.check_name(given.name or "")
    if given.parent is not None:
        service.get(write, given.parent)
    submission = Submission(
        experiment=experiment, snapshot="", script="", cluster="", user=given.user, parent=given.parent
    )
    run = Run(
        id=ids.check_run_id(given.id),
        experiment=experiment,
        number=workspaces.number_of_new_run(write, experiment, now),
        status=RunStatus.RUNNING,
        version=1,
        user=given.user,
        cluster="",
        node_count=1,
        snapshot="",
        submission=msgspec.json.encode(submission),
        created_at=given.started_at,
        started_at=given.started_at,
        parent=given.parent,
        type=EXTERNAL,
        name=given.name,
        description=given.description,
        attempt=_ATTEMPT,
    )
    service.add(write, run, given.tags, {})
    transitions.notify(write, run, engine=False)
    return run


def say_status(write: Write, run: Run, status: RunStatus, at: Micros, *, is_told: bool = False) -> Run:
    """What becomes of a run, as who logs it says; silent where it is so, and for runs whose end is seen here.

    Their processes tell more truly: a script that calls itself finished may yet fail. `is_told`: the time is what
    they say, too, and moves an end that was known already.
    """
    if run.type != EXTERNAL:
        return run
    if run.status is status:
        return transitions.end_at(write, run, at) if is_told and status.is_terminal() else run
    if run.status.is_terminal():
        run = transitions.begin_again(write, run, at)
    if status.is_terminal():
        transitions.end(write, run, OUTCOMES[status], at)
    return service.get(write, run.id)


OUTCOMES = {
    RunStatus.COMPLETED: Outcome(EndReason.COMPLETED),
    RunStatus.FAILED: Outcome(EndReason.REPORTED, "The client that logs this run said that it failed."),
    RunStatus.CANCELED: Outcome(
        EndReason.CANCELED, "The client that logs this run said that it was stopped."
    ),
}
"""How a run ended, by what who logged it said."""


@transitions.on_end.add
def _end_those_below(write: Write, ended: transitions.Ended) -> None:
    """What a script has begun below its own run, and not ended, ends with it: no process of that script is left."""
    if ended.type == EXTERNAL:
        return
    for run_id in write.execute(_STILL_OPEN_BELOW, {"top": ended.run_id}).scalars():
        if (run := store.get(write, run_id)) is not None:
            transitions.end(write, run, _with_its_parent(ended.outcome), ended.at)


def _with_its_parent(outcome: Outcome) -> Outcome:
    told = "The script that logged this run ended without saying how the run did: "
    match outcome.reason:
        case EndReason.COMPLETED:
            return Outcome(EndReason.COMPLETED)
        case EndReason.CANCELED:
            return Outcome(EndReason.CANCELED, f"{told}it was stopped.")
    return Outcome(EndReason.REPORTED, f"{told}it failed.")
