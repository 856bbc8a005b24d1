"""Whether a run goes again when an attempt of it has ended."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import msgspec

from faena.db import Read
from faena.runs import attempt_store, checkpoint_store
from faena.runs.model import SCRIPT_RUN, EndReason, Outcome, Run, combine
from faena.runs.submission_schemas import MAX_NODE_LOSSES, Submission

_OF_THE_SCRIPT = (EndReason.EXIT_CODE, EndReason.SIGNAL, EndReason.OUT_OF_MEMORY)
_SIGNALED = 128
_KILLED = 9
"""A shell tells of a script that a signal ended as 128 and its number; out of memory is a SIGKILL."""


def goes_again(read: Read, run: Run) -> bool:
    """Once all ranks of its latest attempt have ended."""
    if run.type != SCRIPT_RUN or run.cancel_requested_at is not None or run.reason is not None:
        return False
    ranks = attempt_store.ranks(read, run.id, run.attempt)
    last = [each.outcome for each in ranks if each.outcome]
    if not last or combine(last, canceled=False).reason not in (*_OF_THE_SCRIPT, EndReason.NODE_LOST):
        return False
    return is_tried_again(
        msgspec.json.decode(run.submission, type=Submission),
        outcomes(read, run.id),
        has_checkpoint=bool(checkpoint_store.sizes(read, run.id)),
        elsewhere=any(each.machine is not None for each in ranks),
    )


def outcomes(read: Read, run_id: str) -> list[Outcome]:
    """Of the attempts that have ended."""
    found = []
    for _, ranks in groupby(attempt_store.of_run(read, run_id), key=lambda each: each.attempt):
        ended = [each.outcome for each in ranks]
        if all(ended):
            found.append(combine([each for each in ended if each], canceled=False))
    return found


def is_tried_again(
    submission: Submission, ended: Sequence[Outcome], *, has_checkpoint: bool, elsewhere: bool = False
) -> bool:
    """`ended`: how its attempts did, the latest one last. `elsewhere`: whether that was on another machine, which may
    go at any time: who submits a run there knows that it may begin twice.
    """
    last = ended[-1]
    if last.reason is EndReason.NODE_LOST:
        lost = sum(each.reason is EndReason.NODE_LOST for each in ended)
        return lost <= _node_losses(submission, has_checkpoint or elsewhere)
    if last.reason not in _OF_THE_SCRIPT:
        return False
    wanted = submission.retry_on_exit_codes
    if wanted and exit_code(last) not in wanted:
        return False
    return sum(each.reason in _OF_THE_SCRIPT for each in ended) <= submission.max_retries


def _node_losses(submission: Submission, may_begin_twice: bool) -> int:
    if submission.max_node_losses is not None:
        return submission.max_node_losses
    return MAX_NODE_LOSSES if may_begin_twice or submission.max_retries else 0


def exit_code(outcome: Outcome) -> int | None:
    """As a shell tells it."""
    if outcome.exit_code is not None:
        return outcome.exit_code
    number = _KILLED if outcome.reason is EndReason.OUT_OF_MEMORY else outcome.signal
    return None if number is None else _SIGNALED + number
