"""Quotas of persons and experiments, as the engine goes by them; and whose turn it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faena.compute.shares import Line
from faena.db import Database, Read, Write
from faena.kernel.errors import ExperimentExecutionException, NotFound, UserErrorException
from faena.people import store as people
from faena.people.model import Role
from faena.runs import months, quota_store, renaming, shares, store, transitions
from faena.runs.model import EndReason, Outcome, RunStatus
from faena.runs.quotas import service
from faena.runs.quotas.schemas import QuotaChange, QuotaView
from tests.databases import Databases, on_sqlite_alone
from tests.runs.test_queue import Ground

HOUR = 3_600_000_000


@pytest.fixture
def ground(databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ground:
    made = Ground(databases.open(tmp_path / "faena.db"))
    monkeypatch.setattr("faena.compute.gpus.known", lambda: made.gpus)
    return made


def limit(ground: Ground, **change: Any) -> QuotaView:
    wanted = QuotaChange(**change)
    found: QuotaView = ground.write(lambda write: service.change(write, wanted, ground.clock.now()))
    return found


def listed(ground: Ground) -> dict[str, QuotaView]:
    found = read(ground, lambda read: service.listed(read, ground.clock.now()))
    return {view.name or "everybody": view for view in found}


def read(ground: Ground, work: Callable[[Read], Any]) -> Any:
    return ground.database.submit_read(work).result()


def end(ground: Ground, run_id: str) -> None:
    """It has completed, and its nodes are free."""

    def work(write: Write) -> None:
        run = store.get(write, run_id)
        assert run is not None
        transitions.end(write, run, Outcome(EndReason.COMPLETED), ground.clock.now())

    ground.write(work)
    ground.free(run_id)


class TestNodesAtOnce:
    def test_a_person_at_their_quota_waits_and_is_told_so_while_another_goes_on(self, ground: Ground) -> None:
        ground.cluster("cpu", idle=10)
        first = ground.queue(200, experiments=("x",), user="ann", prefix="a-")
        [other] = ground.queue(1, experiments=("x",), user="bob", prefix="b-")
        limit(ground, person="ann", set={"nodes": 4})
        assert ground.step() == [*first[:4], other]
        assert ground.blocker(first[4]) == "ann's quota: 4 of 4 nodes at once are in use"
        assert ground.step() == []
        end(ground, first[0])
        assert ground.step() == [first[4]]
        limit(ground, person="ann", lift=["nodes"])
        assert ground.step() == first[5:10]

    @on_sqlite_alone
    def test_it_counts_on_all_clusters_together(self, ground: Ground) -> None:
        ground.cluster("cpu", idle=3)
        ground.cluster("other", idle=3)
        ground.queue(3, cluster="cpu", prefix="c-")
        ground.queue(3, cluster="other", prefix="o-")
        limit(ground, everybody=True, set={"nodes": 4})
        assert len(ground.step()) == 4

    def test_an_experiment_has_its_own_and_a_new_name_keeps_it(self, ground: Ground) -> None:
        ground.cluster("cpu", idle=9)
        ground.queue(5, experiments=("x", "y"))
        limit(ground, experiment="x", set={"nodes": 1})
        assert ground.step() == ["x-00000", "y-00001", "y-00003"]
        ground.write(lambda write: renaming.rename(write, "x", "z", 0))
        assert ground.blocker("x-00002") == "quota of experiment 'z': 1 of 1 node at once is in use"

    @on_sqlite_alone
    def test_a_cluster_grows_no_further_than_quotas_let(self, ground: Ground) -> None:
        ground.cluster("cpu", idle=0, max_nodes=50)
        limit(ground, person="ann", set={"nodes": 3})
        ground.queue(40)
        ground.queue(2, user="bob", prefix="b-")
        ground.step()
        assert len(ground.placed.start) == 5

    @on_sqlite_alone
    def test_a_run_that_could_never_begin_is_refused(self, ground: Ground) -> None:
        limit(ground, everybody=True, set={"nodes": 2})
        with pytest.raises(ExperimentExecutionException, match=r"node_count is 3; ann.s quota is 2 at once"):
            read(ground, lambda read: shares.refuse_too_wide(read, Line("ann", "x"), 3))
        limit(ground, person="ann", set={"nodes": 3})
        read(ground, lambda read: shares.refuse_too_wide(read, Line("ann", "x"), 3))

    @pytest.mark.long
    @on_sqlite_alone
    def test_what_a_look_costs_does_not_grow_with_the_queue_of_who_may_have_no_more(
        self, ground: Ground
    ) -> None:
        ground.cluster("cpu", idle=4)
        limit(ground, person="ann", set={"nodes": 1})
        cost = []
        for more in (10, 2000):
            ground.queue(more, user="ann", prefix=f"{more}-")
            ground.queue(1, user="bob", prefix=f"b{more}-", node_count=9)
            ground.step()
            cost.append(ground.counted(ground.placement.step))
        assert cost[1] <= cost[0] * 1.3 + 5, cost


class TestTurns:
    def test_a_node_that_comes_free_again_and_again_goes_to_each_in_turn(self, ground: Ground) -> None:
        ground.cluster("cpu", idle=1)
        ground.queue(200, experiments=("x",), user="ann", prefix="a-")
        ground.queue(3, experiments=("x",), user="bob", prefix="b-")
        ground.queue(1, experiments=("y",), user="eve", prefix="e-")
        order = []
        for _ in range(7):
            [running] = ground.step()
            order.append(running[0])
            end(ground, running)
        assert "".join(order) == "abeabab"

    @on_sqlite_alone
    def test_who_has_many_nodes_waits_for_who_has_few(self, ground: Ground) -> None:
        ground.cluster("cpu", idle=4)
        ann = ground.queue(100, user="ann", prefix="a-", experiments=("x",))
        assert ground.step() == ann[:4]
        bob = ground.queue(10, user="bob", prefix="b-", experiments=("x",))
        next_ones = [(ann[0], ann[4]), (ann[1], bob[0]), (ann[2], bob[1]), (bob[0], ann[5]), (bob[1], bob[2])]
        for freed, begins in next_ones:  # the first was the next one already when the others came
            end(ground, freed)
            assert ground.step() == [begins]
        assert ground.view(bob[3]).position == 1


class TestNodeHours:
    def test_they_are_kept_of_runs_that_ended_and_found_of_those_that_go_on(self, ground: Ground) -> None:
        ground.cluster("cpu", idle=3)
        [short, long] = ground.queue(2, experiments=("x",))
        [wide] = ground.queue(1, experiments=("x",), user="bob", node_count=1, prefix="w-")
        ground.step()
        ground.clock.advance(1800)
        end(ground, short)
        ground.clock.advance(1800)
        assert listed(ground)["ann"].used.node_hours == pytest.approx(1.5, abs=0.001)
        assert listed(ground)["bob"].used.node_hours == pytest.approx(1, abs=0.001)
        ground.write(lambda write: write.execute(store.runs.update().values(deletion=1)))
        end(ground, long)
        end(ground, wide)
        assert listed(ground)["ann"].used.node_hours == pytest.approx(1.5, abs=0.001)

    def test_a_second_attempt_counts_beside_the_first(self, ground: Ground) -> None:
        ground.cluster("cpu", idle=1)
        [run_id] = ground.queue(1)
        for _ in range(2):
            ground.step()
            ground.clock.advance(3600)

            def go_again(write: Write) -> None:
                run = store.get(write, run_id)
                assert run is not None
                transitions.move(write, run, RunStatus.QUEUED, ground.clock.now())

            ground.write(go_again)
            ground.free(run_id)
        assert listed(ground)["ann"].used.node_hours == pytest.approx(2, abs=0.001)

    @on_sqlite_alone
    def test_who_has_used_up_theirs_waits_until_the_month_is_over(self, ground: Ground) -> None:
        ground.cluster("cpu", idle=2)
        limit(ground, person="ann", set={"node_hours": 1.0})
        first, second = ground.queue(2, experiments=("x",))
        month = months.month_of(ground.clock.now())
        ground.write(lambda write: quota_store.add_use(write, Line("ann", "old"), {month: HOUR}))
        assert ground.step() == []
        following = months.following(month)
        assert ground.blocker(first) is None, "by the clock of this machine it is another month"
        assert ground.placed.again_at == months.begin_of(following)
        ground.clock.advance((months.begin_of(following) - ground.clock.now()) / 1e6)
        assert ground.step() == [first, second]

    @on_sqlite_alone
    def test_a_run_that_is_over_its_hours_goes_on_and_the_next_one_waits(self, ground: Ground) -> None:
        ground.cluster("cpu", idle=2)
        limit(ground, everybody=True, set={"node_hours": 2})
        [first] = ground.queue(1)
        ground.step()
        ground.clock.advance(2 * 3600)
        ground.queue(1, prefix="late-")
        assert ground.step() == []
        assert ground.having(RunStatus.STARTING) == {first}

    def test_a_month_that_ends_meanwhile_has_its_part(self) -> None:
        begin = months.begin_of(202612) - 2 * HOUR
        assert months.by_month(begin, begin + 5 * HOUR) == {202611: 2 * HOUR, 202612: 3 * HOUR}
        assert months.by_month(begin, begin + 45 * 24 * HOUR)[202612] == 31 * 24 * HOUR
        assert months.by_month(begin, begin - 1) == {}
        assert months.following(202612) == 202701


class TestSetting:
    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"set": {"nodes": 1}}, "Say whose quota"),
            ({"set": {"nodes": 1}, "person": "a", "everybody": True}, "Say whose quota"),
            ({"set": {"cores": 1}, "everybody": True}, "No quota limits 'cores'"),
            ({"lift": ["cores"], "everybody": True}, "No quota limits 'cores'"),
            ({"set": {"nodes": -1}, "everybody": True}, "nodes is -1"),
            ({"set": {"nodes": 1.5}, "everybody": True}, "Use a whole number"),
            ({"set": {"node_hours": float("nan")}, "everybody": True}, "node_hours is nan"),
            ({"set": {"node_hours": 1e300}, "everybody": True}, "node_hours is 1e[+]300"),
            ({"set": {"nodes": 1}, "person": "no body"}, "cannot be a person's name"),
        ],
    )
    def test_what_no_quota_can_be_is_refused(
        self, lasting_database: Database, change: dict[str, Any], said: str
    ) -> None:
        wanted = QuotaChange(**change)
        with pytest.raises(UserErrorException, match=said):
            lasting_database.submit_write(lambda write: service.change(write, wanted, 0)).result()

    @on_sqlite_alone
    def test_nobody_gets_a_quota_who_is_not_there(self, ground: Ground) -> None:
        with pytest.raises(NotFound, match="no experiment"):
            limit(ground, experiment="nowhere", set={"nodes": 1})
        limit(ground, person="whoever", set={"nodes": 1})
        ground.write(lambda write: people.put_person(write, "ann", Role.OWNER, 0))
        with pytest.raises(NotFound, match="There is no person 'anna' here"):
            limit(ground, person="anna", set={"nodes": 1})

    @on_sqlite_alone
    def test_a_limit_that_is_not_named_stays_and_one_without_any_is_gone(self, ground: Ground) -> None:
        limit(ground, everybody=True, set={"nodes": 2, "node_hours": 10})
        made = limit(ground, person="ann", set={"nodes": 4})
        assert (made.limits.nodes, made.limits.node_hours) == (4, None)
        assert (made.applies.nodes, made.applies.node_hours) == (4, 10)
        assert limit(ground, person="ann", set={"node_hours": 7}).applies.nodes == 4
        assert limit(ground, person="ann", lift=["nodes", "node_hours"]).applies.nodes == 2
        assert list(listed(ground)) == ["everybody"]


@pytest.fixture(scope="module")
def lasting_database(lasting_databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Database:
    return lasting_databases.open(tmp_path_factory.mktemp("quotas") / "faena.db")
