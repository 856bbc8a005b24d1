"""The contract of `faena.compute.contract.Backend`: inherit and give the fixture `make_backend`.

`make_backend()` gives a new Backend on the same workspace each time, as a restarted server does.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from faena.compute.contract import Backend
from faena.testing.waiting import until

NODE = "node-0123456789abcdef"


class BackendContract:
    def test_a_node_that_was_never_started_is_dead(self, make_backend: Callable[[], Backend]) -> None:
        assert not make_backend().is_alive(NODE)

    def test_a_started_node_lives_until_its_process_dies(self, make_backend: Callable[[], Backend]) -> None:
        backend = make_backend()
        pid = backend.start(NODE)
        assert backend.is_alive(NODE)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        until(lambda: not backend.is_alive(NODE), "the node is known to be dead", seconds=5)

    def test_a_node_outlives_the_backend_that_started_it(self, make_backend: Callable[[], Backend]) -> None:
        pid = make_backend().start(NODE)
        successor = make_backend()
        assert successor.is_alive(NODE)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        until(lambda: not successor.is_alive(NODE), "the node is known to be dead", seconds=5)

    def test_starting_a_node_that_lives_changes_nothing(self, make_backend: Callable[[], Backend]) -> None:
        backend = make_backend()
        pid = backend.start(NODE)
        assert backend.start(NODE) is None
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        until(lambda: not backend.is_alive(NODE), "the node is known to be dead", seconds=5)

    def test_forgetting_may_be_repeated(self, make_backend: Callable[[], Backend]) -> None:
        backend = make_backend()
        backend.forget(NODE)
        backend.forget(NODE)
        assert not backend.is_alive(NODE)
