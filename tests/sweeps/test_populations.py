"""Population based training: who goes on from whom, and with which parameters."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

import pytest

from faena.kernel.errors import UserErrorException
from faena.sweeps import samplings
from faena.sweeps.checks import check
from faena.sweeps.populations import Lineage, Member, explore, go_on, quantile
from faena.sweeps.schemas import Objective, Policy, Population, Sampling, SweepSpec
from faena.sweeps.space import Point, Space

FOUR = Population(4, "--checkpoint-dir")


def spec(**given: Any) -> SweepSpec:
    population = Population(
        **{"size": 4, "checkpoint_argument": "--checkpoint-dir", **given.pop("population", {})}
    )
    fields: dict[str, Any] = {
        "space": {"--lr": ["uniform", [0, 1]]},
        "sampling": Sampling("pbt", 1, population=population),
        "objectives": (Objective("loss", "minimize"),),
        "max_total_runs": 8,
        "max_concurrent_runs": 2,
    }
    return SweepSpec(**(fields | given))


def generation(*scores: float | None, start: int = 0) -> list[Member]:
    return [Member(start + place, score, start + place) for place, score in enumerate(scores)]


class TestGoingOn:
    @pytest.mark.parametrize(
        ("size", "fraction", "count"), [(4, 0.25, 1), (10, 0.25, 3), (2, 0.5, 1), (3, 0.5, 1)]
    )
    def test_the_worst_are_as_many_as_the_best(self, size: int, fraction: float, count: int) -> None:
        assert quantile(Population(size, "--c", quantile_fraction=fraction)) == count

    @pytest.mark.parametrize(("goal", "worst", "best"), [("maximize", 2, 1), ("minimize", 1, 2)])
    def test_the_worst_goes_on_from_the_best(self, goal: Any, worst: int, best: int) -> None:
        before = generation(0.5, 0.9, 0.1, 0.4)
        found = [go_on(FOUR, goal, 1, number, before) for number in range(4, 8)]
        expected = [Lineage(number, number) for number in range(4)]
        expected[worst] = Lineage(best, best)
        assert found == expected

    def test_who_failed_is_the_worst_and_starts_from_its_last_good_checkpoint(self) -> None:
        before = [*generation(0.5, 0.9, start=4), Member(6, None, 2), Member(7, None, None)]
        assert go_on(FOUR, "maximize", 1, 10, before) == Lineage(6, 2), (
            "one of four is replaced: the last one"
        )
        assert go_on(FOUR, "maximize", 1, 11, before) == Lineage(5, 5)

    def test_nobody_goes_on_from_one_that_is_no_better(self) -> None:
        assert go_on(FOUR, "maximize", 1, 7, generation(0.5, 0.5, 0.5, 0.5)) == Lineage(3, 3)
        nothing = [Member(number, None, None) for number in range(4)]
        assert go_on(FOUR, "maximize", 1, 7, nothing) == Lineage(3, None)

    def test_the_best_are_chosen_among_by_seed_and_number(self) -> None:
        many = Population(8, "--c", quantile_fraction=0.5)
        before = generation(1, 2, 3, 4, 5, 6, 7, 8)
        chosen = {go_on(many, "maximize", seed, 8, before).parent for seed in range(50)}
        assert chosen == {4, 5, 6, 7}
        assert go_on(many, "maximize", 3, 8, before) == go_on(many, "maximize", 3, 8, before)


SPACE = Space.parse(
    {
        "--lr": ["uniform", [0, 1]],
        "--decay": ["loguniform", [-6, -1]],
        "--units": ["randint", [100]],
        "--step": ["quniform", [0, 1, 0.1]],
        "--act": ["choice", [["relu", "tanh", "elu"]]],
    }
)
HERE = SPACE.require({"--lr": 0.5, "--decay": 0.01, "--units": 10, "--step": 0.2, "--act": "tanh"})


def perturbed(space: Space, here: Point, **given: Any) -> list[dict[str, Any]]:
    population = Population(4, "--c", **{"resample_probability": 0.0, **given})
    found = [explore(space, population, 1, number, here.coordinates) for number in range(60)]
    return [point.values for point in found if point is not None]


class TestExploring:
    def test_numbers_are_multiplied_and_options_replaced_by_their_neighbours(self) -> None:
        found = perturbed(SPACE, HERE)
        assert {round(each["--lr"], 9) for each in found} == {0.4, 0.6}
        assert {round(each["--decay"], 9) for each in found} == {0.008, 0.012}
        assert {each["--units"] for each in found} == {8, 12}
        assert {each["--step"] for each in found} == {0.1, 0.3}, (
            "0.16 and 0.24 are 0.2 again: a step at least"
        )
        assert {each["--act"] for each in found} == {"relu", "elu"}

    def test_nothing_leaves_its_range(self) -> None:
        ends = SPACE.require({"--lr": 0.9, "--decay": 0.0025, "--units": 99, "--step": 1, "--act": "elu"})
        found = perturbed(SPACE, ends)
        assert {each["--lr"] for each in found} == {0.9 * 0.8, 1.0}
        assert {each["--units"] for each in found} == {79, 99}
        assert {each["--step"] for each in found} == {0.8, 1.0}
        assert {each["--act"] for each in found} == {"tanh", "elu"}
        assert min(each["--decay"] for each in found) == pytest.approx(0.0024787521766663585)
        assert all(SPACE.locate(each) is not None for each in found)

    def test_a_small_integer_moves_by_one(self) -> None:
        space = Space.parse({"--n": ["randint", [5]]})
        assert {each["--n"] for each in perturbed(space, space.require({"--n": 1}))} == {0, 2}
        assert {each["--n"] for each in perturbed(space, space.require({"--n": 0}))} == {0}, (
            "0 times anything"
        )

    def test_some_are_drawn_anew(self) -> None:
        found = perturbed(SPACE, HERE, resample_probability=0.25)
        anew = sum(round(each["--lr"], 9) not in (0.4, 0.6) for each in found)
        assert 5 <= anew <= 25
        assert len({each["--lr"] for each in perturbed(SPACE, HERE, resample_probability=1.0)}) == 60

    def test_what_another_option_sets_is_drawn(self) -> None:
        options = [{"--opt": "sgd", "--momentum": ["uniform", [0, 1]]}, {"--opt": "adam"}]
        space = Space.parse({"optimizer": ["choice", [options]]})
        found = perturbed(space, space.require({"--opt": "adam"}))
        assert {each["--opt"] for each in found} == {"sgd", "adam"}
        assert len({each.get("--momentum") for each in found}) > 10

    def test_constraints_hold(self) -> None:
        space = Space.parse({"--lr": ["uniform", [0, 1]]}, ["lr <= 0.5"])
        here = space.require({"--lr": 0.5})
        assert {each["--lr"] for each in perturbed(space, here)} == {0.4}
        stuck = Space.parse({"--n": ["choice", [[1, 2]]]}, ["n == 2"])
        assert {each["--n"] for each in perturbed(stuck, stuck.require({"--n": 2}))} == {2}


class TestRefusals:
    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"population": {"size": 1}}, "population is 1. Use 2 to 1,000"),
            ({"max_total_runs": 3}, "max_total_runs is 3, and the population has 4"),
            (
                {"population": {"checkpoint_argument": "lr"}},
                "checkpoint_argument is 'lr', which is a parameter",
            ),
            ({"population": {"checkpoint_argument": "a b"}}, "cannot be the name of an argument"),
            ({"population": {"quantile_fraction": 0.6}}, "quantile_fraction is 0.6"),
            ({"population": {"quantile_fraction": float("nan")}}, "quantile_fraction is nan"),
            ({"population": {"resample_probability": -0.1}}, "resample_probability is -0.1"),
            ({"population": {"perturbation_factors": (1.2, 0.8)}}, "perturbation_factors are 1.2 and 0.8"),
            ({"policy": Policy("median")}, "policy does not go with population based training"),
            ({"repeats": 2}, "repeats does not go with"),
            ({"keep_outputs": 2}, "keep_outputs does not go with"),
            ({"resume_from": ("HD_1",)}, "resume_from does not go with"),
            ({"resume_child_runs": tuple("abcde")}, "more trials than the population has members"),
            ({"sampling": Sampling("pbt")}, "needs a population"),
            ({"sampling": Sampling("random", population=FOUR)}, "A population is of pbt"),
        ],
    )
    def test_what_cannot_be_trained_is_named(self, given: dict[str, Any], said: str) -> None:
        with pytest.raises(UserErrorException, match=said):
            check(spec(**given))

    def test_what_can_be_trained_is_not(self) -> None:
        check(spec(policy=Policy(stop_on_nan=True)))


def trained(loss: float, lr: float) -> float:
    """One interval of gradient descent with noise: a large rate gets near fast, and stays as far as its noise."""
    for _ in range(10):
        loss = loss * (1 - lr) ** 2 + lr * lr * 0.5
    return loss


class TestSimulation:
    """The best rate falls as training goes on: no constant one is the best throughout."""

    SPACE = Space.parse({"--lr": ["loguniform", [-7, -0.7]]})
    GENERATIONS, MEMBERS = 20, 8

    def by_population(self, seed: int) -> float:
        population = Population(self.MEMBERS, "--c")
        start = [samplings.draw(self.SPACE, Sampling("random", seed), place) for place in range(self.MEMBERS)]
        points: dict[int, Point] = dict(enumerate(start))
        losses = {number: trained(100.0, point.values["--lr"]) for number, point in points.items()}
        for number in range(self.MEMBERS, self.MEMBERS * self.GENERATIONS):
            first = (number // self.MEMBERS - 1) * self.MEMBERS
            before = [Member(each, losses[each], each) for each in range(first, first + self.MEMBERS)]
            lineage = go_on(population, "minimize", seed, number, before)
            assert lineage.parent is not None and lineage.checkpoint is not None
            here = points[lineage.parent]
            if lineage.parent != number - self.MEMBERS:
                here = explore(self.SPACE, population, seed, number, here.coordinates) or here
            points[number], losses[number] = here, trained(losses[lineage.checkpoint], here.values["--lr"])
        return min(self._last(losses))

    def _last(self, losses: dict[int, float]) -> Sequence[float]:
        return [losses[number] for number in sorted(losses)[-self.MEMBERS :]]

    def by_chance(self, seed: int) -> float:
        found = []
        for place in range(self.MEMBERS):
            lr = samplings.draw(self.SPACE, Sampling("random", seed), place).values["--lr"]
            loss = 100.0
            for _ in range(self.GENERATIONS):
                loss = trained(loss, lr)
            found.append(loss)
        return min(found)

    def test_it_beats_random_sampling_of_as_many_members_for_as_long(self) -> None:
        seeds = range(40)
        ours, random = [self.by_population(seed) for seed in seeds], [self.by_chance(seed) for seed in seeds]
        assert sum(one < other for one, other in zip(ours, random, strict=True)) >= 30
        assert statistics.median(ours) < 0.7 * statistics.median(random)
