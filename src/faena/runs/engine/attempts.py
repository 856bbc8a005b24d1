"""Starting, Running, Finalizing: what runners report about the attempts that they were given."""

from __future__ import annotations

from faena.compute import store as compute
from faena.compute.model import Node, NodeState
from faena.db import Read, Write
from faena.kernel.clock import Micros
from faena.kernel.errors import NotFound
from faena.runs import store, transitions
from faena.runs.engine.scheduling import work_topic
from faena.runs.model import Attempt, AttemptState, EndReason, Outcome, Run, RunStatus, combine

MAX_PLACEMENTS = 3
"""How often a run is given to nodes that die before its script starts."""


def find(write: Write, run_id: str, attempt: int, rank: int) -> tuple[Run, Attempt]:
    """Raises NotFound."""
    run = store.get(write, run_id)
    found = [each for each in store.ranks(write, run_id, attempt) if each.rank == rank]
    if run is None or not found:
        raise _unknown(run_id, attempt, rank)
    return run, found[0]


def check(read: Read, run_id: str, attempt: int, rank: int) -> None:
    """Raises NotFound where there is no such attempt."""
    if rank not in store.standing(read, run_id, attempt).ranks:
        raise _unknown(run_id, attempt, rank)


def _unknown(run_id: str, attempt: int, rank: int) -> NotFound:
    return NotFound(f"There is no attempt {attempt} (rank {rank}) of run {run_id!r}.")


def is_current(run: Run, attempt: Attempt) -> bool:
    """An old attempt may still deliver logs and metrics, never state."""
    return attempt.attempt == run.attempt and not run.status.is_terminal()


def started(write: Write, run_id: str, attempt: int, rank: int, at: Micros, now: Micros) -> None:
    """The script of this rank started. Idempotent."""
    run, this = find(write, run_id, attempt, rank)
    if this.state is not AttemptState.GIVEN:
        return
    store.move_attempt(write, this, AttemptState.STARTED)
    if is_current(run, this) and run.status is RunStatus.STARTING:
        begun = min(now, max(at, run.queued_at or at))
        transitions.move(write, run, RunStatus.RUNNING, begun, started_at=at)


def ended(write: Write, run_id: str, attempt: int, rank: int, outcome: Outcome, now: Micros) -> None:
    """The script of this rank ended. The other ranks are stopped when it failed. Idempotent."""
    run, this = find(write, run_id, attempt, rank)
    if this.state in (AttemptState.ENDED, AttemptState.CLOSED):
        return
    store.move_attempt(write, this, AttemptState.ENDED, outcome)
    if not is_current(run, this):
        return
    ranks = store.ranks(write, run_id, attempt)
    if all(each.outcome for each in ranks):
        if not _may_start_again(run, ranks):
            transitions.move(write, run, RunStatus.FINALIZING, now)
    elif outcome.reason is not EndReason.COMPLETED:
        write.notify(transitions.topic(run_id))


def refuse(write: Write, node: Node, why: str, now: Micros) -> None:
    """What the node was given cannot be done, and is not given to another one: the run ends."""
    run_id, attempt, rank = str(node.run_id), node.attempt, node.rank
    ended(write, run_id, attempt, rank, Outcome(EndReason.NOT_STARTED, why), now)
    closed(write, run_id, attempt, rank, [], now)


def must_stop(read: Read, run_id: str, attempt: int) -> bool:
    """Whether the scripts of an attempt are to be stopped: canceled, or another rank failed."""
    found = store.standing(read, run_id, attempt)
    return not found.ranks or found.is_over or any(why is not EndReason.COMPLETED for why in found.reasons)


def is_last(read: Read, run_id: str, attempt: int) -> bool:
    """Whether the scripts of all ranks have ended, so that nothing more comes of the attempt."""
    return all(each.outcome for each in store.ranks(read, run_id, attempt))


def closed(write: Write, run_id: str, attempt: int, rank: int, last_lines: list[str], now: Micros) -> None:
    """Everything of this rank is kept; its node is free. The last rank ends the run. Idempotent."""
    run, this = find(write, run_id, attempt, rank)
    if this.state is AttemptState.CLOSED:  # what follows of it was written with it
        return
    store.move_attempt(write, this, AttemptState.CLOSED)
    _free(write, this, now)
    if not is_current(run, this):
        return
    ranks = store.ranks(write, run_id, attempt)
    outcomes = [each.outcome for each in ranks if each.outcome]
    if len(outcomes) < len(ranks) or any(each.state is not AttemptState.CLOSED for each in ranks):
        return
    if _may_start_again(run, ranks):
        transitions.move(write, run, RunStatus.QUEUED, now)
        store.add_note(write, run_id, "placed_again", f"Attempt {attempt} ended before the script started.")
        return
    outcome = combine(outcomes, canceled=run.cancel_requested_at is not None)
    if outcome.reason is EndReason.CANCELED and run.reason is EndReason.REPORTED:
        outcome = Outcome(EndReason.REPORTED, run.message or "", outcome.exit_code, outcome.signal)
    transitions.end(write, run, outcome, now, last_lines)


def _may_start_again(run: Run, ranks: list[Attempt]) -> bool:
    """The node was lost before any script of the attempt started: nothing has happened yet that counts."""
    lost = [each.outcome for each in ranks if each.outcome and each.outcome.reason is EndReason.NODE_LOST]
    untouched = run.status is RunStatus.STARTING and run.cancel_requested_at is None
    return bool(lost) and untouched and run.attempt < MAX_PLACEMENTS


def _free(write: Write, attempt: Attempt, now: Micros) -> None:
    node = compute.node(write, attempt.node)
    if node is not None and node.run_id == attempt.run_id and node.attempt == attempt.attempt:
        compute.set_state(write, node.id, NodeState.IDLE, now)
        write.notify(work_topic(node.id))
        write.notify(transitions.ENGINE_SOON)
