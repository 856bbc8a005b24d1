"""Models in training scripts, and where a model came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena import Model, Workspace
from tests.journeys.scripts import Project
from tests.script.conftest import find_interpreter


@pytest.fixture
def workspace(lasting_workspace: Workspace) -> Workspace:
    return lasting_workspace


def test_a_script_gets_the_path_of_a_model(project: Project, tmp_path: Path) -> None:
    weights = tmp_path / "model.npz"
    weights.write_bytes(b"weights")
    Model.register(project.workspace, weights, "net")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.bin").write_bytes(b"a")
    Model.register(project.workspace, tmp_path / "folder", "net").set_alias("champion")
    run = project.run("""
        import os, stat
        from azureml.core import Run
        from azureml.core.model import Model
        here = os.path.join(os.getcwd(), "azureml-models", "net")
        first = Model.get_model_path("net", version=1)
        assert first == os.path.join(here, "1", "model.npz"), first
        assert open(first, "rb").read() == b"weights"
        assert stat.S_IMODE(os.stat(first).st_mode) == 0o444 and os.stat(first).st_nlink == 1
        latest = Model.get_model_path(model_name="net")
        assert latest == os.path.join(here, "2", "folder") and os.listdir(latest) == ["a.bin"]
        assert Model.get_model_path("net@champion") == latest
        assert Model.get_model_path("net", 1) == first and sorted(os.listdir(here)) == ["1", "2"]
        for name, version in (("none", None), ("net", 3), ("../net", None), ("net@old", None)):
            try:
                Model.get_model_path(name, version)
            except Exception as error:
                print(type(error).__name__, error)
            else:
                raise AssertionError(name)
    """)
    (log,) = [name for name in run.get_file_names() if "driver" in name]
    run.download_file(log, tmp_path / "log")
    said = (tmp_path / "log").read_text().splitlines()
    assert run.get_status() == "Completed", said
    assert said[0].startswith("ModelNotFoundException ModelNotFound: Model with name none not found")
    assert said[1].startswith("ModelNotFoundException ModelNotFound: Model with name net:3 not found")
    assert said[2].startswith("UserErrorException '../net' is not a model name")
    assert said[3].endswith("Its aliases are champion (version 2).")


@pytest.mark.long
def test_with_nothing_installed_on_the_oldest_python(project: Project, tmp_path: Path) -> None:
    python = find_interpreter("oldest")
    if python is None:
        pytest.skip("there is no Python that old")
    (tmp_path / "m").write_bytes(b"m")
    Model.register(project.workspace, tmp_path / "m", "plain")
    run = project.run(
        """
        from azureml.core.model import Model
        from azureml.core import Model as Same
        assert Same is Model
        assert open(Model.get_model_path("plain"), "rb").read() == b"m"
        """,
        interpreter=python,
    )
    assert run.get_status() == "Completed", run.refresh().error


def test_lineage_from_model_to_run_to_snapshot_environment_and_data(
    project: Project, workspace: Workspace
) -> None:
    run = project.run("""
        from faena import Run
        run = Run.get_context()
        open("outputs/model.bin", "wb").write(b"x")
        model = run.register_model(
            "inside", "outputs/model.bin", tags={"a": "b"}, model_framework="Chainer",
            model_framework_version="7.8.1", datasets=[("training", "dataset-1")],
        )
        assert model.version == 1
        try:
            run.register_model("inside", "outputs/model.bin", model_framework_version="7.8.1")
        except Exception as error:
            assert type(error).__name__ == "WebserviceException", error
        else:
            raise AssertionError
    """)
    assert run.get_status() == "Completed", run.refresh().error
    inside = Model(workspace, "inside")
    assert (inside.model_framework, inside.model_framework_version) == ("Chainer", "7.8.1")
    assert (inside.datasets, inside.tags) == ({"training": ["dataset-1"]}, {"a": "b"})
    outside = run.register_model(
        "outside", "outputs/model.bin", model_framework="ONNX", datasets=[("training", "dataset-2")]
    )
    assert (outside.model_framework, outside.datasets) == ("ONNX", {"training": ["dataset-2"]})
    for model in (inside, outside):
        assert model.run is not None
        assert (model.run_id, model.run.id, model.experiment_name) == (run.id, run.id, "exp")
        view = run.refresh()
        details = model.serialize()["runDetails"]
        assert (details["run_id"], details["snapshot"], details["lock"]) == (run.id, view.snapshot, view.lock)
        assert (details["script"], details["inputs"]) == ("train.py", ())
    assert [model.id for model in Model.list(workspace, run_id=run.id)] == ["inside:1", "outside:1"]
    inside.delete()
    assert "outputs/model.bin" in run.get_file_names()
