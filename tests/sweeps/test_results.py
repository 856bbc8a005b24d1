"""Tables, figures and fronts of sweeps, made of trials that never ran."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from typing import Any

import pytest

from faena.client.sweeps import figures, pairs
from faena.client.sweeps.axes import Drawable, drawable
from faena.client.sweeps.canvas import MOST
from faena.client.sweeps.frame import frame
from faena.client.sweeps.front import front, front_and_refused, two_objectives
from faena.client.sweeps.importance import importances
from faena.kernel.errors import UserErrorException
from faena.sweeps.schemas import Objective
from tests.examples import long_form
from tests.sweeps.made_trials import LOSS, drawn, numbers, spec, trial

FIGURES: dict[str, Callable[[Drawable], Any]] = {
    "history": figures.history,
    "parallel coordinates": lambda found: figures.parallel_coordinates(found, ()),
    "slice": lambda found: figures.slices(found, ()),
    "contour": lambda found: pairs.contour(found, "--lr", "batch"),
    "contour of options that exclude each other": lambda found: pairs.contour(found, "momentum", "beta"),
    "importance": figures.importance,
}
ACCURACY, LATENCY = Objective("Accuracy", "maximize"), Objective("latency", "minimize")


class TestFrame:
    def test_has_a_row_a_trial_and_a_column_for_each_parameter(self) -> None:
        waiting = trial(2, {"--lr": 0.1}, state="waiting", status="Waiting", run_id=None)
        stopped = trial(
            1, {"--lr": 0.2, "--augment": ""}, 0.5, stopped="stopped at interval 1: 1 against 2", tries=1
        )
        table = frame(
            spec(), [trial(0, {"--lr": 0.3, "--augment": None, "--opt": "sgd"}, None), stopped, waiting]
        )
        assert list(table) == [
            "number",
            "run_id",
            "status",
            *(
                f"parameters.{name}"
                for name in ("lr", "batch", "activation", "augment", "opt", "momentum", "beta")
            ),
            "metrics.loss",
            "stopped",
            "tries",
            "source",
        ]
        assert table["parameters.lr"].tolist() == [0.3, 0.2, 0.1]
        assert table["parameters.augment"].tolist()[:2] == [False, True]
        assert table["metrics.loss"].isna().tolist() == [True, False, True]
        assert table["stopped"].tolist() == ["", "stopped at interval 1: 1 against 2", ""]
        assert table["tries"].tolist() == [0, 1, 0]

    def test_has_its_columns_without_trials_and_those_of_an_earlier_space(self) -> None:
        empty = frame(spec(), [])
        assert len(empty) == 0
        assert "parameters.lr" in empty
        assert frame(spec(), [trial(0, {"--old": "a"}, 1)])["parameters.old"].tolist() == ["a"]

    def test_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "pandas", None)
        with pytest.raises(UserErrorException, match=r"pip install 'faena\[frames\]'"):
            frame(spec(), [])


class TestFigures:
    @pytest.mark.few(8)
    @pytest.mark.parametrize("count", [0, 1, 2, 40])
    @pytest.mark.parametrize("name", FIGURES)
    def test_are_drawn_of_however_few_trials(self, name: str, count: int) -> None:
        figure = FIGURES[name](drawable(spec(), drawn(count)))
        assert json.loads(figure.to_json())["data"] or count == 0
        said = [each.text for each in figure.layout.annotations]
        assert ("No trial has a value of loss yet." in said) == (count == 0)

    @pytest.mark.few(1)
    @pytest.mark.parametrize(
        "name", [long_form(each) if each in ("slice", "contour") else each for each in FIGURES]
    )
    def test_do_not_grow_with_thousands_of_trials(self, name: str) -> None:
        figure = FIGURES[name](drawable(spec(), drawn(10_000)))
        assert len(figure.to_json()) < 4_000_000
        if name in ("history", "slice", "parallel coordinates"):
            assert f"{MOST:,} of 9,412 trials" in figure.layout.title.text

    @pytest.mark.few(2)
    @pytest.mark.parametrize("name", FIGURES)
    def test_of_a_space_that_was_changed_show_what_was_tried(self, name: str) -> None:
        before = [trial(n, {"--lr": "high", "--batch": 1000 + n, "--old": [n]}, float(n)) for n in range(60)]
        found = drawable(spec(), [*before, *drawn(5)])
        assert list(found.axes)[-1] == "old"
        assert json.loads(FIGURES[name](found).to_json())["data"]

    @pytest.mark.few(2)
    @pytest.mark.parametrize("name", FIGURES)
    def test_of_huge_and_equal_values_are_json(self, name: str) -> None:
        trials = drawn(12)
        huge = [
            trial(each.number, each.parameters, value)
            for each, value in zip(trials, [1e308, -1e308] * 6, strict=True)
        ]
        equal = [trial(each.number, each.parameters, 1.0) for each in trials]
        for each in (huge, equal):
            assert "Infinity" not in FIGURES[name](drawable(spec(), each)).to_json()

    def test_the_history_has_the_best_so_far(self) -> None:
        trials = [trial(number, {}, value) for number, value in enumerate([3.0, 5.0, 2.0, None, 2.5])]
        best = figures.history(drawable(spec(), trials)).data[-1]
        assert list(zip(best.x, best.y, strict=True)) == [(0, 3.0), (2, 2.0), (4, 2.0)]
        most = figures.history(drawable(spec(None, ACCURACY), trials)).data[-1]
        assert list(zip(most.x, most.y, strict=True)) == [(0, 3.0), (1, 5.0), (4, 5.0)]

    def test_all_that_was_found_is_kept_of_many(self) -> None:
        trials = drawn(10_000)
        best = min(each.value for each in trials if each.value is not None)
        points = figures.history(drawable(spec(), trials)).data[0]
        assert best in points.y

    def test_parallel_coordinates_have_categories_logarithms_and_gaps(self) -> None:
        trials = [
            trial(0, {"--lr": 0.01, "--activation": "<b>tanh", "--augment": "", "--momentum": 0.5}, 1.0),
            trial(1, {"--lr": 0.1, "--activation": None, "--augment": None}, 2.0),
            trial(2, {"--lr": 0.05}, None),
        ]
        [lines] = figures.parallel_coordinates(drawable(spec(), trials), ()).data
        found = {each.label: each for each in lines.dimensions}
        assert list(found) == ["lr", "activation", "augment", "momentum", "loss"]
        assert list(found["lr"].values) == pytest.approx([-2, -1])
        assert list(found["activation"].ticktext) == ["relu", "<b>tanh", "None"]
        assert list(found["activation"].values) == [1, 2]
        assert list(found["augment"].values) == [1, 0]
        assert found["momentum"].ticktext[0] == "not set"
        assert list(found["momentum"].values) == [0.5, found["momentum"].tickvals[0]]
        assert list(lines.line.color) == [1, 0]

    def test_a_slice_leaves_out_who_lacks_the_parameter(self) -> None:
        trials = [trial(0, {"--momentum": 0.5}, 1.0), trial(1, {"--beta": 0.1}, 2.0)]
        [panel] = figures.slices(drawable(spec(), trials), ["momentum"]).data
        assert (list(panel.x), list(panel.y)) == ([0.5], [1.0])

    def test_a_contour_is_filled_between_trials(self) -> None:
        space = {"--x": ["uniform", [0, 1]], "--y": ["choice", [[1, 2]]]}
        trials = [trial(n, {"--x": n % 2, "--y": 1 + n // 2}, float(n)) for n in range(4)]
        surface = pairs.contour(drawable(spec(space), trials), "x", "y").data[0]
        assert [surface.z[0][0], surface.z[0][-1], surface.z[1][0], surface.z[1][-1]] == [0, 1, 2, 3]
        assert all(0 < each < 3 for row in surface.z for each in row[1:-1])

    def test_names_are_checked(self) -> None:
        found = drawable(spec(), drawn(3))
        with pytest.raises(
            UserErrorException, match=r"'--momentun' is no parameter of this sweep\. Did you mean mom"
        ):
            figures.slices(found, ["--momentun"])
        with pytest.raises(UserErrorException, match="are both 'lr'"):
            pairs.contour(found, "lr", "--lr")
        with pytest.raises(UserErrorException, match="'accuracy' is nothing that this sweep tunes for"):
            drawable(spec(), [], "accuracy")

    def test_text_of_others_is_no_html(self) -> None:
        figure = figures.slices(drawable(spec(), drawn(20)), ["activation"])
        assert list(figure.layout.xaxis.ticktext) == ["relu", "&lt;b&gt;tanh", "None"]
        assert "<b>tanh" not in "".join(figure.data[0].text)

    def test_plotly_that_is_missing_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "plotly", None)
        for make in FIGURES.values():
            with pytest.raises(UserErrorException, match=r"pip install 'faena\[charts\]'"):
                make(drawable(spec(), drawn(3)))


class TestImportance:
    def test_who_decides_comes_first_and_who_does_not_has_nothing(self) -> None:
        found = drawable(spec(), drawn(400))
        shares = importances(found.axes.values(), found.tried)
        assert list(shares)[:2] == ["lr", "augment"]
        assert shares["lr"] > 0.8
        assert 0.005 < shares["augment"] < 0.1
        assert all(share < 0.02 for name, share in shares.items() if name not in ("lr", "augment"))

    def test_one_that_diverged_does_not_decide(self) -> None:
        trials = [*drawn(400), trial(400, {**drawn(1)[0].parameters, "--batch": 16}, 1e300)]
        found = drawable(spec(), trials)
        assert next(iter(importances(found.axes.values(), found.tried))) == "lr"

    def test_chance_explains_next_to_nothing(self) -> None:
        """A mean of squares without a correction would give each ten bins of 30 trials a third."""
        space = {f"--p{number}": ["uniform", [0, 1]] for number in range(20)}
        trials = []
        for number in range(30):
            places = [math.modf(math.sin(number * 31 + place * 7919) * 1e4)[0] for place in range(21)]
            trials.append(
                trial(number, {f"--p{n}": abs(each) for n, each in enumerate(places[1:])}, places[0])
            )
        found = drawable(spec(space), trials)
        shares = importances(found.axes.values(), found.tried)
        assert sum(shares.values()) / len(shares) < 0.1

    def test_a_parameter_of_an_option_is_not_given_what_the_option_decides(self) -> None:
        trials = [
            trial(
                n,
                {"--opt": "sgd", "--momentum": n / 40} if n % 2 else {"--opt": "adam"},
                float(n % 2) + n / 1e6,
            )
            for n in range(40)
        ]
        found = drawable(spec(), trials)
        shares = importances(found.axes.values(), found.tried)
        assert shares["opt"] > 0.7
        assert shares["momentum"] < 0.3

    def test_says_nothing_of_too_few_or_of_equal_ones(self) -> None:
        few = drawable(spec(), drawn(3))
        equal = drawable(spec(), [trial(each.number, each.parameters, 1.0) for each in drawn(30)])
        for found in (few, equal):
            assert importances(found.axes.values(), found.tried) == {}
            [said] = [each.text for each in figures.importance(found).layout.annotations]
            assert "at least before this says something" in said


class TestFront:
    def test_nobody_is_better_than_who_is_on_it(self) -> None:
        of = spec(None, ACCURACY, LATENCY)
        values = [(0.9, 10.0), (0.8, 5.0), (0.7, 6.0), (0.9, 20.0), (None, 1.0)]
        trials = [trial(number, {"--lr": number}, *each) for number, each in enumerate(values)]
        assert numbers(front(of, [*trials, trial(9, {}, state="waiting")], dict)) == [0, 1]

    def test_who_breaks_a_condition_is_no_candidate(self) -> None:
        trials = [trial(n, {"--lr": n}, accuracy, 1.0) for n, accuracy in enumerate([0.9, 0.8, 0.7])]
        of = spec(None, ACCURACY, LATENCY, metric_constraints=("Accuracy < 0.9", "memory <= 10"))
        logged = {"s_0": {"memory": 1.0}, "s_1": {"memory": 11.0}, "s_2": {"memory": 10.0}}
        assert numbers(front(of, trials, lambda: logged)) == [2]
        assert front(of, trials, dict) == [], "not known is not fulfilled"

    def test_who_breaks_a_condition_is_shown_so(self) -> None:
        of = spec(None, ACCURACY, LATENCY, metric_constraints=("Accuracy < 0.9",))
        trials = [trial(n, {"--lr": n}, accuracy, 1.0) for n, accuracy in enumerate([0.9, 0.8, 0.7])]
        found = front_and_refused(of, trials, dict)
        assert found == ({1}, {0})
        figure = pairs.pareto(*two_objectives(of, trials, None, None), *found)
        assert [list(each.x) for each in figure.data] == [[0.7], [0.9], [0.8]]

    def test_repeats_are_compared_by_their_means(self) -> None:
        values = [(1.0, 1.0), (0.0, 1.0), (0.6, 1.0), (0.6, 1.0), (0.9, 1.0)]
        trials = [trial(n, {"--lr": n // 2}, *each) for n, each in enumerate(values)]
        assert numbers(front(spec(None, ACCURACY, LATENCY, repeats=2), trials, dict)) == [2, 3]

    def test_its_figure_sets_it_off(self) -> None:
        of = spec(None, ACCURACY, LATENCY)
        trials = [
            trial(n, {}, *each) for n, each in enumerate([(0.9, 10.0), (0.8, 5.0), (0.7, 6.0), (0.6, None)])
        ]
        others, against, on = pairs.pareto(*two_objectives(of, trials, None, None), {0, 1}).data
        assert len(against.x) == 0
        assert (list(others.x), list(others.y)) == ([0.7], [6.0])
        assert (list(on.x), list(on.y)) == ([0.9, 0.8], [10.0, 5.0])
        with pytest.raises(UserErrorException, match="tunes for 'loss' alone"):
            two_objectives(spec(None, LOSS), trials, None, None)
        across, up = two_objectives(of, trials, "latency", None)
        assert (across.metric, up.metric) == ("latency", "Accuracy")
        with pytest.raises(UserErrorException, match="x and y are both 'latency'"):
            two_objectives(of, trials, "latency", "latency")
