"""The v1 names in scripts: the whole of them where the run's interpreter can load Faena's client from the host."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import msgspec
import pytest
from azureml.core import Experiment, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget

import faena_azureml
from faena import Estimator
from faena.client.runs.run import Run
from tests.script.conftest import RunHere, find_interpreter

NAMES = str(Path(faena_azureml.__file__).parents[1])


@pytest.fixture
def client_needs(tmp_path: Path) -> Path:
    """A folder with what Faena's client needs, and nothing else: as in an environment that azureml-* was asked for."""
    folder = tmp_path / "site"
    folder.mkdir()
    found = Path(str(msgspec.__file__)).parent
    (folder / found.name).symlink_to(found)
    return folder


def bare_python() -> str:
    """This version of Python with no packages."""
    found = find_interpreter(f"{sys.version_info.major}.{sys.version_info.minor}")
    assert found is not None
    return found


def submit(ws: Workspace, script: str, folder: Path, **variables: str) -> Run:
    """Run the script with a bare interpreter, to its end."""
    folder.mkdir()
    (folder / "train.py").write_text(textwrap.dedent(script))
    target = ComputeTarget.create(ws, "cpu", AmlCompute.provisioning_configuration(max_nodes=1))
    estimator = Estimator(
        folder,
        compute_target=target,
        entry_script="train.py",
        interpreter=bare_python(),
        environment_variables=variables,
    )
    run = Experiment(ws, "names").submit(estimator)
    run.wait_for_completion()
    return run


@pytest.mark.long
def test_a_script_reaches_its_own_workspace(ws: Workspace, client_needs: Path, tmp_path: Path) -> None:
    run = submit(
        ws,
        """
        import sys
        from azureml.core import Experiment, Run, VERSION, Workspace
        from azureml.core.compute import AmlCompute
        from azureml.exceptions import AzureMLException
        run = Run.get_context()
        ws = run.experiment.workspace
        assert type(ws) is Workspace, type(ws)
        assert ws.id == Workspace.from_config().id == Workspace.get(ws.name).id
        run.tag("resource_group", ws.resource_group)
        assert type(ws.compute_targets["cpu"]) is AmlCompute
        assert [found.id for found in run.experiment.get_runs()] == [run.id]
        assert Run(Experiment(ws, "names"), run.id).get_status() == "Running"
        try:
            import azureml.pipeline
        except AzureMLException as error:
            assert "not covered" in error.message
        else:
            raise AssertionError
        assert "faena.server" not in sys.modules and "numpy" not in sys.modules
        """,
        tmp_path / "source",
        PYTHONPATH=str(client_needs),
    )
    assert run.get_tags() == {"resource_group": "rg-1"}


@pytest.mark.long
def test_a_script_without_what_that_needs_has_proxies(ws: Workspace, tmp_path: Path) -> None:
    run = submit(
        ws,
        """
        import sys
        from azureml.core import Dataset, Experiment, Run, Workspace
        from faena.script.run import Run as Native
        run = Run.get_context()
        assert type(run) is Native and "faena.script.proxies.session" not in sys.modules
        ws = run.experiment.workspace
        assert isinstance(ws, Workspace) and ws.id == Workspace.from_config().id
        assert [found.id for found in run.experiment.get_runs()] == [run.id]
        assert Run(Experiment(ws, "names"), run.id).get_status() == "Running"
        assert Dataset.get_all(ws) == {} and "msgspec" not in sys.modules
        run.tag("resource_group", ws.resource_group)
        """,
        tmp_path / "source",
    )
    assert run.get_tags() == {"resource_group": "rg-1"}


@pytest.mark.parametrize("here", ["oldest", "3.11"], indirect=True)
def test_an_older_interpreter_has_run_alone(here: RunHere, client_needs: Path) -> None:
    here.extra = {"PYTHONPATH": f"{here.pythonpath}:{client_needs}", "FAENA_AZUREML": NAMES}
    out, _ = here.run("from azureml.core.run import Run; print(hasattr(Run, 'list_by_compute'))")
    assert out.split() == [str(here.loads_client)]


def test_one_installed_in_the_environment_wins(here: RunHere, client_needs: Path) -> None:
    (here.folder / "real" / "azureml" / "core").mkdir(parents=True)
    (here.folder / "real" / "azureml" / "__init__.py").touch()
    (here.folder / "real" / "azureml" / "core" / "__init__.py").write_text("Run = 'real'\n")
    here.extra = {
        "PYTHONPATH": f"{here.pythonpath}:{client_needs}:{here.folder / 'real'}",
        "FAENA_AZUREML": NAMES,
    }
    out, _ = here.run("from azureml.core import Run; print(Run)")
    assert out.split() == ["real"]


@pytest.mark.long
def test_a_list_with_v1s_packages_brings_what_the_names_need(ws: Workspace, tmp_path: Path) -> None:
    """Needs the package registry."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "train.py").write_text(
        textwrap.dedent(
            """
            from azureml.core import Dataset, Datastore, Environment, Model, Run, ScriptRunConfig, Workspace
            ws = Run.get_context().experiment.workspace
            assert type(ws) is Workspace
            store = ws.get_default_datastore()
            with open("made.txt", "w") as file:
                file.write("in the script")
            store.upload_files(["made.txt"], target_path="made", show_progress=False)
            found = Dataset.File.from_files((store, "made/*.txt")).register(ws, "made")
            assert Dataset.get_by_name(ws, "made").version == found.version == 1
            """
        )
    )
    estimator = Estimator(
        folder,
        compute_target=ComputeTarget.create(ws, "cpu", AmlCompute.provisioning_configuration(max_nodes=1)),
        entry_script="train.py",
        pip_packages=["azureml-sdk==1.0.65.*", "azureml-dataprep[pandas]"],
    )
    Experiment(ws, "names").submit(estimator).wait_for_completion()
    assert list(ws.datasets) == ["made"]


@pytest.mark.long
def test_a_script_that_finds_no_server_has_the_hosts_interpreter_start_one(
    ws: Workspace, client_needs: Path, tmp_path: Path
) -> None:
    run = submit(
        ws,
        """
        import os
        from azureml.core import Run
        from faena.kernel.discovery import Rendezvous, is_held
        from faena.testing.waiting import until
        ws = Run.get_context().experiment.workspace
        ws.api.stop()
        rendezvous = Rendezvous(ws.files.path)
        process = rendezvous.start_server()
        until(lambda: process.ended() is not None or is_held(rendezvous.election), "there is a server")
        assert list(ws.compute_targets) == ["cpu"]
        """,
        tmp_path / "source",
        PYTHONPATH=str(client_needs),
    )
    assert run.get_status() == "Completed"
    assert "No module named" not in (ws.files.path / "server.log").read_text()
