"""Loggers for other libraries' training loops, with the libraries where they are quick to have."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import faena.extensions
from faena import Experiment, Workspace
from faena.environments.model import EnvironmentSpec
from faena.environments.prepare import prepare
from tests.script.conftest import RunHere

CHAINER = """
import chainer, chainer.links as L, numpy as np
from chainer import training
from chainer.training import extensions
from faena.extensions import FaenaReport

data = chainer.datasets.TupleDataset(np.ones((40, 3), np.float32), np.arange(40, dtype=np.int32) % 2)
model = L.Classifier(L.Linear(3, 2))
optimizer = chainer.optimizers.SGD()
optimizer.setup(model)

def train(epochs, resume=False):
    batches = chainer.iterators.SerialIterator(data, 10)
    trainer = training.Trainer(training.StandardUpdater(batches, optimizer), (epochs, "epoch"), out="out")
    test = chainer.iterators.SerialIterator(data, 10, repeat=False, shuffle=False)
    trainer.extend(extensions.Evaluator(test, model))
    trainer.extend(FaenaReport())
    trainer.extend(FaenaReport(keys=["main/loss"], trigger=(3, "iteration")), name="often")
    trainer.extend(extensions.LogReport())
    trainer.extend(extensions.snapshot(filename="snapshot"), trigger=(1, "epoch"))
    if resume:
        chainer.serializers.load_npz("out/snapshot", trainer)
    trainer.run()
    return trainer.get_extension("LogReport").log

train(2)
print([entry["main/accuracy"] for entry in train(3, resume=True)])
"""

SEARCH = """
from sklearn.experimental import enable_halving_search_cv
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV
from sklearn.svm import SVC
from sklearn.datasets import make_classification
from faena.extensions import log_search

x, y = make_classification(90, random_state=0)
try:
    log_search(GridSearchCV(SVC(), {}))
except Exception as error:
    print(type(error).__name__, error)
grid = [{"C": [1, 10]}, {"kernel": ["linear"], "gamma": ["scale", 0.5]}]
log_search(GridSearchCV(SVC(), grid, cv=3, scoring=["accuracy", "f1"], refit=False).fit(x, y))
log_search(HalvingGridSearchCV(SVC(), {"C": [1, 10]}, cv=3, random_state=0).fit(x, y))
"""


@pytest.fixture
def environment(tmp_path: Path) -> Callable[[str], RunHere]:
    def make(framework: str) -> RunHere:
        (tmp_path / "spool").mkdir()
        python = prepare(EnvironmentSpec(framework=framework), print).python
        return RunHere(str(python), tmp_path, {"PYTHONWARNINGS": "ignore"})

    return make


@pytest.mark.long
def test_chainers_trainer_logs_means_at_its_trigger_and_goes_on_from_a_snapshot(
    environment: Callable[[str], RunHere],
) -> None:
    here = environment("chainer")
    out, _ = here.run(CHAINER)
    points = here.spool().points
    logged = {step: value for value, step in points["main/accuracy"]}
    assert list(logged.values()) == pytest.approx(eval(out), abs=1e-6), "as LogReport has them"
    assert list(logged) == [4, 8, 12]
    assert [step for _, step in points["validation/main/loss"]] == [4, 8, 12]
    assert sorted(step for _, step in points["main/loss"] if step) == [3, 4, 6, 8, 9, 12, 12]
    assert (3, 12) in points["epoch"]


@pytest.mark.long
def test_searches_of_scikit_learn_are_rows_scores_and_best_parameters(
    environment: Callable[[str], RunHere],
) -> None:
    here = environment("sklearn")
    out, _ = here.run(SEARCH)
    assert out == "UserErrorException GridSearchCV has no cv_results_: call its fit first.\n"
    spool = here.spool()
    rows = [event["columns"] for event in spool.events if event["op"] == "row"]
    asked = [(row["param_C"], row.get("param_kernel"), row.get("param_gamma")) for row in rows]
    assert asked == [(1, None, None), (10, None, None), (None, "linear", "scale"), (None, "linear", 0.5)] + [
        (1, None, None),
        (10, None, None),
    ] * (len(rows) // 2 - 2) + ([(10, None, None)] if len(rows) % 2 else [])
    assert [step for _, step in spool.points["mean_test_f1"]] == [0, 1, 2, 3]
    assert len(spool.points["best_score"]) == 1, "a search without refit has no best one"
    tags = {event["key"]: event["value"] for event in spool.events if event["op"] == "tag"}
    assert tags in ({"best_C": "1"}, {"best_C": "10"})


@pytest.mark.long
def test_each_combination_can_be_a_child_of_a_run_of_ones_own(common_workspace: Workspace) -> None:
    found = {"params": [{"C": 1}, {"C": 10}], "mean_test_score": [0.5, 0.75], "rank_test_score": [2, 1]}
    search = SimpleNamespace(cv_results_=found, best_score_=0.75, best_params_={"C": 10})
    log_search: Any = faena.extensions.log_search
    with Experiment(common_workspace, "search").start_logging(outputs=None, snapshot_directory=None) as run:
        log_search(search, run, children=True)
    metrics = run.get_metrics()
    assert metrics["candidates"]["param_C"] == [1, 10]
    assert (metrics["mean_test_score"], metrics["best_score"]) == ([0.5, 0.75], 0.75)
    assert run.get_tags() == {"best_C": "10"}
    children = {child.get_tags()["C"]: child for child in run.get_children()}
    assert children["10"].get_metrics() == {"mean_test_score": 0.75, "rank_test_score": 1}
    assert {child.get_status() for child in children.values()} == {"Completed"}


class Recorded:
    """What a run of the user's own was given."""

    def __init__(self) -> None:
        self.points: list[tuple[str, float, int | None]] = []

    def log(self, name: str, value: float, step: int | None = None) -> None:
        self.points.append((name, value, step))


def test_lightgbm_hands_its_evaluations_to_the_callback() -> None:
    run = Recorded()
    report: Any = faena.extensions.LightGBMReport
    found = [("training", "l2", 0.5, False), ("cv_agg", "valid l2", 0.25, False, 0.125)]
    report(run)(SimpleNamespace(iteration=3, evaluation_result_list=found))
    report(run)(SimpleNamespace(iteration=4, evaluation_result_list=None))
    assert run.points == [
        ("training-l2", 0.5, 3),
        ("cv_agg-valid l2-mean", 0.25, 3),
        ("cv_agg-valid l2-stdv", 0.125, 3),
    ]


def module(name: str, **members: Any) -> ModuleType:
    made = ModuleType(name)
    made.__dict__.update(members)
    return made


def test_xgboost_and_keras_are_subclasses_of_what_the_script_has_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base = type("Base", (), {})
    monkeypatch.setitem(sys.modules, "xgboost", module("xgboost"))
    monkeypatch.setitem(sys.modules, "xgboost.callback", module("xgboost.callback", TrainingCallback=base))
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    callbacks = module("callbacks", Callback=base)
    monkeypatch.setitem(
        sys.modules, "tensorflow", module("tensorflow", keras=module("k", callbacks=callbacks))
    )
    for name in ("xgboost_training", "keras_training"):
        monkeypatch.delitem(sys.modules, f"faena.script.extensions.{name}", raising=False)
    xgboost: Any = faena.extensions.XGBoostReport
    keras: Any = faena.extensions.KerasReport
    assert issubclass(xgboost, base) and issubclass(keras, base)
    run = Recorded()
    boosted = {"train": {"rmse": [3.0, 2.0]}, "test": {"rmse": [(4.0, 0.5)]}}
    assert xgboost(run).after_iteration(None, 1, boosted) is False, "it goes on"
    keras(run).on_epoch_end(0, {"loss": 1.5, "note": "text"})
    assert run.points == [
        ("train-rmse", 2.0, 1),
        ("test-rmse-mean", 4.0, 1),
        ("test-rmse-stdv", 0.5, 1),
        ("loss", 1.5, 0),
    ]
    before_1_3 = [("train-rmse", 1.0), ("test-rmse", 2.0, 0.25)]
    xgboost(run)(SimpleNamespace(iteration=2, evaluation_result_list=before_1_3))
    assert run.points[4:] == [
        ("train-rmse", 1.0, 2),
        ("test-rmse-mean", 2.0, 2),
        ("test-rmse-stdv", 0.25, 2),
    ]
    for name in ("xgboost_training", "keras_training"):
        sys.modules.pop(f"faena.script.extensions.{name}", None)


def test_a_name_that_there_is_not_is_told() -> None:
    with pytest.raises(AttributeError, match=r"has no 'TorchReport'\. There are: FaenaReport, "):
        faena.extensions.TorchReport  # noqa: B018  # asking for the name is what raises
