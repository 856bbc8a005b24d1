"""What the engine knows of nodes on other machines: what an earlier runner left there, and who is silent."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from msgspec import Struct

from faena.attempts.key import AttemptKey
from faena.compute import store as compute
from faena.compute.machines import store as machines
from faena.db import Read, Write
from faena.db.prepared import Prepared
from faena.kernel.clock import Micros
from faena.runs import attempt_store, record_store, store, transitions
from faena.runs.engine import attempts
from faena.runs.model import Attempt, AttemptState, EndReason, Outcome

_LEFT = "left_on_node"
"""A note's code."""


class Left(Struct, frozen=True):
    """What a machine does with the attempts that lie on it."""

    adopt: tuple[str, ...]
    forget: tuple[str, ...]


def is_node(read: Read, node: str) -> bool:
    return compute.node(read, node) is not None


def take_stock(write: Write, machine: str, there: Sequence[str], now: Micros) -> Left:
    """When a runner joins: what earlier ones of its machine had. What is open and not `there` is lost."""
    opened = {_name(each): each for each in attempt_store.open_attempts_on(write, machine)}
    adopt = [name for name in there if name in opened or _may_deliver(write, name, machine)]
    for name, attempt in opened.items():
        if name not in there:
            lose(write, attempt, now)
    return Left(tuple(adopt), tuple(name for name in there if name not in adopt))


def leave(write: Write, node_id: str, now: Micros, *, done: bool) -> None:
    """Its runner ends and wants no more work; once it is `done`, what it was given and has not begun goes again."""
    node = compute.node(write, node_id)
    if node is None or node.machine is None:
        return
    if not done:
        compute.set_draining(write, node_id, draining=True)
        return
    for attempt in attempt_store.open_attempts_of(write, node_id):
        if attempt.state is AttemptState.GIVEN:
            lose(write, attempt, now)
    compute.remove_node(write, node, now)
    machines.heard(write, node.machine, now)
    machine = machines.get(write, node.machine)
    if (
        machine is not None
        and machine.told.temporary
        and not attempt_store.open_attempts_on(write, machine.id)
    ):
        machines.remove(write, machine.id)
    write.notify("engine")


def lose(write: Write, attempt: Attempt, now: Micros) -> None:
    """Nothing more is expected of an attempt; should its machine come back, it may still bring bytes."""
    outcome = (
        Outcome(EndReason.NODE_LOST, "The node was lost before the script started.")
        if attempt.state is AttemptState.GIVEN
        else Outcome(
            EndReason.NODE_LOST,
            "The node was lost: nothing more was heard of its machine. What its script wrote last is there when the "
            "machine comes back, or it is lost with it.",
        )
    )
    if attempt.state is AttemptState.ENDED:
        message = (
            "the node was lost after the script had ended, while what that left was on its way. Files, lines and "
            "metrics may be missing: they come when the machine is back, or are lost with it."
        )
        _note_of_what_is_left(write, attempt.run_id, attempt.attempt, attempt.rank, message)
    attempts.give_up(write, attempt.run_id, attempt.attempt, attempt.rank, outcome, now)


def has_come(write: Write, run_id: str, attempt: int, rank: int) -> None:
    """All that an attempt has left, after it was given up."""
    if _LEFT in dict(record_store.list_notes(write, run_id)):
        message = "the node was away after the script had ended. What the script left has come since."
        _note_of_what_is_left(write, run_id, attempt, rank, message)


def _note_of_what_is_left(write: Write, run_id: str, attempt: int, rank: int, message: str) -> None:
    about = f"Attempt {attempt}" + (f", rank {rank}: " if rank else ": ")
    record_store.add_note(write, run_id, _LEFT, f"{about}{message}", about=about)


def lost(read: Read, orphans: Sequence[Attempt]) -> list[Attempt]:
    """Of attempts whose node is none any more: those whose machine has no other runner, which would finish them."""
    found = {each.machine: compute.has_node(read, each.machine) for each in orphans if each.machine}
    return [attempt for attempt in orphans if not found.get(attempt.machine or "")]


def mark_silent(write: Write, quiet: Collection[str], now: Micros) -> None:
    """Have runs say whether something is heard of their nodes."""
    silent = _runs_of(write, quiet)
    for run_id in silent ^ set(write.execute(_MARKED).scalars()):
        if (run := store.get(write, run_id)) is None:
            continue
        store.update(write, run_id, {"silent_since": now if run_id in silent else None})
        transitions.notify(write, run, engine=False)


def changed(read: Read, quiet: Collection[str]) -> bool:
    return _runs_of(read, quiet) != set(read.execute(_MARKED).scalars())


def _runs_of(read: Read, nodes: Collection[str]) -> set[str]:
    found = (compute.node(read, node) for node in nodes)
    return {node.run_id for node in found if node is not None and node.run_id is not None}


_MARKED = Prepared(
    sa.select(store.runs.c.id).where(store.IS_UNFINISHED).where(store.runs.c.silent_since.is_not(None))
)


def _may_deliver(read: Read, name: str, machine: str) -> bool:
    """Whether it is an attempt of that machine: it was given up, and its bytes are welcome all the same."""
    try:
        key = AttemptKey.of_name(name)
    except ValueError:
        return False
    ranks = attempt_store.ranks(read, key.run_id, key.attempt)
    found = next((each for each in ranks if each.rank == key.rank), None)
    return found is not None and found.machine == machine


def _name(attempt: Attempt) -> str:
    return AttemptKey(attempt.run_id, attempt.attempt, attempt.rank).name
