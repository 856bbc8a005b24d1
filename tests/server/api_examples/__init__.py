"""Examples of the description of the API: what a real server answers to each route that has one.

python -m tests.server.api_examples src/faena/server/reference/examples.json
"""

from __future__ import annotations

from faena.server.reference.completing import Example
from tests.server.api_examples import history, stores, traces, work
from tests.server.api_examples.session import Session


def record(session: Session, *, leaves: bool = True) -> list[Example]:
    """By route and verb. The server has been asked to leave afterwards, where it `leaves`."""
    history.workspace(session)
    history.people(session)
    history.clusters(session)
    stores.objects(session)
    snapshot = stores.snapshot(session)
    run = history.runs(session)
    history.models(session)
    history.tidying(session)
    stores.data(session)
    stores.environments(session)
    work.machines(session)
    work.submitted(session, snapshot)
    work.sweeps(session, snapshot)
    work.started(session, snapshot)
    work.ended(session, run)
    work.endpoints(session, snapshot)
    work.answering(session)
    work.builds(session)
    work.notices(session)
    work.copies(session)
    traces.traces(session)
    traces.evaluation_sets(session)
    traces.histories(session)
    if leaves:
        work.stop(session)
    return session.examples()
