"""What a node does next."""

from __future__ import annotations

from typing import Any

from faena.compute import store as compute
from faena.compute.model import NodeState
from faena.db import Read, Write
from faena.kernel.clock import Micros
from faena.kernel.notifications import Notifications
from faena.runs import queue, store, transitions
from faena.runs.engine import attempts, order
from faena.runs.engine.order import Known
from faena.runs.engine.scheduling import Placement
from faena.runs.model import EndReason, Outcome
from faena.tracking.watching import is_watched
from faena.workspaces.model import WorkspaceFolder

_PLACED_WITHIN = 2_000_000
"""Microseconds after which the engine has looked at a node that came to idle."""


def look_for(
    read: Read,
    known: Known,
    node_id: str,
    now: Micros,
    folder: WorkspaceFolder,
    notifications: Notifications,
) -> dict[str, Any] | None:
    """What `work_for` would say, where that takes no transaction, as it mostly does; None: ask `work_for`."""
    node = compute.node(read, node_id)
    if node is None or node.draining:
        return None
    if node.state is NodeState.IDLE:
        waits = now - node.since < _PLACED_WITHIN and not queue.is_empty(read)
        return None if waits else {}
    if node.state is not NodeState.RUNNING:
        return None
    try:
        return _told(order.of_node(read, node, folder, known), notifications)
    except store.UNREADABLE:
        return None


def work_for(
    write: Write,
    node_id: str,
    now: Micros,
    folder: WorkspaceFolder,
    notifications: Notifications,
    placement: Placement,
) -> dict[str, Any]:
    """`order`, `leave`, or nothing yet.

    In the transaction in which it could have got work, a node hears that it may leave instead.
    """
    node = compute.node(write, node_id)
    if node is None:
        return {"leave": True, "why": "lost"}
    if node.state is NodeState.LEAVING:
        return {"leave": True, "why": "drained" if node.draining else ""}
    if node.state is NodeState.PREPARING:
        compute.set_state(write, node_id, NodeState.IDLE, now)
        write.notify(transitions.ENGINE_SOON)
    if node.draining and node.state is not NodeState.RUNNING:
        compute.set_state(write, node_id, NodeState.LEAVING, now)
        write.notify(transitions.ENGINE_SOON)
        return {"leave": True, "why": "drained"}
    if node.state is not NodeState.RUNNING:
        placement.refill(write, node.cluster)
        node = compute.node(write, node_id) or node
    try:
        found = order.of_node(write, node, folder)
    except store.UNREADABLE as error:  # what the run was submitted with, or the data of its inputs
        why = f"What the run needs cannot be read: {str(error)[:300]}."
        run_id, outcome = str(node.run_id), Outcome(EndReason.NOT_STARTED, why)
        attempts.give_up(write, run_id, node.attempt, node.rank, outcome, now)
        return {}
    return _told(found, notifications)


def _told(found: dict[str, Any] | None, notifications: Notifications) -> dict[str, Any]:
    return {"order": {**found, "watched": is_watched(notifications, found["run_id"])}} if found else {}


def see_off(write: Write, node_id: str, now: Micros) -> dict[str, Any]:
    """A node that does not understand our orders leaves; a run that it was given already is given to another one."""
    node = compute.node(write, node_id)
    if node is not None and node.state is not NodeState.RUNNING:
        compute.set_state(write, node_id, NodeState.LEAVING, now)
    write.notify(transitions.ENGINE_SOON)
    return {"leave": True}
