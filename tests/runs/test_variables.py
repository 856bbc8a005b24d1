"""The environment variables of a run: what is passed on, given, refused, shown."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from faena import Environment, Experiment, Workspace
from faena.cli.script_options import _variables
from faena.client.runs.run import Run
from faena.client.submission.script_run_config import ScriptRunConfig
from faena.kernel.errors import FaenaError, UserErrorException
from faena.runs import variables
from faena.runs.submission_schemas import Submission
from tests.journeys.scripts import Project

PRINT = """
    import json, os
    json.dump(dict(os.environ), open("outputs/variables.json", "w"))
"""


@pytest.fixture
def workspace(lasting_workspace: Workspace) -> Workspace:
    return lasting_workspace


def seen_by(run: Run) -> dict[str, str]:
    assert run.get_status() == "Completed", run.refresh().error
    with run.experiment.workspace.api.open_file(run.id, "outputs/variables.json") as parts:
        found: dict[str, str] = json.loads(b"".join(parts))
    return found


@pytest.mark.long
def test_a_script_sees_its_submitters_and_nobody_elses(
    own_workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(own_workspace, tmp_path / "source")
    monkeypatch.setenv("SECRET_OF_WHO_STARTED_THE_SERVER", "x")
    monkeypatch.setenv("LC_TIME", "first")
    project.run("print(1)")  # the server and a node are there now, with these
    monkeypatch.setenv("LC_TIME", "second")
    monkeypatch.setenv("https_proxy", "http://me:pass@proxy:3128")
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    run = project.run(PRINT, environment_variables={"GIVEN": "g", "HOME": "/given"})
    seen = seen_by(run)
    assert (seen["LC_TIME"], seen["GIVEN"], seen["HOME"]) == ("second", "g", "/given")
    assert seen["https_proxy"] == "http://me:pass@proxy:3128"
    assert not {"SECRET_OF_WHO_STARTED_THE_SERVER", "MPLBACKEND"} & set(seen)
    assert "/nowhere" not in seen["PYTHONPATH"]
    known = variables.PASSED_ON | {"GIVEN", "TERM", "PYTHONUNBUFFERED", "PYTHONPATH", "CHAINER_DATASET_ROOT"}
    prefixes = (*variables.PASSED_ON_PREFIXES, "FAENA_", "AZUREML_")
    rest = {name for name in seen if name not in known and not name.startswith(prefixes)}
    assert rest - {"LC_CTYPE"} == {f"{name}_NUM_THREADS" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")}

    monkeypatch.setenv("LC_TIME", "third")
    again = project.workspace.get_run(run.rerun().id)
    again.wait_for_completion()
    assert seen_by(again)["LC_TIME"] == "second"

    shown = run.get_details()["runDefinition"]["environment"]
    assert shown["environmentVariables"] == {"GIVEN": "g", "HOME": "/given"}
    assert shown["inheritedVariables"]["https_proxy"] == "http://***@proxy:3128"
    run.export(tmp_path / "exported")
    assert "pass@" not in (tmp_path / "exported" / "run.json").read_text()
    assert own_workspace.import_run(tmp_path / "exported").id == run.id
    assert run.refresh().inherited_variables["LC_TIME"] == "second"
    assert run.get_environment().environment_variables == {"GIVEN": "g", "HOME": "/given"}
    assert "pass@" in own_workspace.api.records.submission(run.id).inherited_variables["https_proxy"]

    address = urlsplit(own_workspace.api.gateway.open().url)
    token = (own_workspace.folder / ".faena" / "token").read_text().strip()
    asked = Request(
        f"http://{address.netloc}/runs/{run.id}/submission", headers={"Authorization": f"Bearer {token}"}
    )
    with build_opener(ProxyHandler({})).open(asked) as answer:
        told = json.load(answer)
    assert told["inherited_variables"]["https_proxy"] == "http://***@proxy:3128"


def test_all_of_them_when_asked(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANYTHING", "at all")
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    monkeypatch.setenv("FAENA_RUN_ID", "not-mine")
    run = project.run(PRINT, inherit_environment=True)
    seen = seen_by(run)
    assert seen["ANYTHING"] == "at all"
    assert "MPLBACKEND" not in seen
    assert seen["FAENA_RUN_ID"] == run.id


def test_every_way_of_giving_one(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (project.folder / "train.py").write_text(PRINT.replace("    ", ""))
    environment = Environment.from_existing_interpreter("e", sys.executable)
    environment.environment_variables = {"A": "environment"}
    config = ScriptRunConfig(
        project.folder, "train.py", compute_target=project.cluster, environment=environment
    )
    config.run_config.environment_variables = {
        **config.run_config.environment_variables,
        "B": "configuration",
    }
    run = Experiment(project.workspace, "given").submit(config)
    run.wait_for_completion()
    assert {"A": "environment", "B": "configuration"}.items() <= seen_by(run).items()
    monkeypatch.setenv("HERE", "a=b")
    assert _variables(("A=1=2", "B=", "HERE")) == {"A": "1=2", "B": "", "HERE": "a=b"}
    with pytest.raises(UserErrorException, match="--env NOT_HERE=VALUE"):
        _variables(("NOT_HERE",))


def test_gpus_of_the_submitter_where_none_are_handed_out(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert seen_by(project.run(PRINT))["CUDA_VISIBLE_DEVICES"] == ""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-8a56a4bc")
    assert seen_by(project.run(PRINT))["CUDA_VISIBLE_DEVICES"] == "GPU-8a56a4bc"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"FAENA_RUN_ID": "x"}, "FAENA_RUN_ID"),
        ({"AZUREML_DATAREFERENCE_in": "x"}, "AZUREML_DATAREFERENCE_in"),
        ({"X": None}, r"environment_variables\['X'\] is None"),
        ({"X": "\udcff"}, "UTF-8"),
        ({"X": "x" * 140_000}, "140,000 characters"),
        ({f"X{n}": "x" * 100_000 for n in range(11)}, "1 MiB"),
    ],
)
def test_one_that_cannot_be_given_is_refused(project: Project, given: dict[str, Any], named: str) -> None:
    with pytest.raises(FaenaError, match=named):
        project.submit("print(1)", environment_variables=given)


def test_v1s_settings_may_be_given() -> None:
    settings = {"FAENA_DEAD_DATA": "off", "FAENA_REMOVED_NAMES": "off", "FAENA_EVENT_FILES": "off"}
    variables.check({"AZUREML_COMPUTE_USE_COMMON_RUNTIME": "false", **settings}, {})


def test_the_address_of_a_workspace_for_mlflow_is_not_for_its_runs() -> None:
    ours = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:1", "MLFLOW_TRACKING_TOKEN": "secret", "OTHER": "1"}
    given = {**ours, "FAENA_MLFLOW_URI": "http://127.0.0.1:1"}
    assert variables.passed_on(given, everything=True) == {"OTHER": "1"}
    assert variables.passed_on(ours, everything=True) == ours
    assert variables.passed_on({**given, "MLFLOW_TRACKING_URI": "http://mine"}, everything=True) == {
        "MLFLOW_TRACKING_URI": "http://mine",
        "OTHER": "1",
    }


def test_programs_of_a_virtual_environment_stay_with_it() -> None:
    environ = {"PATH": "/venv/bin:/usr/bin", "VIRTUAL_ENV": "/venv", "BAD": "\udcff", "HOME": "\udcff"}
    assert variables.passed_on(environ, everything=True) == {"PATH": "/usr/bin"}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("http_proxy", "http://u:p@h:1", "http://***@h:1"),
        ("HTTP_PROXY", "u:p/w@h:1", "***@h:1"),
        ("ALL_PROXY", "socks5://u:p@ss@h", "socks5://***@h"),
        ("INDEX", "https://u:p@h/simple", "https://***@h/simple"),
        ("MAIL", "me@home", "me@home"),
        ("no_proxy", "a,b", "a,b"),
        ("HF_TOKEN", "abc", "***"),
        ("AWS_SECRET_ACCESS_KEY", "abc", "***"),
        ("API_KEY", "", ""),
        ("MONKEY", "abc", "abc"),
        ("URL", "://" * 100_000, "://" * 100_000),
    ],
)
def test_what_must_stay_secret_is_not_shown(name: str, value: str, expected: str) -> None:
    assert variables.shown({name: value}) == {name: expected}


def test_an_export_hides_passwords_of_addresses_only() -> None:
    given = Submission(
        "e",
        "s",
        "t.py",
        "c",
        environment_variables={"A_KEY": "k", "P": "http://u:p@h"},
        inherited_variables={},
    )
    assert variables.exported(given).environment_variables == {"A_KEY": "k", "P": "http://***@h"}


@pytest.mark.long
def test_the_command_line(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.workspace.write_config(project.folder)
    (project.folder / "t.py").write_text("import os\nprint([os.environ.get(n) for n in ('A', 'B', 'C')])")
    monkeypatch.setenv("B", "mine")
    monkeypatch.setenv("C", "not asked for")
    command = [sys.executable, "-m", "faena.cli", "submit", "--env", "A=1", "--env", "B", "t.py"]
    said = subprocess.check_output(command, cwd=Path(project.folder), text=True)
    assert "['1', 'mine', None]" in said
