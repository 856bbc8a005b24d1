"""Who gets nodes next: persons by what they use, within what their quotas leave them; as pure rules."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faena.compute.shares import Allowance, Line, Owner, OwnerKind, Shares
from faena.compute.turns import in_turn
from faena.compute.waiting import Waiting, Wanted

ANN, BOB, EVE = (Owner(OwnerKind.PERSON, name) for name in ("ann", "bob", "eve"))
MNIST = Owner(OwnerKind.EXPERIMENT, "mnist")


def endless(user: str, experiment: str = "e", *, nodes: int = 1, at: int = 0) -> Iterator[Waiting]:
    return (Waiting(f"{user}{n}", experiment, nodes, at + n, user=user) for n in count())


def runs(user: str, number: int, experiment: str = "e", *, nodes: int = 1, at: int = 0) -> list[Waiting]:
    return list(islice(endless(user, experiment, nodes=nodes, at=at), number))


def drawn(shares: Shares, *lines: Sequence[Waiting], take: bool = False) -> Iterator[str]:
    """Ids in turn; with `take` each has its nodes before the next is drawn."""
    by_line = {Line(line[0].user, line[0].experiment): iter(line) for line in lines}
    for run in in_turn(by_line, [], {}, shares):
        if take:
            shares.take(run)
        yield run.run_id


class TestTurns:
    def test_one_run_of_somebody_comes_soon_behind_a_thousand_of_another(self) -> None:
        order = list(drawn(Shares(), runs("ann", 1000), runs("bob", 1, at=5000)))
        assert order[:3] == ["ann0", "bob0", "ann1"]
        busy = Shares({Line("ann", "e"): 3})
        assert next(drawn(busy, runs("ann", 1000), runs("bob", 1, at=5000))) == "bob0"

    def test_who_uses_the_fewest_nodes_is_next_whatever_their_runs_want(self) -> None:
        order = drawn(Shares(), runs("ann", 3, nodes=4), runs("bob", 9, at=1))
        assert list(islice(order, 7)) == ["ann0", "bob0", "bob1", "bob2", "bob3", "ann1", "bob4"]

    def test_of_two_who_use_as_many_it_is_the_one_served_longest_ago(self) -> None:
        shares = Shares(served={"ann": 7, "bob": 6})
        assert next(drawn(shares, runs("ann", 5), runs("bob", 5, at=9))) == "bob0"

    def test_a_persons_experiments_take_turns_however_many_persons_there_are(self) -> None:
        order = drawn(
            Shares(), runs("ann", 2, "x"), [Waiting("anny", "y", 1, 7, user="ann")], runs("bob", 3, at=9)
        )
        assert list(order) == ["ann0", "bob0", "anny", "bob1", "ann1", "bob2"]

    @given(
        used=st.dictionaries(st.sampled_from(["ann", "bob", "eve"]), st.integers(0, 6)),
        lengths=st.dictionaries(st.sampled_from(["ann", "bob", "eve"]), st.integers(1, 9), min_size=1),
    )
    def test_nobody_gets_a_node_before_somebody_who_waits_and_uses_fewer(
        self, used: Mapping[str, int], lengths: Mapping[str, int]
    ) -> None:
        shares = Shares({Line(user, "e"): nodes for user, nodes in used.items()})
        has, waits = Counter(used), Counter(lengths)
        for run_id in drawn(shares, *(runs(user, length) for user, length in lengths.items())):
            user = run_id.rstrip("0123456789")
            assert has[user] == min(has[other] for other, left in waits.items() if left)
            has[user] += 1
            waits[user] -= 1
        assert not +waits

    def test_nobody_starves_on_a_cluster_that_is_always_full(self) -> None:
        """Three persons with endless queues, of whom one wants two nodes a run, on four nodes; runs end by chance."""
        chosen = random.Random(5)
        queues = {"ann": endless("ann", nodes=2), "bob": endless("bob"), "eve": endless("eve")}
        going_on: list[Waiting] = []
        served: dict[str, int] = {}
        begun: Counter[str] = Counter()
        waiting = {user: next(queue) for user, queue in queues.items()}
        reserved: list[Waiting] = []
        for moment in range(1, 1500):
            shares = Shares(
                Counter(
                    {
                        Line(user, "e"): sum(r.node_count for r in going_on if r.user == user)
                        for user in waiting
                    }
                ),
                served=served,
            )
            free = 4 - sum(run.node_count for run in going_on)
            held = {run.run_id for run in reserved}
            lines = {Line(user, "e"): iter([run]) for user, run in waiting.items() if run.run_id not in held}
            order = in_turn(lines, [run for run in waiting.values() if run.run_id in held], {}, shares)
            reserved = []
            for run in order:
                if run.node_count > free:
                    reserved = [run]
                    break
                free -= run.node_count
                going_on.append(run)
                served[run.user] = moment
                begun[run.user] += 1
                waiting[run.user] = next(queues[run.user])
                break
            else:
                continue
            if free == 0 or reserved:
                going_on.pop(chosen.randrange(len(going_on)))
        assert min(begun.values()) > 0.8 * max(begun.values()), begun


class TestQuotas:
    def test_a_person_gets_no_more_than_their_quota_and_others_go_on(self) -> None:
        shares = Shares({Line("ann", "e"): 2}, {ANN: Allowance(4)})
        order = list(drawn(shares, runs("ann", 1000), runs("bob", 5, at=5000), take=True))
        assert Counter(run_id[:3] for run_id in order) == {"ann": 2, "bob": 5}

    def test_no_more_of_a_line_is_read_than_may_begin(self) -> None:
        line = endless("ann")
        shares = Shares({}, {ANN: Allowance(3)})
        for run in in_turn({Line("ann", "e"): line}, [], {}, shares):
            shares.take(run)
        assert next(line).run_id == "ann4"

    def test_it_counts_on_all_experiments_of_a_person_and_all_persons_of_an_experiment(self) -> None:
        shares = Shares({}, {ANN: Allowance(3), MNIST: Allowance(2)})
        lines = [runs("ann", 9, "mnist"), runs("ann", 9, "other"), runs("bob", 9, "mnist", at=50)]
        order = list(drawn(shares, *lines, take=True))
        assert len(order) == 4
        assert shares.left(Line("ann", "new")) == 0
        assert shares.left(Line("eve", "mnist")) == 0
        assert shares.left(Line("eve", "new")) is None

    def test_a_run_that_fits_does_not_pass_a_wider_one_of_its_person(self) -> None:
        shares = Shares({Line("ann", "x"): 3}, {ANN: Allowance(4)})
        wide, slim = Waiting("wide", "x", 2, 0, user="ann"), Waiting("slim", "y", 1, 1, user="ann")
        assert list(drawn(shares, [wide], [slim])) == []

    def test_one_that_asks_for_more_than_may_ever_be_has_no_other_line_wait(self) -> None:
        shares = Shares({}, {ANN: Allowance(4)})
        wide, slim = Waiting("wide", "x", 5, 0, user="ann"), Waiting("slim", "y", 1, 1, user="ann")
        assert list(drawn(shares, [wide], [slim])) == ["slim"]

    def test_a_reservation_gives_no_more_than_a_quota(self) -> None:
        shares = Shares({Line("ann", "e"): 4}, {ANN: Allowance(4)})
        held = Waiting("held", "e", 1, 0, reserved=True, user="ann")
        assert list(in_turn({}, [held], {}, shares)) == []
        assert list(in_turn({}, [held], {}, shares, with_refused=True)) == [held]

    @pytest.mark.parametrize(
        ("allowances", "run", "why"),
        [
            ({ANN: Allowance(4)}, runs("ann", 1)[0], "ann's quota: 4 of 4 nodes at once are in use"),
            (
                {ANN: Allowance(5)},
                runs("ann", 1, nodes=2)[0],
                "ann's quota: 4 of 5 nodes at once are in use, and it wants 2",
            ),
            (
                {ANN: Allowance(1)},
                runs("ann", 1, nodes=2)[0],
                "ann's quota: 1 node at once at most, and it wants 2",
            ),
            (
                {MNIST: Allowance(4)},
                runs("bob", 1, "mnist")[0],
                "quota of experiment 'mnist': 4 of 4 nodes at once are in use",
            ),
            ({ANN: Allowance(None, "it is spent")}, runs("ann", 1)[0], "it is spent"),
        ],
    )
    def test_who_is_refused_is_told_why(
        self, allowances: Mapping[Owner, Allowance], run: Waiting, why: str
    ) -> None:
        refusal = Shares({Line("ann", "mnist"): 4}, allowances).refusal(run)
        assert refusal is not None
        assert refusal.why == why

    def test_what_is_for_everybody_counts_for_who_has_none_of_their_own(self) -> None:
        shares = Shares({}, {BOB: Allowance(9)}, general=Allowance(1))
        order = Counter(drawn(shares, runs("ann", 5), runs("bob", 5), runs("eve", 5), take=True))
        assert Counter(run_id[:3] for run_id in order) == {"ann": 1, "bob": 5, "eve": 1}

    def test_a_cluster_does_not_grow_for_who_may_have_no_more(self) -> None:
        shares = Shares({Line("ann", "x"): 1}, {ANN: Allowance(4), MNIST: Allowance(1)})
        queued = [
            (Line("ann", "x"), 100, False),
            (Line("ann", "y"), 1, True),
            (Line("bob", "mnist"), 7, False),
            (Line("eve", "x"), 2, False),
        ]
        assert shares.wanted(queued) == Wanted(3 + 1 + 2, 0)
