"""Spaces: what is refused, points and the way back to them, grids, and how values become arguments."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faena.kernel.errors import UserErrorException
from faena.sweeps import tree
from faena.sweeps.space import Dimension, Space, arguments_of

CONDITIONAL = {
    "--lr": ["loguniform", [-6, -1]],
    "optimizer": [
        "choice",
        [
            [
                {"--opt": "sgd", "--momentum": ["uniform", [0, 1]], "--nesterov": ["flag", []]},
                {"--opt": "adam"},
            ]
        ],
    ],
}
NESTED = {
    "net": [
        "choice",
        [
            [
                {"--net": "mlp", "--units": ["choice", [[100, 200]]]},
                {
                    "--net": "cnn",
                    "pool": [
                        "choice",
                        [[{"--pool": "max"}, {"--pool": "mean", "--stride": ["randint", [3]]}]],
                    ],
                },
                {},
            ]
        ],
    ],
    "--augment": ["flag", []],
}


def choice(*options: Any) -> list[Any]:
    return ["choice", [list(options)]]


def test_dimensions_have_their_paths_parents_first() -> None:
    assert Space.parse(CONDITIONAL).dimensions == (
        Dimension("--lr", "float", -6, -1, None),
        Dimension("optimizer", "index", 0, 1, None),
        Dimension("optimizer/0/--momentum", "float", 0, 1, ("optimizer", 0)),
        Dimension("optimizer/0/--nesterov", "index", 0, 1, ("optimizer", 0)),
    )
    places = [dimension.name for dimension in Space.parse(NESTED).dimensions]
    assert places == ["net", "net/0/--units", "net/1/pool", "net/1/pool/1/--stride", "--augment"]


def test_an_option_sets_its_parameters_and_no_others() -> None:
    space = Space.parse(CONDITIONAL)
    sgd = space.at({"--lr": -2, "optimizer": 0, "optimizer/0/--momentum": 0.9, "optimizer/0/--nesterov": 1})
    assert sgd.values == {"--lr": 0.1353352832366127, "--opt": "sgd", "--momentum": 0.9, "--nesterov": ""}
    adam = space.at({"--lr": -2, "optimizer": 1})
    assert adam.values == {"--lr": 0.1353352832366127, "--opt": "adam"}
    assert adam.coordinates == {"--lr": -2.0, "optimizer": 1}


def test_an_option_may_be_an_expression() -> None:
    space = Space.parse({"--dropout": choice(0, ["uniform", [0.1, 0.5]])})
    assert space.at({"--dropout": 0}).values == {"--dropout": 0}
    assert space.at({"--dropout": 1, "--dropout/1/--dropout": 0.25}).values == {"--dropout": 0.25}
    found = space.locate({"dropout": "0.25"})
    assert found is not None
    assert found.coordinates == {"--dropout": 1, "--dropout/1/--dropout": 0.25}


@pytest.mark.parametrize(
    ("coordinates", "why"),
    [
        ({}, "'--lr' is None"),
        ({"--lr": -7, "optimizer": 1}, "from -6"),
        ({"--lr": float("nan"), "optimizer": 1}, "nan"),
        ({"--lr": "-2", "optimizer": 1}, "Give a number"),
        ({"--lr": -2, "optimizer": 2}, "'optimizer' is 2"),
        ({"--lr": -2, "optimizer": 0.5}, "Give an integer"),
        ({"--lr": -2, "optimizer": True}, "Give a number"),
        ({"--lr": -2, "optimizer": 1, "optimizer/0/--momentum": 0.5}, "not active"),
        ({"--lr": -2, "optimizer": 1, "x": 0.5}, "no dimension 'x'"),
        ({"--lr": -2, "optimizer": 0}, "'optimizer/0/--momentum' is None"),
    ],
)
def test_coordinates_outside_are_refused(coordinates: dict[str, Any], why: str) -> None:
    with pytest.raises(UserErrorException) as refusal:
        Space.parse(CONDITIONAL).at(coordinates)
    assert why in refusal.value.message


def deep(depth: int) -> Any:
    space: Any = {"--x": ["uniform", [0, 1]]}
    for level in range(depth):
        space = {f"level{level}": choice(space)}
    return space


@pytest.mark.parametrize(
    ("space", "why"),
    [
        ({}, "The space is empty"),
        ([], "Give a dict"),
        ({"--lr": 0.1}, "'--lr' is 0.1"),
        ({"lr": ["uniform", [0, 1]], "--lr": ["uniform", [0, 1]]}, "'lr' is set twice"),
        ({"-lr": ["uniform", [0, 1]], "--lr": ["uniform", [0, 1]]}, "'lr' is set twice"),
        ({"--lr": choice(1), "o": choice({"--opt": 1, "lr": 2})}, "'lr' is set twice: by '--lr' and by 'o'"),
        (
            {"a": choice({"--x": 1}), "b": choice({"--y": 1}, {"--x": ["uniform", [0, 1]]})},
            "'x' is set twice",
        ),
        ({"o": choice({"x": 1, "--x": 2})}, "'x' is set twice"),
        ({"o": choice({"p": choice({"--x": 1}), "--x": 2})}, "'x' is set twice"),
        ({"": choice(1)}, "no letters"),
        ({"--": choice(1)}, "no letters"),
        ({"a\0": choice(1)}, "control character"),
        ({"a b": choice(1)}, "space"),
        ({"a\n": choice(1)}, "control character"),
        ({"a\x1b[0m": choice(1)}, "control character"),
        ({"a=b": choice(1)}, "equals sign"),
        ({"-5": choice(1)}, "is a number"),
        ({"a" * 201: choice(1)}, "201 characters"),
        ({3: choice(1)}, "called 3"),
        ({"o": choice({"a b": 1})}, "space"),
        (
            {"o": choice({"--x": ["unifrom", [0, 1]]})},
            "'--x': 'unifrom' is no expression. Did you mean uniform",
        ),
        ({"o": choice({"--x": ["uniform", [1, 0]]})}, "'--x': uniform(1, 0)"),
        ({"o": choice({"--x": {1, 2}})}, "'--x'"),
        ({"o": choice(1, ["uniform", [1, 0]])}, "'o': uniform(1, 0)"),
        ({"a": choice({"b": choice({"c": 1})}), "a/0/b": choice(1)}, "Two parameters are called 'a/0/b'"),
        (deep(11), "nested deeper than 10"),
        (deep(500), "nested deeper than 10"),
        ({f"p{number}": choice(1) for number in range(1001)}, "more than 1,000"),
    ],
)
def test_a_wrong_space_is_refused(space: Any, why: str) -> None:
    with pytest.raises(UserErrorException) as refusal:
        Space.parse(space)
    assert why in refusal.value.message


def test_options_set_so_many_parameters_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MOST_PARAMETERS", 100)
    with pytest.raises(UserErrorException, match="more than 100 parameters, with 'q1'"):
        Space.parse({f"p{number}": choice(*[{f"q{number}": 1}] * 60) for number in range(2)})


def test_the_same_parameter_in_different_options_is_one() -> None:
    space = Space.parse({"o": choice({"--x": 1}, {"x": ["uniform", [2, 3]]})})
    assert space.parameters == ("x",)
    assert Space.parse(deep(10)).parameters == ("x",)


def test_a_list_is_a_value_where_its_word_is_no_expression() -> None:
    space = Space.parse(
        {"o": choice({"--x": ["conv", [3, 3]]}, {"--x": ["uniform", 2]}), "y": choice(["a", [1]])}
    )
    assert space.grid(0).values == {"--x": ["conv", [3, 3]], "y": ["a", [1]]}


def test_options_of_any_kind_stay_apart_and_the_same_arguments_have_one_digest() -> None:
    options = [1, True, 1.0, "1", "True", None, "", [1], {"--y": 3}, [], "[1]", -0.0, 0]
    space = Space.parse({"x": choice(*options)})
    points = [space.grid(index) for index in range(len(options))]
    assert [point.values.get("x", point.values.get("--y")) for point in points] == [
        *options[:8],
        3,
        *options[9:],
    ]
    assert [type(point.values.get("x")) for point in points[:4]] == [int, bool, float, str]
    for one in points:
        for other in points:
            same = arguments_of(one.values) == arguments_of(other.values)
            assert (one.digest == other.digest) is same
    assert len({point.digest for point in points}) == 8


@pytest.mark.parametrize(
    ("values", "arguments"),
    [
        ({"--batchsize": 128}, ["--batchsize", "128"]),
        ({"batchsize": 128.0}, ["--batchsize", "128"]),
        ({"-b": 128.0}, ["-b", "128"]),
        ({"lr": 0.1}, ["--lr", "0.1"]),
        ({"lr": 1e-05}, ["--lr", "1e-05"]),
        ({"lr": -1e-05}, ["--lr=-1e-05"]),
        ({"lr": -0.5, "n": -3}, ["--lr", "-0.5", "--n", "-3"]),
        ({"n": 1e20}, ["--n", "100000000000000000000"]),
        ({"n": 1e300, "zero": -0.0}, ["--n", "1e+300", "--zero", "0"]),
        ({"a": True, "b": False}, ["--a", "True", "--b", "False"]),
        ({"flag": "", "none": None}, ["--flag"]),
        ({"text": "a b", "dash": "-x", "dashes": "--"}, ["--text", "a b", "--dash=-x", "--dashes=--"]),
        ({"l": [1, 2.5, "ä"], "d": {"a": None}}, ["--l", '[1, 2.5, "ä"]', "--d", '{"a": null}']),
        ({}, []),
    ],
)
def test_values_become_arguments(values: dict[str, Any], arguments: list[str]) -> None:
    assert arguments_of(values) == arguments


def test_a_flag_is_there_or_not() -> None:
    space = Space.parse({"--augment": ["flag", []]})
    assert [arguments_of(space.grid(index).values) for index in (0, 1)] == [[], ["--augment"]]
    for absent in ({}, {"augment": "false"}, {"augment": False}, {"augment": None}):
        assert space.locate(absent) == space.grid(0)
    for present in ({"augment": "true"}, {"augment": True}, {"--augment": ""}):
        assert space.locate(present) == space.grid(1)


def test_a_grid_has_each_combination_once_the_last_parameter_fastest() -> None:
    space = Space.parse({"a": choice(1, 2), "b": ["quniform", [0, 2, 1]], "c": choice("x", "y")})
    values = [tuple(space.grid(index).values.values()) for index in range(space.size or 0)]
    assert values == [(a, b, c) for a in (1, 2) for b in (0, 1, 2) for c in "xy"]


def test_a_grid_of_options_counts_what_each_has() -> None:
    space = Space.parse(NESTED)
    assert space.size == (2 + (1 + 3) + 1) * 2
    points = [space.grid(index) for index in range(space.size)]
    assert len({point.digest for point in points}) == space.size
    assert points[4].values == {"--net": "cnn", "--pool": "max", "--augment": None}
    assert points[-1].values == {"--augment": ""}
    assert all(space.at(point.coordinates) == point for point in points)
    assert all(space.locate(point.values) == point for point in points)


@pytest.mark.parametrize("index", [-1, 14])
def test_a_grid_ends(index: int) -> None:
    with pytest.raises(UserErrorException, match="14 combinations"):
        Space.parse(NESTED).grid(index)


def test_what_has_no_end_has_no_grid() -> None:
    space = Space.parse(CONDITIONAL)
    assert space.size is None
    with pytest.raises(UserErrorException, match="'--lr'"):
        space.grid(0)
    assert Space.parse({f"p{number}": ["randint", [10**6]] for number in range(50)}).size == 10**300


def test_units_are_one_a_dimension() -> None:
    space = Space.parse(CONDITIONAL)
    assert space.from_unit([0.5, 0.5, 7.0, 7.0]).values["--opt"] == "adam"
    for units in ([0.5], [0.5, 0.1, 1.0, 0.5], [0.5, 0.1, float("nan"), 0.5], [-0.1, 0.9, 0.5, 0.5]):
        with pytest.raises(UserErrorException):
            space.from_unit(units)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"lr": 0.1, "--lr": 0.1, "opt": "adam"}, "'--lr' is given twice"),
        ({"lr": 0.1}, "no option of 'optimizer'"),
        ({"opt": "adam"}, "'--lr' is missing"),
        ({"lr": 0.9, "opt": "adam"}, "'--lr' cannot be 0.9"),
        ({"lr": 0.1, "opt": "adam", "momentum": 0.5}, "'--opt' cannot be 'adam'"),
        ({"lr": 0.1, "opt": "adam", "epochs": 3}, "'epochs' is no parameter of it"),
        ({"lr": 0.1, "opt": "adam", "momentun": 3}, "did you mean 'momentum'"),
    ],
)
def test_values_that_lie_elsewhere(values: dict[str, Any], why: str) -> None:
    space = Space.parse(CONDITIONAL)
    assert space.locate(values) is None
    with pytest.raises(UserErrorException) as refusal:
        space.require(values)
    assert why in refusal.value.message


def test_given_values_stay_as_they_are() -> None:
    point = Space.parse(CONDITIONAL).require({"lr": "0.1", "opt": "adam"})
    assert point.values == {"--lr": 0.1, "--opt": "adam"}
    assert point.coordinates == {"--lr": pytest.approx(-2.302585092994046), "optimizer": 1}


def test_constraints_see_what_is_active() -> None:
    space = Space.parse(
        CONDITIONAL, ["momentum > 0.5", "not nesterov or momentum > 0.7", "opt != 'adam' or lr < 0.2"]
    )
    assert space.allows({"--lr": 0.1, "--opt": "adam"})
    assert not space.allows({"--lr": 0.3, "--opt": "adam"})
    assert space.allows({"lr": 0.3, "opt": "sgd", "momentum": 0.6, "nesterov": None})
    assert not space.allows({"lr": 0.3, "opt": "sgd", "momentum": 0.6, "nesterov": ""})
    refusals = space.refusals({"lr": 0.3, "opt": "sgd", "momentum": 0.4, "nesterov": ""})
    assert [refusal.text for refusal in refusals] == ["momentum > 0.5", "not nesterov or momentum > 0.7"]


def test_a_constraint_of_an_unknown_parameter_is_refused() -> None:
    with pytest.raises(UserErrorException, match="Did you mean momentum"):
        Space.parse(CONDITIONAL, ["momentun > 1"])
    with pytest.raises(UserErrorException, match="no parameter"):
        Space.parse(CONDITIONAL, ["optimizer == 1"])


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
expressions = st.one_of(
    st.lists(json_values, min_size=1, max_size=4).map(lambda options: ["choice", [options]]),
    st.just(["flag", []]),
    st.integers(1, 50).map(lambda upper: ["randint", [upper]]),
    st.sampled_from(
        [
            ["uniform", [-1e-6, 1e6]],
            ["loguniform", [-20, 20]],
            ["quniform", [-3, 10, 0.7]],
            ["qloguniform", [-2, 4, 0.1]],
            ["normal", [3, 0.01]],
            ["qnormal", [3, 10, 0.3]],
            ["lognormal", [-1, 2]],
            ["qlognormal", [0, 1, 0.5]],
        ]
    ),
)


@st.composite
def spaces(draw: st.DrawFn, depth: int = 2, prefix: str = "p") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number in range(draw(st.integers(1 if depth == 2 else 0, 3))):
        name = f"{prefix}{number}"
        if depth and draw(st.booleans()):
            options: list[Any] = [
                draw(spaces(depth - 1, f"{name}{'abc'[option] if draw(st.booleans()) else 'x'}"))
                for option in range(draw(st.integers(1, 3)))
            ]
            found[name] = ["choice", [options]]
        else:
            found[name] = draw(expressions)
    return found


@given(spaces(), st.data())
def test_every_point_is_found_again(written: dict[str, Any], data: st.DataObject) -> None:
    space = Space.parse(written)
    units = data.draw(
        st.lists(
            st.floats(0, 1, exclude_max=True),
            min_size=len(space.dimensions),
            max_size=len(space.dimensions),
        )
    )
    point = space.from_unit(units)
    assert space.at(point.coordinates) == point
    found = space.locate(point.values)
    assert found is not None
    assert found.digest == point.digest
    assert arguments_of(found.values) == arguments_of(point.values)


@given(spaces())
def test_every_combination_is_counted(written: dict[str, Any]) -> None:
    space = Space.parse(written)
    if space.size is None or space.size > 500:
        return
    points = [space.grid(index) for index in range(space.size)]
    assert len({tuple(point.coordinates.items()) for point in points}) == space.size
    assert all(space.at(point.coordinates) == point for point in points)
