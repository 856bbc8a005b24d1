"""The command line on a real workspace."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from faena import Experiment, Workspace
from faena.kernel.discovery import is_held
from faena.kernel.settings import SERVER_LOCK
from tests.cli.terminal import piped, within


def faena(workspace: Workspace, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command in its folder, on 80 columns."""
    done = within(workspace.folder, *arguments, given={"COLUMNS": "80", "NO_COLOR": "1"})
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def workspace(lasting_workspace: Workspace) -> Workspace:
    return lasting_workspace


@pytest.fixture
def project(workspace: Workspace) -> Workspace:
    workspace.write_config(workspace.folder)
    (workspace.folder / "train.py").write_text(
        "import sys\nfrom faena import Run\nRun.get_context().log('x', 1.5)\n"
        "open('outputs/m.bin', 'w').write('m')\nprint('args', sys.argv[1:])\n"
    )
    return workspace


def test_the_whole_job(project: Workspace, tmp_path: Path) -> None:
    done = faena(project, "submit", "--tag", "team=a", "train.py", "--epochs", "3", "--json")
    assert done.returncode == 0, done.stderr
    assert "args ['--epochs', '3', '--json']" in done.stdout
    assert "Status: Completed" in done.stdout
    row = json.loads(faena(project, "runs", "--json").stdout)[0]
    run_id = row["id"]
    assert row["tags"] == {"team": "a"}
    assert run_id in faena(project, "runs").stdout
    assert "Completed" in faena(project, "show", run_id).stdout
    assert json.loads(faena(project, "show", run_id, "--json").stdout)["status"] == "Completed"
    assert json.loads(faena(project, "metrics", run_id, "--json").stdout) == {"x": 1.5}
    assert "args" in faena(project, "logs", run_id).stdout
    assert "args" in faena(project, "logs", "-f", run_id).stdout
    assert faena(project, "download", run_id, "outputs", "--output", str(tmp_path)).returncode == 0
    assert (tmp_path / "outputs" / "m.bin").read_text() == "m"
    files = project.get_run(run_id).get_file_names()  # with a build log where this test built the environment
    assert (
        faena(project, "download", run_id, "--output", str(tmp_path / "all")).stdout
        == f"{len(files)} files\n"
    )
    assert (tmp_path / "all" / "azureml-logs" / "70_driver_log.txt").exists()
    assert faena(project, "tag", run_id, "team=b", "x=1").stdout == "team=b\nx=1\n"
    assert json.loads(faena(project, "runs", "--tag", "team=a", "--json").stdout) == []
    assert run_id in faena(project, "runs", "--tag", "team=b", "--tag", "x", "--status", "Completed").stdout
    assert faena(project, "tag", run_id, "--remove", "x").stdout == "team=b\n"
    assert faena(project, "tag", run_id).stdout == "team=b\n"
    placed = tmp_path / "sources" / f"{run_id}.zip"
    assert faena(project, "source", run_id, str(placed.parent)).stdout == f"{placed}\n"
    archive = tmp_path / "source.zip"
    assert faena(project, "source", run_id, str(archive)).stdout == f"{archive}\n"
    assert archive.stat().st_size
    assert faena(project, "register", run_id, "outputs/m.bin", "--name", "net").stdout == "net:1\n"
    assert "net:1" in [each["id"] for each in json.loads(faena(project, "models", "--json").stdout)]
    assert json.loads(faena(project, "clusters", "--json").stdout)[0]["name"] == "local"
    assert faena(project, "cancel", run_id, "@last").stdout == f"{run_id}: Completed\n" * 2
    again = faena(project, "rerun", run_id, "--set", "--epochs=4", "--set", "v", "--no-follow").stdout.strip()
    Workspace(project.folder).get_run(again).wait_for_completion()
    shown = faena(project, "diff", run_id, again, "--only", "arguments", "--only", "metrics").stdout
    assert "Metrics: the same (4)" in shown and max(map(len, shown.splitlines())) <= 80
    assert "epochs" in shown and "v" in shown and "Code" not in shown
    found = json.loads(faena(project, "diff", run_id, again, "--json").stdout)
    assert [section["name"] for section in found["sections"]][:3] == ["status", "code", "git"]
    exported = faena(project, "export", again, str(tmp_path / "run"))
    kept = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]  # more where it ran for long
    assert exported.stdout.startswith(f"{tmp_path / 'run'}: {len(kept)} files, ")
    taken = faena(project, "import", str(tmp_path / "run"))
    assert taken.stdout == f"{again} is here already, the same; nothing was changed.\n"
    faena(project, "export", again)
    mixed = faena(project, "download", again)
    assert mixed.returncode == 1 and f"{again} here is an exported run" in mixed.stderr
    for wrong in (["diff", run_id, "../x"], ["rerun", run_id, "--set", "=1"], ["import", "nope"]):
        done = faena(project, *wrong)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr


@pytest.mark.long
def test_models_of_runs_and_of_this_machine(project: Workspace, tmp_path: Path) -> None:
    faena(project, "submit", "train.py")
    run = json.loads(faena(project, "runs", "--json").stdout)[0]
    assert faena(project, "register", run["id"], "outputs/m.bin", "--name", "both").stdout == "both:1\n"
    (tmp_path / "weights.npz").write_bytes(b"weights")
    given = ("--tag", "area=digits", "--framework", "Chainer", "--framework-version", "7.8.1")
    done = faena(project, "register", str(tmp_path / "weights.npz"), "--name", "both", *given)
    assert (done.stdout, done.stderr) == ("both:2\n", "Registering model both\n")
    assert json.loads(faena(project, "register", "train.py", "--name", "x", "--json").stdout)["id"] == "x:1"
    assert "both" in faena(project, "models", "--tag", "area").stdout
    (tagged,) = json.loads(faena(project, "models", "--tag", "area=digits", "--json").stdout)
    assert (tagged["id"], tagged["framework"], tagged["lineage"]) == ("both:2", "Chainer", None)
    made = json.loads(faena(project, "show-model", "both:1", "--json").stdout)
    view = json.loads(faena(project, "show", run["id"], "--json").stdout)
    assert made["lineage"]["run_id"] == run["id"]
    assert (made["lineage"]["snapshot"], made["lineage"]["lock"]) == (view["snapshot"], view["lock"])
    assert made["lineage"]["inputs"] == []
    shown = faena(project, "show-model", "both:1").stdout
    assert run["id"] in shown
    assert view["snapshot"][:12] in shown
    assert "weights.npz" in faena(project, "show-model", "both").stdout
    assert faena(project, "delete-model", "both:2").stdout == "both:2 is deleted.\n"
    assert faena(project, "delete-model", "both").returncode == 2
    gone = faena(project, "show-model", "both:2")
    assert gone.returncode == 1
    assert gone.stderr.startswith("ModelNotFoundException: Model with name both:2")
    missing = faena(project, "register", "nothing.npz", "--name", "both")
    assert missing.returncode == 1
    assert "WebserviceException: There is no model at" in missing.stderr
    assert "train.py" in missing.stderr
    assert faena(project, "register", "a", "b", "c", "--name", "both").returncode == 2


def test_a_run_that_fails_gives_its_exit_code(project: Workspace) -> None:
    (project.folder / "bad.py").write_text("raise SystemExit(3)")
    assert faena(project, "submit", "bad.py").returncode == 3


def test_outside_a_workspace_the_error_says_how_to_make_one(tmp_path: Path) -> None:
    done = within(tmp_path, "runs")
    assert done.returncode == 1
    assert b"faena init" in done.stderr


def test_in_the_folder_of_a_workspace_without_a_config_that_one_is_meant(own_workspace: Workspace) -> None:
    assert faena(own_workspace, "runs").stdout == "No runs yet. Submit one with `faena submit`.\n"


def test_init_takes_the_name_that_a_config_of_azure_gives(tmp_path: Path) -> None:
    azure = {"subscription_id": "s", "resource_group": "g", "workspace_name": "of-azure"}
    (tmp_path / "config.json").write_text(json.dumps(azure))
    assert within(tmp_path, "init").returncode == 0
    assert azure.items() <= json.loads((tmp_path / "config.json").read_text()).items()
    assert within(tmp_path, "init", "--name", "of-azure").returncode == 0
    assert not (tmp_path / "config.json.before").exists()


def test_init_writes_the_config_that_is_found_first(tmp_path: Path) -> None:
    azure = tmp_path / ".azureml" / "config.json"
    azure.parent.mkdir()
    azure.write_text(
        json.dumps({"subscription_id": "s", "resource_group": "g", "workspace_name": "of-azure"})
    )
    told = within(tmp_path, "init", "--name", "mine").stdout
    assert b".azureml/config.json written" in told
    assert not (tmp_path / "config.json").exists()
    assert json.loads(azure.read_text())["workspace_name"] == "mine"
    assert Workspace.from_config(tmp_path).name == "mine"
    assert json.loads((azure.parent / "config.json.before").read_text())["workspace_name"] == "of-azure"


def test_a_run_tells_of_its_children_and_comments(workspace: Workspace) -> None:
    with Experiment(workspace, "family").start_logging(snapshot_directory=None, outputs=None) as run:
        assert (
            "Children" not in (alone := faena(workspace, "show", run.id).stdout) and "Comments" not in alone
        )
        for number in range(2):
            run.child_run(name=f"fold {number}").complete()
        run.add_comment("the second fold is odd")
    told = faena(workspace, "show", run.id).stdout
    assert "Children    2: faena runs --filter" in told
    assert f"Comments    1: faena comment {run.id}" in told
    assert "fold 1" in faena(workspace, "runs", "--filter", f"parent = '{run.id}'").stdout


def test_no_line_is_wider_than_the_terminal(project: Workspace) -> None:
    faena(project, "submit", "--experiment", "narrow", "train.py")
    for command in (["runs", "--experiment", "narrow"], ["models"], ["clusters"], ["--help"]):
        assert max(map(len, faena(project, *command).stdout.splitlines())) <= 80


class TestRefused:
    @pytest.mark.parametrize(
        "options",
        [["--gpus", "2"], ["--joined", "--min-nodes", "2"], ["--joined", "--dashboard", "http://head:8265"]],
    )
    def test_an_option_of_clusters_of_another_kind(self, project: Workspace, options: list[str]) -> None:
        done = faena(project, "cluster", "create", "other", *options)
        assert done.returncode == 2
        assert f"{options[-2]} is of clusters that" in " ".join(done.stderr.split())
        assert "other" not in project.compute_targets

    @pytest.mark.parametrize(
        "arguments",
        [
            ["submit", "nope.py"],
            ["submit", "--nodes", "0", "train.py"],
            ["submit", "--max-seconds", "nan", "train.py"],
            ["submit", "--cluster", "a/b", "train.py"],
            ["submit", "--experiment", "a\tb", "train.py"],
            ["submit", "--source", "nowhere", "train.py"],
            ["submit", "--pip", "$(id)", "train.py"],
            ["show", "../x"],
            ["register", "nope", "outputs", "--name", "a/b"],
            ["download", "nope", "../x"],
            ["download", "nope"],
            ["tag", "nope", "a=b"],
            ["source", "nope"],
            ["runs", "--status", "Done"],
            ["init", "--name", "a/b", "sub"],
        ],
    )
    def test_what_cannot_be_is_one_line_and_exit_code_1(
        self, project: Workspace, arguments: list[str]
    ) -> None:
        done = faena(project, *arguments)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert "Traceback" not in done.stderr

    @pytest.mark.parametrize("command", ["show", "logs", "metrics", "cancel"])
    def test_an_unknown_run_is_one_line_and_exit_code_1(self, project: Workspace, command: str) -> None:
        done = faena(project, command, "nope")
        assert done.returncode == 1
        what = "run and no endpoint" if command == "logs" else "run"
        assert done.stderr.startswith(f"NotFound: There is no {what} 'nope'")
        assert "Traceback" not in done.stderr
        assert done.stderr.count("\n") == 1

    def test_arguments_of_the_script_stand_behind_it(self, project: Workspace) -> None:
        done = faena(project, "submit", "--lr", "0.1", "train.py")
        assert done.returncode == 2
        assert (
            "No such option '--lr'. Those of the script stand behind it: faena submit SCRIPT --lr"
            in done.stderr
        )
        assert "Did you mean" not in done.stderr
        near = faena(project, "submit", "--experimen", "e", "train.py")
        assert "Did you mean '--experiment'?" in near.stderr

    def test_nothing_comes_of_it(self, project: Workspace) -> None:
        before = [run.id for run in project.api.runs(limit=1000)]
        assert faena(project, "submit", "nope.py").returncode == 1
        assert [run.id for run in project.api.runs(limit=1000)] == before
        assert faena(project, "register", "a", "b", "c", "--name", "net").returncode == 2


@pytest.mark.parametrize(
    ("folder", "workspace", "experiment"),
    [
        ("ab", "ab-workspace", "ab"),
        ("Été 2026 (neu)", "Ete-2026-neu", "Été 2026 (neu)"),
        ("日本", "workspace", "日本"),
        ("x" * 60, "x" * 33, "x" * 60),
        ("line\nbreak", "line-break", "line-break"),
        (os.fsdecode(b"caf\xe9"), "caf", "caf"),
    ],
)
def test_any_folder_has_a_name_to_give(tmp_path: Path, folder: str, workspace: str, experiment: str) -> None:
    from faena.cli.common import experiment_name_of, workspace_name_of

    assert workspace_name_of(tmp_path / folder) == workspace
    assert experiment_name_of(tmp_path / folder) == experiment
    assert Workspace.create(workspace, tmp_path / folder).name == workspace


@pytest.mark.long
def test_a_server_is_stopped_where_one_is(own_workspace: Workspace, tmp_path: Path) -> None:
    project = own_workspace
    project.write_config(project.folder)
    assert "has no server now" in faena(project, "server", "stop").stdout, "and none was started for it"
    assert not is_held(project.files.path / SERVER_LOCK)
    project.api.version()
    other = tmp_path / "runtime"
    other.mkdir(mode=0o700)
    elsewhere = piped(project.folder, "server", "stop", given={"FAENA_RUNTIME": str(other)})
    assert elsewhere.returncode == 1
    assert b"whose runtime folder is" in elsewhere.stderr and elsewhere.stdout == b""
    assert "has left" in faena(project, "server", "stop").stdout
    assert not is_held(project.files.path / SERVER_LOCK), "so that what wants no server may come next"


def test_quotas_are_set_listed_and_lifted(project: Workspace) -> None:
    def quota(*arguments: str) -> str:
        done = faena(project, "quota", *arguments)
        return done.stdout + done.stderr

    assert "Say what is limited" in quota("set", "--everybody")
    assert "Say whose quota it is" in quota("set", "--nodes", "1")
    said = quota("set", "--everybody", "--nodes", "8", "--node-hours", "100.5")
    assert {"everybody", "8", "100.5"} <= set(said.split())
    quota("set", "--person", "quinn", "--nodes", "2")
    listed = next(line for line in quota("list").splitlines() if line.startswith("quinn"))
    assert "0 of 2" in listed
    assert "0 of 100.5" in listed
    assert "no limit" in quota("lift", "--everybody", "node-hours")
    quota("lift", "--everybody")
    quota("lift", "--person", "quinn")
    assert "quinn" not in quota("list")
    made = project.quotas.set(person="quinn", node_hours=1)
    assert (made.limits.nodes, made.limits.node_hours) == (None, 1)
    project.quotas.lift(person="quinn")
