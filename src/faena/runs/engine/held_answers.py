"""Answers to nodes that are held, as work is about to come for them: whoever brings it hands the order over at once.

Otherwise the node's request would be woken, and ask for the order in one more transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from faena.compute import store as compute
from faena.db import Write
from faena.kernel.notifications import Notifications
from faena.runs.engine.scheduling import work_topic

Work = dict[str, Any]


class HeldAnswers:
    """Belongs to one event loop; the thread that writes asks for orders."""

    def __init__(self, notifications: Notifications) -> None:
        self._notifications = notifications
        self._held: dict[str, Callable[[Write], Work]] = {}
        self._brought: dict[str, Work] = {}

    @contextmanager
    def held(self, node: str, work: Callable[[Write], Work]) -> Iterator[Callable[[], Work]]:
        """While the answer to a node is; gives what was brought for it, and `work` says what that is in a transaction.

        Of two requests of the same node, as where the first was lost, the later one is told.
        """
        self._held[node] = work

        def brought() -> Work:
            return self._brought.pop(node, {}) if self._held.get(node) is work else {}

        try:
            yield brought
        finally:
            if self._held.get(node) is work:
                del self._held[node]
                self._brought.pop(node, None)

    def orders(self, write: Write, run_id: str) -> dict[str, Work]:
        """What nodes whose answer is held are told of a run that this transaction has given them."""
        found = {}
        for node_id, work in list(self._held.items()):
            node = compute.node(write, node_id)
            if node is not None and node.run_id == run_id and (order := work(write)):
                found[node_id] = order
                write.topics.discard(work_topic(node_id))  # it hears by `hand_over`
        return found

    def hand_over(self, orders: Mapping[str, Work]) -> None:
        """Once their transaction is on disk. Who has gone meanwhile hears it when it asks."""
        self._brought |= {node: order for node, order in orders.items() if node in self._held}
        self._notifications.notify({work_topic(node) for node in orders})
