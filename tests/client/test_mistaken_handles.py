"""What is given in the place of a handle, and handles in the place of text, are refused with what to give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faena import (
    Dataset,
    Datastore,
    Environment,
    Estimator,
    Experiment,
    Model,
    Run,
    ScriptRunConfig,
    Workspace,
)
from faena.client.compute.cluster import Cluster
from faena.client.data.file_dataset import FileDataset
from faena.client.submission.run_configuration import RunConfiguration
from faena.kernel.errors import UserErrorException


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


@pytest.fixture
def dataset(workspace: Workspace, tmp_path: Path) -> FileDataset:
    (tmp_path / "a.csv").write_text("a")
    return Dataset.File.from_files(str(tmp_path / "a.csv"), workspace=workspace)


TAKE_A_WORKSPACE: list[Callable[[Any], object]] = [
    lambda given: Experiment(given, "e"),
    lambda given: Model(given, "m"),
    lambda given: Model.list(given),
    lambda given: Model.register(given, ".", "m"),
    lambda given: Run.get(given, "r"),
    lambda given: Dataset.get_by_name(given, "d"),
    lambda given: Dataset.get_by_id(given, "d"),
    lambda given: Dataset.get_all(given),
    lambda given: Datastore.get(given, "d"),
    lambda given: Environment.get(given, "e"),
    lambda given: Environment.list(given),
    lambda given: Environment("e").register(given),
    lambda given: Cluster(given, "c"),
    lambda given: Cluster.create(given, "c"),
]


@pytest.mark.parametrize("take", TAKE_A_WORKSPACE)
@pytest.mark.parametrize("given", ["my-ws", None])
def test_what_is_no_workspace(take: Callable[[Any], object], given: Any) -> None:
    with pytest.raises(UserErrorException, match=rf"^{given!r} is no workspace. Give an opened one"):
        take(given)


def test_a_run_of_what_is_no_experiment() -> None:
    given: Any = "my-experiment"
    with pytest.raises(UserErrorException, match=r"'my-experiment' is no experiment\. Give Experiment"):
        Run(given, "r")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"source_directory": None}, "source_directory is None"),
        ({"environment": "mine"}, "environment is 'mine', which is no Environment: Environment.get"),
        ({"run_config": "mine"}, "run_config is 'mine', which is no RunConfiguration"),
    ],
)
def test_a_description_of_the_wrong_parts(options: dict[str, Any], told: str) -> None:
    with pytest.raises(UserErrorException, match=told):
        ScriptRunConfig(**{"source_directory": ".", "script": "t.py", **options})


def submit(workspace: Workspace, folder: Path, **options: Any) -> list[str]:
    """The arguments as they were sent."""
    (folder / "t.py").touch()
    config = ScriptRunConfig(folder, "t.py", **options)
    config.run_config.environment.python.user_managed_dependencies = True
    sent = config.submission(experiment="e", snapshot="0" * 64, git=None, tags={}, user="u")
    return list(sent.arguments)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"arguments": {"--epochs": 3}}, r"arguments is {'--epochs': 3}. Use a list"),
        ({"compute_target": 3}, "The compute target is 3. Give a cluster or its name"),
        ({"arguments": ["$AZUREML_DATAREFERENCE_mnist"]}, "a data reference that the run does not have"),
        ({"arguments": ["--model", RunConfiguration()]}, "is a RunConfiguration"),
    ],
)
def test_a_submission_of_the_wrong_parts(
    workspace: Workspace, tmp_path: Path, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(UserErrorException, match=told):
        submit(workspace, tmp_path, **options)


def test_handles_are_no_text_for_a_script(workspace: Workspace, tmp_path: Path, dataset: FileDataset) -> None:
    with pytest.raises(UserErrorException, match=r"FileDataset. Name the dataset: dataset.as_named_input"):
        submit(workspace, tmp_path, arguments=["--data", dataset])
    (tmp_path / "net.bin").touch()
    model = Model.register(workspace, tmp_path / "net.bin", "mistaken")
    with pytest.raises(UserErrorException, match=r"is a Model. Give its id, such as model.id"):
        submit(workspace, tmp_path, arguments=["--model", model])


def test_the_text_of_a_reference_that_the_run_has_is_its_path(workspace: Workspace, tmp_path: Path) -> None:
    reference = Datastore.get_default(workspace).path("mnist")
    config = RunConfiguration()
    config.data_references = {"any": reference.to_config()}
    assert submit(workspace, tmp_path, arguments=[str(reference)], run_config=config) == [str(reference)]


@pytest.mark.parametrize("unnamed", [True, False])
def test_inputs_that_no_node_can_bring(dataset: FileDataset, unnamed: bool) -> None:
    inputs: Any = [dataset] if unnamed else [1]
    told = "Name the dataset" if unnamed else "inputs holds 1"
    with pytest.raises(UserErrorException, match=told):
        Estimator(entry_script="t.py", compute_target="local", inputs=inputs)
    alone: Any = dataset.as_named_input("d")
    with pytest.raises(UserErrorException, match="Use a list of inputs"):
        Estimator(entry_script="t.py", compute_target="local", inputs=alone)


@pytest.mark.parametrize("make", [Environment.from_conda_specification, Environment.from_pip_requirements])
def test_an_environment_of_no_file(make: Any) -> None:
    with pytest.raises(UserErrorException, match="file_path is None"):
        make("mine", None)
