"""The attempts of a run, for people."""

from __future__ import annotations

from itertools import groupby

import msgspec

from faena.db import Read
from faena.runs import attempt_store, checkpoint_store
from faena.runs.model import Attempt, Run, combine
from faena.runs.schemas import AttemptView, CheckpointView
from faena.runs.submission_schemas import Checkpoint


def of_run(read: Read, run: Run) -> tuple[AttemptView, ...]:
    """Empty where there is nothing to tell: there was one, and no checkpoint of it was taken."""
    taken = {attempt: CheckpointView(*size) for attempt, size in checkpoint_store.sizes(read, run.id).items()}
    if run.attempt < 2 and not taken:
        return ()
    found = groupby(attempt_store.of_run(read, run.id), key=lambda each: each.attempt)
    return tuple(_view(read, run, number, list(ranks), taken.get(number)) for number, ranks in found)


def _view(
    read: Read, run: Run, number: int, ranks: list[Attempt], taken: CheckpointView | None
) -> AttemptView:
    encoded = attempt_store.began_from(read, run.id, number) if number > 1 else None
    began_from = 0 if encoded is None else msgspec.json.decode(encoded, type=Checkpoint).attempt
    ended = [each.outcome for each in ranks if each.outcome]
    if len(ended) < len(ranks):
        return AttemptView(number, began_from, taken)
    outcome = combine(ended, canceled=False)
    return AttemptView(
        number, began_from, taken, outcome.reason.value, outcome.message, outcome.exit_code, outcome.signal
    )
