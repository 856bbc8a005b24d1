"""Samplings that do not learn: the same wherever they are asked, spread evenly, nothing twice, nothing missed."""

from __future__ import annotations

import math
from collections import Counter
from hashlib import sha256
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faena.kernel.errors import UserErrorException
from faena.sweeps import sobol
from faena.sweeps.samplings import check, draw, next_point
from faena.sweeps.schemas import Sampling
from faena.sweeps.space import Point, Space

Plain = Literal["random", "grid", "sobol"]
PLAIN: tuple[Plain, ...] = ("random", "grid", "sobol")
UNIT = Space.parse({"x": ["uniform", [0, 1]], "y": ["uniform", [0, 1]], "n": ["normal", [0, 1]]})
FINITE = Space.parse(
    {
        "batch": ["choice", [[32, 64, 128, 256]]],
        "layers": ["randint", [8]],
        "drop": ["quniform", [0, 0.5, 0.1]],
        "o": ["choice", [[{"opt": "sgd", "momentum": ["choice", [[0, 0.9]]]}, {"opt": "adam"}]]],
    },
    ["batch * layers <= 512", "momentum == 0 or drop < 0.3"],
)


def all_points(space: Space, sampling: Sampling, taken: set[str] | None = None) -> list[Point]:
    """Until there is no more, the digests of each point being taken then."""
    taken = set() if taken is None else taken
    found = []
    position = 0
    while (each := next_point(space, sampling, position, taken.__contains__)) is not None:
        point, position = each
        taken.add(point.digest)
        found.append(point)
    return found


def allowed_digests(space: Space) -> set[str]:
    points = [space.grid(index) for index in range(space.size or 0)]
    return {point.digest for point in points if space.allows(point.values)}


@pytest.mark.parametrize(
    ("kind", "drawn"),
    [
        (
            "random",
            [
                [0.5139397983925901, 0.03537426491655993],
                [0.44942697594126724, 0.8400540909411406],
                [0.5220764722977106, 0.2977919844813278],
            ],
        ),
        (
            "sobol",
            [
                [0.5198068431781628, 0.23542911347160345],
                [0.019806843178162836, 0.7354291134716034],
                [0.5230697271617153, 0.4444959002749086],
            ],
        ),
    ],
)
def test_draws_are_the_same_for_ever(kind: Plain, drawn: list[list[float]]) -> None:
    """A sweep goes on after an upgrade as if there had been none."""
    space = Space.parse({"x": ["uniform", [0, 1]], "y": ["uniform", [0, 1]]})
    points = [draw(space, Sampling(kind, seed=7), position) for position in (0, 1, 10**9)]
    assert [list(point.values.values()) for point in points] == drawn


@pytest.mark.long
def test_the_points_of_sobol_are_those_of_joe_and_kuo() -> None:
    """As scipy 1.17 has them: stats.qmc.Sobol(128, scramble=False, bits=32)."""
    picked = [0, 1, 2, 3, 4, 9, 20, 63, 127]
    assert [sobol.point(100, 128)[dimension] for dimension in picked] == [
        1778384896, 1107296256, 3321888768, 3120562176, 3791650816, 2986344448, 3254779904, 2785017856, 1979711488,
    ]  # fmt: skip
    assert [sobol.point(4095, 128)[dimension] for dimension in picked] == [
        1048576, 4042260480, 1435500544, 3872391168, 4038066176, 1058013184, 969932800, 2377121792, 1123024896,
    ]  # fmt: skip
    assert sobol.point(10**9, 6) == [16116324, 1301245612, 1608452156, 2551576212, 728638140, 3189340420]
    first = ",".join(str(number) for position in range(4096) for number in sobol.point(position, 128))
    assert (
        sha256(first.encode()).hexdigest()
        == "b577758157d0c26394b92f7c18657b30099a0f682451820ca077867561e4f469"
    )


@pytest.mark.parametrize("seed", [0, 1, -5, 2**70])
def test_each_interval_has_its_share_of_sobol(seed: int) -> None:
    for dimension in range(6):
        places = Counter(int(sobol.units(position, 6, seed)[dimension] * 64) for position in range(256))
        assert places == dict.fromkeys(range(64), 4)
    squares = Counter(
        (int(x * 16), int(y * 16)) for x, y in (sobol.units(position, 2, seed) for position in range(256))
    )
    assert set(squares.values()) == {1}


def test_random_draws_are_uniform_and_independent() -> None:
    points = [draw(UNIT, Sampling("random", seed=1), position).coordinates for position in range(4000)]
    for name in ("x", "y", "n"):
        counts = Counter(int(point[name] * 10) for point in points)
        chi = sum((count - 400) ** 2 / 400 for count in counts.values())
        assert chi < 27.9, name  # once in a thousand seeds it would be more
    x, y = ([point[name] - 0.5 for point in points] for name in ("x", "y"))
    lagged = zip(x, [*x[1:], x[0]], strict=True)
    for pairs in (zip(x, y, strict=True), lagged):
        assert abs(math.fsum(one * other for one, other in pairs)) / 4000 * 12 < 0.06


def test_seeds_differ() -> None:
    for kind in ("random", "sobol"):
        assert len({draw(UNIT, Sampling(kind, seed=seed), 3).digest for seed in range(100)}) == 100


@pytest.mark.parametrize("kind", PLAIN)
def test_a_finite_space_is_exhausted_exactly(kind: Plain) -> None:
    found = all_points(FINITE, Sampling(kind, seed=5))
    digests = [point.digest for point in found]
    assert len(set(digests)) == len(digests)
    assert set(digests) == allowed_digests(FINITE)
    assert all(FINITE.allows(point.values) for point in found)


@pytest.mark.parametrize("kind", PLAIN)
def test_what_is_taken_is_left_out(kind: Plain) -> None:
    digests = sorted(allowed_digests(FINITE))
    rest = all_points(FINITE, Sampling(kind, seed=5), set(digests[:-3]))
    assert {point.digest for point in rest} == set(digests[-3:])


@pytest.mark.parametrize("kind", PLAIN)
def test_options_that_are_the_same_argument_are_drawn_once(kind: Plain) -> None:
    space = Space.parse({"x": ["choice", [[1, 1.0, "1", True]]]})
    assert len(all_points(space, Sampling(kind))) == 2


@pytest.mark.long
@pytest.mark.parametrize("kind", ["random", "sobol"])
def test_the_last_one_of_many_is_found(kind: Plain) -> None:
    space = Space.parse({"x": ["randint", [20_000]]}, ["x == 3141 or x == 2718"])
    assert {point.values["x"] for point in all_points(space, Sampling(kind, seed=2))} == {3141, 2718}


@pytest.mark.parametrize("kind", PLAIN)
def test_what_allows_nothing_ends(kind: Plain) -> None:
    assert next_point(FINITE, Sampling(kind), 0, lambda _: True) is None
    nothing = Space.parse({"x": ["randint", [1000]]}, ["x > 1000"])
    assert next_point(nothing, Sampling(kind), 0, lambda _: False) is None


def test_what_allows_nothing_of_endless_many_ends() -> None:
    nothing = Space.parse({"x": ["uniform", [0, 1]]}, ["x > 1"])
    for kind in ("random", "sobol"):
        assert next_point(nothing, Sampling(kind), 0, lambda _: False) is None


def test_a_grid_leaps_over_what_a_constraint_refuses() -> None:
    space = Space.parse(
        {"a": ["randint", [1000]], "b": ["randint", [1000]], "c": ["randint", [1000]]},
        ["a == 900", "b > 998"],
    )
    found = next_point(space, Sampling("grid"), 0, lambda _: False)
    assert found is not None
    assert found[0].values == {"a": 900, "b": 999, "c": 0}
    assert found[1] == 900_999_001


def test_positions_go_on_where_the_last_one_was() -> None:
    sampling = Sampling("random", seed=3)
    taken: set[str] = set()
    first = next_point(UNIT, sampling, 0, taken.__contains__)
    assert first is not None
    assert first == (draw(UNIT, sampling, 0), 1)
    taken.add(first[0].digest)
    assert next_point(UNIT, sampling, 0, taken.__contains__) == (draw(UNIT, sampling, 1), 2)


@pytest.mark.parametrize(
    ("space", "kind", "why"),
    [
        ({"--lr": ["uniform", [0, 1]], "--b": ["flag", []]}, "grid", "'--lr'"),
        ({"o": ["choice", [[{"--m": ["normal", [0, 1]]}]]]}, "grid", "'o/0/--m'"),
        ({f"p{number}": ["flag", []] for number in range(129)}, "sobol", "129 dimensions"),
    ],
)
def test_what_a_sampling_cannot_have_is_refused(space: Any, kind: Plain, why: str) -> None:
    parsed = Space.parse(space)
    for ask in (
        lambda: check(parsed, Sampling(kind)),
        lambda: draw(parsed, Sampling(kind), 0),
        lambda: next_point(parsed, Sampling(kind), 0, lambda _: False),
    ):
        with pytest.raises(UserErrorException, match=why):
            ask()


@pytest.mark.parametrize("kind", [*PLAIN, "bayesian", "cmaes"])
def test_constraints_that_leave_nothing_are_refused_by_name(kind: Any) -> None:
    finite = {"x": ["randint", [10]], "y": ["randint", [10]]}
    with pytest.raises(UserErrorException, match="'x > 9' on x leaves nothing"):
        check(Space.parse(finite, ["x > 9"]), Sampling(kind))
    with pytest.raises(UserErrorException, match=r"'x \+ y > 16' on x, y and the others together"):
        check(Space.parse(finite, ["y < 8", "x + y > 16"]), Sampling(kind))
    check(Space.parse(finite, ["x > 8", "y > 8"]), Sampling(kind))


def test_what_learns_is_not_drawn_here() -> None:
    for kind in ("bayesian", "cmaes"):
        with pytest.raises(UserErrorException, match="learns"):
            draw(UNIT, Sampling(kind), 0)
    with pytest.raises(UserErrorException, match="below 0"):
        draw(UNIT, Sampling("random"), -1)


@pytest.mark.long
@settings(max_examples=30)
@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=4),
    st.sampled_from(PLAIN),
    st.integers(-(2**63), 2**63),
    st.integers(0, 12),
)
def test_any_finite_space_is_exhausted_exactly(sizes: list[int], kind: Plain, seed: int, most: int) -> None:
    names = [f"p{number}" for number in range(len(sizes))]
    space = Space.parse(
        {name: ["randint", [size]] for name, size in zip(names, sizes, strict=True)},
        [f"{' + '.join(names)} <= {most}"],
    )
    found = [point.digest for point in all_points(space, Sampling(kind, seed=seed))]
    assert sorted(found) == sorted(allowed_digests(space))
