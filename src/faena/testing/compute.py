"""The contract of `faena.compute.contract.Backend`: inherit and give the fixtures.

`make_backend()` gives a new Backend on the same workspace each time, as a restarted server does. No server is there,
nor can be started, so that what is started waits for one and lasts.
`tended()` gives the names of what is tended and lives, once for each process: what the backend's own host says.
`kill(name)` ends the runner of a node, or what is tended under a name, as a lost machine would.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from faena.compute.contract import Backend
from faena.testing.waiting import until

NODE, OTHER = "node-0123456789abcdef", "node-fedcba9876543210"

MakeBackend = Callable[[], Backend]
Kill = Callable[[str], None]


TENDED, ARGUMENTS = "adopt-run-1-0", ("adopt", "run/1/0")


class BackendContract:
    def test_a_node_that_was_never_started_is_dead(self, make_backend: MakeBackend) -> None:
        assert NODE not in make_backend().alive()

    def test_a_started_node_lives_until_its_runner_dies(self, make_backend: MakeBackend, kill: Kill) -> None:
        backend = make_backend()
        backend.start(NODE)
        assert NODE in backend.alive()
        kill(NODE)
        until(lambda: NODE not in backend.alive(), "the node is known to be dead")

    def test_all_nodes_are_looked_at_together(self, make_backend: MakeBackend, kill: Kill) -> None:
        backend = make_backend()
        backend.start(NODE)
        backend.start(OTHER)
        assert {NODE, OTHER} <= backend.alive()
        kill(NODE)
        until(lambda: NODE not in backend.alive(), "the one is known to be dead")
        assert OTHER in backend.alive()
        kill(OTHER)

    def test_several_may_look_at_once(self, make_backend: MakeBackend, kill: Kill) -> None:
        backend = make_backend()
        backend.start(NODE)
        with ThreadPoolExecutor(4) as pool:
            seen = list(pool.map(lambda _: backend.alive(), range(40)))
        assert all(NODE in alive for alive in seen)
        kill(NODE)

    def test_a_node_outlives_the_backend_that_started_it(self, make_backend: MakeBackend, kill: Kill) -> None:
        make_backend().start(NODE)
        successor = make_backend()
        assert NODE in successor.alive()
        kill(NODE)
        until(lambda: NODE not in successor.alive(), "the node is known to be dead")

    def test_starting_a_node_that_lives_changes_nothing(self, make_backend: MakeBackend, kill: Kill) -> None:
        backend = make_backend()
        backend.start(NODE)
        assert backend.start(NODE) is None
        assert NODE in backend.alive()
        kill(NODE)

    def test_forgetting_may_be_repeated(self, make_backend: MakeBackend) -> None:
        backend = make_backend()
        backend.forget(NODE)
        backend.forget(NODE)
        assert NODE not in backend.alive()

    def test_what_is_tended_is_done_by_one(
        self, make_backend: MakeBackend, tended: Callable[[], list[str]], kill: Kill
    ) -> None:
        backend = make_backend()
        for _ in range(3):
            backend.tend(TENDED, ARGUMENTS)
            make_backend().tend(TENDED, ARGUMENTS)
        until(lambda: tended() == [TENDED], "one is at it")
        kill(TENDED)

    def test_what_is_tended_is_taken_up_by_another_when_that_died(
        self, make_backend: MakeBackend, tended: Callable[[], list[str]], kill: Kill
    ) -> None:
        backend = make_backend()
        backend.tend(TENDED, ARGUMENTS)
        kill(TENDED)
        until(lambda: tended() == [], "nobody is at it")

        def tended_again() -> bool:
            backend.tend(TENDED, ARGUMENTS)
            return tended() == [TENDED]

        until(tended_again, "another one is at it")
        kill(TENDED)

    def test_what_is_tended_is_no_node(self, make_backend: MakeBackend, kill: Kill) -> None:
        backend = make_backend()
        backend.start(NODE)
        backend.tend(TENDED, ARGUMENTS)
        backend.forget(OTHER)
        assert NODE in backend.alive()
        kill(NODE)
        until(lambda: NODE not in backend.alive(), "the node is known to be dead")
        kill(TENDED)
