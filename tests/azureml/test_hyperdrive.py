"""v1's words of hyperparameter search: what they give, what they refuse, what they warn of."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from azureml.core import ScriptRunConfig
from azureml.exceptions import AzureMLException, NotCovered, TrainingException, UserErrorException
from azureml.train import hyperdrive
from azureml.train.estimator import Estimator
from azureml.train.hyperdrive import (
    BanditPolicy,
    BayesianParameterSampling,
    EarlyTerminationPolicy,
    GridParameterSampling,
    HyperDriveConfig,
    HyperDriveRunConfig,
    MedianStoppingPolicy,
    NoTerminationPolicy,
    PrimaryMetricGoal,
    RandomParameterSampling,
    TruncationSelectionPolicy,
    choice,
    lognormal,
    loguniform,
    normal,
    qlognormal,
    qloguniform,
    qnormal,
    quniform,
    randint,
    uniform,
)

import faena

NUMBERS_OF_NUMPY: list[Any] = [np.float32(0.5), np.int64(1)]
TEXT: Any = "text"
FRACTION: Any = 0.5


@pytest.fixture
def estimator(tmp_path: Path) -> Estimator:
    (tmp_path / "train.py").touch()
    return Estimator(
        tmp_path,
        compute_target="local",
        entry_script="train.py",
        script_params={"--lr": 1.0, "--epochs": 3},
        user_managed=True,
    )


def config_of(**settings: Any) -> HyperDriveConfig:
    given = {
        "hyperparameter_sampling": RandomParameterSampling({"--lr": uniform(0, 1)}),
        "primary_metric_name": "accuracy",
        "primary_metric_goal": PrimaryMetricGoal.MAXIMIZE,
        "max_total_runs": 8,
        **settings,
    }
    return HyperDriveConfig(**given)


class TestExpressions:
    @pytest.mark.parametrize(
        ("given", "wanted"),
        [
            (choice(1, 2), ["choice", [[1, 2]]]),
            (choice([1, 2]), ["choice", [[1, 2]]]),
            (choice(range(2, 5)), ["choice", [[2, 3, 4]]]),
            (choice("a"), ["choice", [["a"]]]),
            (choice(np.arange(3)), ["choice", [[0, 1, 2]]]),
            (choice(*np.arange(2)), ["choice", [[0, 1]]]),
            (randint(5), ["randint", [5]]),
            (uniform(0.1, 1), ["uniform", [0.1, 1]]),
            (uniform(*NUMBERS_OF_NUMPY), ["uniform", [0.5, 1]]),
            (quniform(0, 10, 2), ["quniform", [0, 10, 2]]),
            (loguniform(-6, -1), ["loguniform", [-6, -1]]),
            (qloguniform(0, 5, 1), ["qloguniform", [0, 5, 1]]),
            (normal(0, 1), ["normal", [0, 1]]),
            (qnormal(0, 1, 0.5), ["qnormal", [0, 1, 0.5]]),
            (lognormal(0, 1), ["lognormal", [0, 1]]),
            (qlognormal(0, 1, 1), ["qlognormal", [0, 1, 1]]),
        ],
    )
    def test_they_are_v1s_lists(self, given: object, wanted: object) -> None:
        assert given == wanted

    @pytest.mark.parametrize(
        ("make", "told"),
        [
            (lambda: choice(), r"choice\(\) has no options"),
            (lambda: uniform(2, 1), r"^uniform\(2, 1\) cannot be drawn from: min has to be below max"),
            (lambda: loguniform(1, 1), "min has to be below max"),
            (lambda: randint(0), r"randint\(0\) cannot be drawn from"),
            (lambda: normal(0, -1), "sigma has to be above 0"),
            (lambda: quniform(0, 1, 0), "q has to be above 0"),
            (lambda: uniform(TEXT, 1), "min of uniform is 'text'"),
        ],
    )
    def test_a_wrong_one_is_refused_where_it_is_written(self, make: Callable[[], object], told: str) -> None:
        with pytest.raises(AzureMLException, match=told) as raised:
            make()
        assert "Parameter" not in raised.value.message

    def test_submodules_have_the_same_names(self) -> None:
        for module in ("parameter_expressions", "policy", "run", "runconfig", "sampling"):
            inner = getattr(hyperdrive, module)
            for name in inner.__all__:
                assert getattr(inner, name) is getattr(hyperdrive, name)
        assert hyperdrive.runconfig.PrimaryMetricGoal is PrimaryMetricGoal


class TestConfig:
    def test_defaults_are_v1s(self, estimator: Estimator) -> None:
        config = config_of(estimator=estimator)
        assert config.spec.max_concurrent_runs == 8
        assert config.spec.max_duration_minutes == 10080
        assert isinstance(config.policy, NoTerminationPolicy)
        assert (config.primary_metric_name, config.primary_metric_goal) == (
            "accuracy",
            PrimaryMetricGoal.MAXIMIZE,
        )
        assert config.estimator is estimator
        assert config.source_directory == estimator.source_directory

    def test_exactly_one_thing_is_tuned(self, estimator: Estimator) -> None:
        script = ScriptRunConfig(estimator.source_directory, "train.py")
        assert config_of(run_config=script).run_config is script
        for both in (None, script):
            with pytest.raises(UserErrorException, match="either estimator or run_config"):
                config_of(estimator=both and estimator, run_config=both)
        with pytest.raises(UserErrorException, match="Use a ScriptRunConfig"):
            config_of(run_config=estimator)
        with pytest.raises(UserErrorException, match="Use an Estimator"):
            config_of(estimator=script)

    @pytest.mark.parametrize("goal", ["maximize", "MAXIMIZE", None])
    def test_a_goal_as_text_is_an_attribute_error(self, estimator: Estimator, goal: object) -> None:
        with pytest.raises(AttributeError, match=r"Use PrimaryMetricGoal\.MAXIMIZE"):
            config_of(estimator=estimator, primary_metric_goal=goal)

    def test_more_than_a_week_is_capped(self, estimator: Estimator) -> None:
        with pytest.warns(UserWarning, match="max_duration_minutes is 20000; 10080") as warned:
            config = config_of(estimator=estimator, max_duration_minutes=20000)
        assert [each.filename for each in warned] == [__file__]
        assert config.spec.max_duration_minutes == 10080

    @pytest.mark.parametrize(
        ("given", "told"),
        [
            ({"max_total_runs": 0}, "max_total_runs is 0"),
            ({"max_total_runs": "8"}, "max_total_runs is '8'. Use a whole number"),
            ({"max_total_runs": None}, "max_total_runs is None"),
            ({"max_concurrent_runs": 0}, "max_concurrent_runs is 0"),
            ({"max_concurrent_runs": 2.5}, "max_concurrent_runs is 2.5"),
            ({"max_duration_minutes": "long"}, "max_duration_minutes is 'long'. Use a number"),
            ({"max_duration_minutes": 0}, "max_duration_minutes is 0"),
            ({"primary_metric_name": ""}, "primary_metric_name"),
            ({"primary_metric_name": None}, "primary_metric_name is None"),
            ({"policy": "bandit"}, "policy is 'bandit'"),
            ({"hyperparameter_sampling": {"--lr": [1]}}, "hyperparameter_sampling is"),
        ],
    )
    def test_what_cannot_be_meant_is_named(
        self, estimator: Estimator, given: dict[str, Any], told: str
    ) -> None:
        with pytest.raises(UserErrorException, match=told):
            config_of(estimator=estimator, **given)

    def test_numbers_of_numpy_are_numbers(self, estimator: Estimator) -> None:
        config = config_of(estimator=estimator, max_total_runs=np.int64(4), max_concurrent_runs=np.int32(2))
        assert (config.spec.max_total_runs, config.spec.max_concurrent_runs) == (4, 2)

    def test_sampled_parameters_are_taken_out_of_the_scripts(self, estimator: Estimator) -> None:
        config = config_of(estimator=estimator)
        with pytest.warns(UserWarning, match="--lr"):
            asked = config.submission(experiment="e", snapshot="0" * 64, git=None, tags={}, user="me")
        assert asked.arguments == ("--epochs", "3")

    @pytest.mark.parametrize("name", ["pipeline", "custom_run_id"])
    def test_what_is_not_covered_says_so(self, estimator: Estimator, name: str) -> None:
        with pytest.raises(NotCovered, match=rf"HyperDriveConfig\.{name} is not covered"):
            config_of(estimator=estimator, **{name: "x"})

    def test_trials_that_fail_end_no_sweep_unless_that_is_asked_for(self, estimator: Estimator) -> None:
        assert not config_of(estimator=estimator).spec.fail_fast
        assert config_of(estimator=estimator, fail_fast=True).spec.fail_fast

    def test_what_faena_has_beyond_v1_can_be_given_too(self, estimator: Estimator) -> None:
        sampling = GridParameterSampling({"--a": choice(1, 2)}, constraints="a < 2")
        config = config_of(hyperparameter_sampling=sampling, estimator=estimator, patience=3)
        assert (config.spec.patience, config.spec.constraints) == (3, ("a < 2",))
        with pytest.raises(TypeError, match="fast_fail"):
            config_of(estimator=estimator, fast_fail=False)

    def test_the_older_name_is_deprecated(self, estimator: Estimator) -> None:
        with pytest.warns(DeprecationWarning, match="HyperDriveConfig"):
            config = HyperDriveRunConfig(
                estimator,
                RandomParameterSampling({"lr": uniform(0, 1)}),
                "loss",
                PrimaryMetricGoal.MINIMIZE,
                4,
                policy=BanditPolicy(slack_amount=0.1),
            )
        assert isinstance(config, HyperDriveConfig)
        assert config.spec.objectives[0].goal == "minimize"


class TestSamplings:
    def test_a_grid_is_of_choices(self) -> None:
        assert GridParameterSampling({"--a": choice(1, 2)}).parameter_space == {"--a": ["choice", [[1, 2]]]}
        with pytest.raises(UserErrorException, match="--a"):
            GridParameterSampling({"--a": uniform(0, 1)})

    @pytest.mark.parametrize("expression", [loguniform(-1, 0), normal(0, 1), randint(4), qnormal(0, 1, 1)])
    def test_bayesian_refuses_what_v1_refused(self, expression: list[Any]) -> None:
        with pytest.raises(UserErrorException, match=f"'--a': .* not {expression[0]}"):
            BayesianParameterSampling({"--b": choice(1, 2), "--a": expression})
        assert faena.BayesianParameterSampling({"--a": expression})

    def test_bayesian_has_no_policy(self, estimator: Estimator) -> None:
        sampling = BayesianParameterSampling({"--a": uniform(0, 1)})
        with pytest.raises(UserErrorException, match="MedianStoppingPolicy cannot be used"):
            config_of(
                hyperparameter_sampling=sampling,
                estimator=estimator,
                max_total_runs=20,
                policy=MedianStoppingPolicy(),
            )
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            config_of(
                hyperparameter_sampling=sampling,
                estimator=estimator,
                max_total_runs=20,
                policy=NoTerminationPolicy(),
            )

    def test_bayesian_warns_of_few_runs_and_of_many_at_once(self, estimator: Estimator) -> None:
        sampling = BayesianParameterSampling({"--a": uniform(0, 1), "--b": choice(1, 2)})
        with pytest.warns(UserWarning, match="max_total_runs is 39.* best with 40"):
            config_of(
                hyperparameter_sampling=sampling,
                estimator=estimator,
                max_total_runs=39,
                max_concurrent_runs=20,
            )
        with pytest.warns(UserWarning, match="max_concurrent_runs is 21"):
            config_of(
                hyperparameter_sampling=sampling,
                estimator=estimator,
                max_total_runs=40,
                max_concurrent_runs=21,
            )


class TestPolicies:
    def test_exactly_one_slack(self) -> None:
        assert BanditPolicy(2, 0.1, None, 5).delay_evaluation == 5
        for amount in (None, 0.1):
            with pytest.raises(TrainingException, match="either slack_factor or slack_amount"):
                BanditPolicy(slack_factor=amount, slack_amount=amount)

    @pytest.mark.parametrize(
        "make",
        [
            lambda: BanditPolicy(evaluation_interval=TEXT, slack_factor=0.1),
            lambda: MedianStoppingPolicy(delay_evaluation=FRACTION),
            lambda: TruncationSelectionPolicy(20, evaluation_interval=FRACTION),
        ],
    )
    def test_intervals_are_whole_numbers(self, make: Callable[[], object]) -> None:
        with pytest.raises(ValueError, match="Use a whole number"):
            make()

    @pytest.mark.parametrize("percentage", [0, 100, 10.5])
    def test_a_percentage_is_1_to_99(self, percentage: Any) -> None:
        with pytest.raises(AzureMLException, match="truncation_percentage"):
            TruncationSelectionPolicy(percentage)

    @pytest.mark.parametrize(
        "policy",
        [
            NoTerminationPolicy(),
            BanditPolicy(2, 0.1, delay_evaluation=5),
            BanditPolicy(slack_amount=0.5),
            MedianStoppingPolicy(delay_evaluation=5),
            TruncationSelectionPolicy(20, 2, 5, exclude_finished_jobs=True),
        ],
    )
    def test_what_is_printed_makes_it_again(self, policy: EarlyTerminationPolicy) -> None:
        assert eval(repr(policy)).policy == policy.policy


def test_a_configuration_prints_what_it_searches(estimator: Estimator) -> None:
    assert repr(
        config_of(estimator=estimator, policy=BanditPolicy(slack_factor=0.1), max_concurrent_runs=2)
    ) == (
        "HyperDriveConfig(RandomParameterSampling({'--lr': ['uniform', [0, 1]]}), 'accuracy', "
        "PrimaryMetricGoal.MAXIMIZE, max_total_runs=8, max_concurrent_runs=2, policy=BanditPolicy(slack_factor=0.1))"
    )
