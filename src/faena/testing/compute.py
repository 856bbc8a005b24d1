"""The contracts of `faena.compute.contract.Backend`: inherit and give the fixtures.

`BackendContract` is what every backend promises of nodes, whoever starts them:
`make_backend()` gives a new Backend on the same workspace each time, as a restarted server does.
`begin(backend, node)` has the runner of a node begin to live, as it does with this kind of backend.
`kill(name)` ends the runner of a node, or what is tended under a name, as a lost machine would.

`StartingBackendContract` is for those that start nodes themselves, and tend what is left on the server's host. No
server is there, nor can be started, so that what is started waits for one and lasts. `tended()` gives the names of
what is tended and lives, once for each process: what the backend's own host says.
`JoinedBackendContract` is for those whose nodes somebody else starts, where the server counts on what it hears: a new
server has heard of nobody yet, and what an attempt left elsewhere is brought by whoever runs there next.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from faena.compute.contract import Backend
from faena.testing.waiting import until

NODE, OTHER = "node-0123456789abcdef", "node-fedcba9876543210"

MakeBackend = Callable[[], Backend]
Begin = Callable[[Backend, str], None]
Kill = Callable[[str], None]


TENDED, ARGUMENTS = "adopt-run-1-0", ("adopt", "run/1/0")


class BackendContract:
    def test_a_node_that_was_never_started_is_dead(self, make_backend: MakeBackend) -> None:
        assert NODE not in make_backend().alive()

    def test_a_started_node_lives_until_its_runner_dies(
        self, make_backend: MakeBackend, begin: Begin, kill: Kill
    ) -> None:
        backend = make_backend()
        begin(backend, NODE)
        assert NODE in backend.alive()
        kill(NODE)
        until(lambda: NODE not in backend.alive(), "the node is known to be dead")

    def test_all_nodes_are_looked_at_together(
        self, make_backend: MakeBackend, begin: Begin, kill: Kill
    ) -> None:
        backend = make_backend()
        begin(backend, NODE)
        begin(backend, OTHER)
        assert {NODE, OTHER} <= backend.alive()
        kill(NODE)
        until(lambda: NODE not in backend.alive(), "the one is known to be dead")
        assert OTHER in backend.alive()
        kill(OTHER)

    def test_several_may_look_at_once(self, make_backend: MakeBackend, begin: Begin, kill: Kill) -> None:
        backend = make_backend()
        begin(backend, NODE)
        with ThreadPoolExecutor(4) as pool:
            seen = list(pool.map(lambda _: backend.alive(), range(40)))
        assert all(NODE in alive for alive in seen)
        kill(NODE)

    def test_forgetting_may_be_repeated(self, make_backend: MakeBackend) -> None:
        backend = make_backend()
        backend.forget(NODE)
        backend.forget(NODE)
        assert NODE not in backend.alive()

    def test_one_that_is_forgotten_begins_anew(
        self, make_backend: MakeBackend, begin: Begin, kill: Kill
    ) -> None:
        backend = make_backend()
        begin(backend, NODE)
        kill(NODE)
        until(lambda: NODE not in backend.alive(), "the node is known to be dead")
        backend.forget(NODE)
        begin(backend, NODE)
        assert NODE in backend.alive()
        kill(NODE)


class StartingBackendContract(BackendContract):
    @pytest.fixture
    def begin(self) -> Begin:
        def start(backend: Backend, node: str) -> None:
            backend.start(node)

        return start

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


class JoinedBackendContract(BackendContract):
    def test_nobody_here_starts_a_node(self, make_backend: MakeBackend) -> None:
        backend = make_backend()
        with pytest.raises(OSError, match=f"{NODE} is started on its own machine"):
            backend.start(NODE)
        assert NODE not in backend.alive()

    def test_what_is_left_elsewhere_is_tended_by_nobody_here(self, make_backend: MakeBackend) -> None:
        backend = make_backend()
        backend.tend(TENDED, ARGUMENTS)
        assert backend.alive() == set()

    def test_a_new_server_has_heard_of_nobody_and_hears_of_who_lives(
        self, make_backend: MakeBackend, begin: Begin, kill: Kill
    ) -> None:
        begin(make_backend(), NODE)
        successor = make_backend()
        assert NODE not in successor.alive()
        begin(successor, NODE)
        assert NODE in successor.alive()
        kill(NODE)
        until(lambda: NODE not in successor.alive(), "the node is known to be dead")
