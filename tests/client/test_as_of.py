"""Which date an environment is asked as of: parameters, variables, defaults of experiment and workspace."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from faena import Environment, Estimator, Experiment, ScriptRunConfig, Workspace
from faena.cli import submit
from faena.client.environments import as_of
from faena.client.environments.as_of import with_defaults
from faena.environments.catalogue import plan
from faena.environments.schemas import EnvironmentRequest
from faena.environments.service import spec_of
from faena.kernel.errors import TrainingException, UserErrorException


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (as_of.VARIABLE, "UV_EXCLUDE_NEWER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(as_of, "_told", set())


def test_an_environment_names_it_and_keeps_it_in_its_definition() -> None:
    environment = Environment("old")
    environment.as_of, environment.undated = dt.date(2019, 10, 1), ["torch"]
    asked = Environment.from_dict(environment.to_dict()).request()
    assert (asked.as_of, asked.undated) == ("2019-10-01", ("torch",))


def test_estimators_and_configurations_name_it(tmp_path: Path) -> None:
    (tmp_path / "train.py").touch()
    made = Estimator(tmp_path, compute_target="local", entry_script="train.py", as_of="2019-10-01")
    assert made.run_config.as_of == "2019-10-01"
    config = ScriptRunConfig(tmp_path, "train.py", as_of="today")
    sent = config.submission(experiment="e", snapshot="s", git=None, tags={}, user="u")
    assert sent.environment.as_of == "today"
    with pytest.raises(UserErrorException, match="as_of is 'soon'"):
        ScriptRunConfig(tmp_path, "train.py", as_of="soon")
    with pytest.raises(TrainingException, match="as_of"):
        Estimator(
            tmp_path,
            compute_target="local",
            entry_script="train.py",
            environment_definition=Environment("old"),
            as_of="2019-10-01",
        )
    with pytest.raises(UserErrorException, match="as_of"):
        Estimator(
            tmp_path, compute_target="local", entry_script="train.py", user_managed=True, as_of="2019-10-01"
        )


def test_variables_stand_in_where_it_is_not_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("UV_EXCLUDE_NEWER", "2020-02-01")
    for _ in range(2):
        assert with_defaults(EnvironmentRequest()).as_of_else == "2020-02-01"
    assert capsys.readouterr().err.count("UV_EXCLUDE_NEWER") == 1
    monkeypatch.setenv("FAENA_AS_OF", "2019-10-01")
    assert with_defaults(EnvironmentRequest()).as_of == "2019-10-01"
    assert with_defaults(EnvironmentRequest(as_of="today")).as_of == "today"
    assert with_defaults(EnvironmentRequest(interpreter="/usr/bin/python3")).as_of == ""
    monkeypatch.setenv("FAENA_AS_OF", "1.10.2019")
    with pytest.raises(UserErrorException, match=r"FAENA_AS_OF is '1\.10\.2019'"):
        with_defaults(EnvironmentRequest())


def test_files_of_uv_stand_in_likewise(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "train.py").touch()
    (tmp_path / "pyproject.toml").write_text('[tool.uv.pip]\nexclude-newer = "2020-02-01T00:00:00Z"\n')
    config = ScriptRunConfig(tmp_path, "train.py")

    def asked() -> EnvironmentRequest:
        return config.submission(experiment="e", snapshot="s", git=None, tags={}, user="u").environment

    assert asked().as_of_else == "2020-02-01"
    assert "exclude-newer of pyproject.toml is set" in capsys.readouterr().err
    (tmp_path / "uv.toml").write_text("exclude-newer = 2020-03-01\n")
    assert asked().as_of_else == "2020-03-01"
    (tmp_path / "uv.toml").write_text('exclude-newer = "1 week"\nnot toml')
    (tmp_path / "pyproject.toml").unlink()
    assert asked().as_of_else == ""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "uv").mkdir()
    (tmp_path / "uv" / "uv.toml").write_text('[pip]\nexclude-newer = "2019-10-01"\n')
    of_server = plan(spec_of(EnvironmentRequest(packages=("six",))))
    assert (of_server.as_of, "uv/uv.toml on the server's machine" in of_server.notes[-1]) == (
        "2019-10-01",
        True,
    )
    assert plan(spec_of(EnvironmentRequest(as_of="today"))).as_of == ""


def test_the_nearest_word_counts() -> None:
    asked = EnvironmentRequest(as_of_else="2020-02-01")
    assert spec_of(asked).as_of == "2020-02-01"
    assert spec_of(asked, default="2019-10-01").as_of == "2019-10-01"
    assert spec_of(asked, default="today").as_of == ""
    assert spec_of(EnvironmentRequest(as_of="2018-10-01"), default="2019-10-01").as_of == "2018-10-01"
    old = EnvironmentRequest(framework="tensorflow", framework_version="1.13", as_of="today")
    assert spec_of(old).as_of == "today"


@pytest.mark.long
def test_defaults_of_experiment_and_workspace_hold_for_runs(workspace: Workspace, tmp_path: Path) -> None:
    workspace.as_of = "2017-01-01"
    assert Workspace(workspace.folder).as_of == "2017-01-01"
    experiment = Experiment(workspace, "old")
    experiment.as_of = dt.date(2017, 2, 2)
    assert experiment.as_of == "2017-02-02"
    with pytest.raises(UserErrorException, match="no date"):
        workspace.as_of = "soon"
    with pytest.raises(UserErrorException, match="no date"):
        experiment.tag("faena.as_of", "soon")
    source = tmp_path / "source"
    source.mkdir()
    (source / "train.py").write_text("print(1)\n")
    run = experiment.submit(ScriptRunConfig(source, "train.py", compute_target="local"))
    run.wait_for_completion(raise_on_error=False)
    assert "as_of is 2017-02-02, and no Python" in str(run.get_details()["error"])
    experiment.as_of = None
    workspace.as_of = None
    assert (experiment.as_of, workspace.as_of) == (None, None)


@pytest.mark.long
def test_a_default_of_auto_looks_at_the_scripts_history(workspace: Workspace, tmp_path: Path) -> None:
    source = tmp_path / "tracked"
    source.mkdir()
    (source / "train.py").write_text("print(1)\n")
    day = {"GIT_AUTHOR_DATE": "2017-01-05T12:00:00Z", "GIT_COMMITTER_DATE": "2017-01-05T12:00:00Z"}
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=u", "-c", "user.email=e", "commit", "-qm", "m"],
    ):
        subprocess.run(["git", *command], cwd=source, env=os.environ | day, check=True)
    config = ScriptRunConfig(source, "train.py", compute_target="local")
    experiment = Experiment(workspace, "tracked")
    experiment.as_of = "auto"
    run = experiment.submit(config)
    run.wait_for_completion(raise_on_error=False)
    assert "as_of is 2017-01-05, and no Python" in str(run.get_details()["error"])


@pytest.mark.parametrize("given", ["", "  "])
def test_an_empty_text_is_refused_and_an_empty_variable_is_as_none(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--as-of "$DAY"` with no DAY must not mean packages of today."""
    (tmp_path / "train.py").touch()
    asked = Environment("old")
    asked.as_of = given
    for refused in (
        lambda: ScriptRunConfig(tmp_path, "train.py", as_of=given),
        lambda: Estimator(tmp_path, compute_target="local", entry_script="train.py", as_of=given),
        asked.request,
    ):
        with pytest.raises(UserErrorException, match=r"as_of is empty.*'2019-10-01'.*Leave it out"):
            refused()
    said = CliRunner().invoke(submit.COMMANDS[0], ["--as-of", given, str(tmp_path / "train.py")])
    assert "--as-of is empty" in str(said.exception)
    monkeypatch.setenv(as_of.VARIABLE, given)
    assert with_defaults(EnvironmentRequest()).as_of == ""
