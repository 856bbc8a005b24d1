"""What `faena submit`, `wait` and `cluster` can say: as much as Python."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from faena import Dataset, Environment, Workspace
from tests.cli.terminal import piped, within


@pytest.fixture(scope="module")
def project(lasting_workspace: Workspace) -> Path:
    lasting_workspace.write_config(lasting_workspace.folder)
    folder = lasting_workspace.folder
    (folder / "says.py").write_text(
        "import os, sys\nprint('got', [os.path.basename(each) for each in sys.argv[1:]])\n"
        "for each in sys.argv[1:]:\n    if os.path.isdir(each):\n        print('in it', sorted(os.listdir(each)))\n"
    )
    (folder / "ends.py").write_text(
        "import sys, os\ncode = int(sys.argv[1])\nprint('ends')\nsys.exit(code)\n"
    )
    (folder / "killed.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    (folder / "waits.py").write_text("import time\nwhile True:\n    time.sleep(0.1)\n")
    (folder / "words").mkdir()
    (folder / "words" / "a.txt").write_text("a")
    (folder / ".amlignore").write_text("words\n")
    return folder


def view(project: Path, run: str = "@last") -> dict[str, object]:
    found: dict[str, object] = json.loads(within(project, "show", run, "--json").stdout)
    return found


class TestSubmit:
    @pytest.mark.long
    def test_data_comes_where_an_argument_names_it(self, lasting_workspace: Workspace, project: Path) -> None:
        store = lasting_workspace.get_default_datastore()
        store.upload(str(project / "words"), "in/words", show_progress=False)
        files = Dataset.File.from_files((store, "in/words"))
        files.register(lasting_workspace, "words")
        given = ("w=words:1", "words,download", "x=datastore://workspaceblobstore/in/words", "w=./words")
        for data in given:
            name = data.partition("=")[0] if "=" in data else "words"
            done = within(project, "submit", "--data", data, "says.py", f"{{{name}}}", "{other}")
            assert done.returncode == 0, done.stderr
            assert "in it ['a.txt']" in done.stdout.decode()
            assert "'{other}'" in done.stdout.decode()

    @pytest.mark.parametrize(
        "options",
        [
            ["--data", "nope"],
            ["--data", "w=nope:2"],
            ["--data", "a-b=words"],
            ["--data", "w=datastore://nope/x"],
            ["--data", "w=datastore://workspaceblobstore/x,direct"],
            ["--data", "w=words,upload"],
            ["--data", "w=run:nope/outputs"],
            ["--data", "w=run:nope"],
            ["--requirements", "nope.txt"],
            ["--conda-file", "nope.yml"],
            ["--environment", "nope"],
            ["--environment", "nope:x"],
            ["--environment", "x", "--framework", "chainer"],
            ["--framework", "sklearn", "--framework-version", "0.0.1"],
            ["--framework-version", "1.0"],
            ["--user-managed", "--pip", "six"],
            ["--interpreter", "nope"],
            ["--cluster", "nope"],
            ["--name", "a\nb"],
            ["--name", "x" * 256],
            ["--parent", "nope"],
        ],
    )
    def test_what_cannot_be_is_one_line(self, project: Path, options: list[str]) -> None:
        done = within(project, "submit", *options, "says.py")
        assert (done.returncode, done.stdout) == (1, b""), done.stderr
        assert (done.stderr.count(b"\n"), b"Traceback" in done.stderr) == (1, False), done.stderr

    def test_an_environment_by_name_and_a_display_name(
        self, lasting_workspace: Workspace, project: Path
    ) -> None:
        Environment("empty").register(lasting_workspace)
        assert within(project, "submit", "--no-follow", "says.py").returncode == 0
        options = ("--environment", "empty:1", "--name", "première ✓", "--parent", "@last")
        done = within(project, "submit", "--no-follow", *options, "says.py")
        assert done.stderr == b""
        found = view(project, done.stdout.decode().strip())
        assert (found["environment"], found["name"]) == ("empty:1", "première ✓")
        assert found["parent"]
        again = within(project, "rerun", str(found["id"]), "--no-follow").stdout.decode().strip()
        assert view(project, again)["name"] is None

    def test_an_interpreter_is_used_as_it_is(self, project: Path) -> None:
        assert within(project, "submit", "--user-managed", "says.py").returncode == 0


class TestExitCodes:
    @pytest.mark.long
    def test_of_a_run_that_is_followed(self, project: Path) -> None:
        assert within(project, "submit", "ends.py", "0").returncode == 0
        assert piped(project, "submit", "ends.py", "3").returncode == 3
        assert within(project, "submit", "killed.py").returncode == 137
        assert within(project, "logs", "-f", "@last").returncode == 137
        assert (
            within(project, "submit", "--max-seconds", "0.3", "--grace", "0.1", "waits.py").returncode == 124
        )

    def test_json_and_follow(self, project: Path) -> None:
        done = within(project, "submit", "--json", "--follow", "ends.py", "7")
        assert done.returncode == 7
        assert json.loads(done.stdout)["status"] == "Failed"
        assert "ends" in done.stderr.decode().splitlines()
        done = within(project, "rerun", "@last", "--json", "--follow")
        assert (done.returncode, json.loads(done.stdout)["exit_code"]) == (7, 7)

    def test_json_alone_answers_at_once(self, project: Path) -> None:
        done = within(project, "submit", "--json", "waits.py")
        run = json.loads(done.stdout)
        assert (done.returncode, run["ended_at"]) == (0, None)
        assert within(project, "wait", run["id"], "--timeout", "0.2").returncode == 124
        assert within(project, "cancel", run["id"]).returncode == 0
        assert within(project, "wait", run["id"]).returncode == 143

    @pytest.mark.long
    def test_of_several_runs(self, project: Path) -> None:
        runs = [
            within(project, "submit", "--no-follow", "ends.py", str(code)).stdout.decode().strip()
            for code in (0, 4, 5)
        ]
        done = within(project, "wait", *runs)
        assert done.returncode == 4
        assert done.stdout.decode().split("\n")[:2] == [f"{runs[0]}  Completed", f"{runs[1]}  Failed"]
        done = within(project, "wait", runs[0], "--json")
        assert (done.returncode, [each["id"] for each in json.loads(done.stdout)]) == (0, runs[:1])
        assert within(project, "wait", runs[0], "nope").returncode == 1
        assert within(project, "wait").returncode == 2


def _steady(table: bytes) -> list[tuple[bytes, ...]]:
    """Of a table of clusters what stays while nodes of earlier runs come and go: all but their counts."""
    rows = [re.split(rb"  +", line) for line in table.strip().split(b"\n")]
    return [(row[0], *row[4:7]) for row in rows]


def test_clusters_are_made_resized_and_deleted(project: Path) -> None:
    made = within(project, "cluster", "create", "big", "--max-nodes", "3", "--cores-per-node", "1")
    assert made.stdout == b"big: 0 to 3 nodes, 1 core each; an idle one leaves after 120 seconds.\n"
    shared = within(project, "cluster", "create", "shared", "--max-nodes", "9")
    assert (
        shared.stdout
        == b"shared: 0 to 9 nodes, 1 or more cores each; an idle one leaves after 120 seconds.\n"
    )
    assert within(project, "cluster", "delete", "shared").returncode == 0
    assert within(project, "cluster", "create", "big", "--max-nodes", "5").returncode == 1
    done = within(project, "cluster", "update", "big", "--max-nodes", "2", "--idle-seconds", "7.5", "--json")
    scale = json.loads(done.stdout)["status"]["scaleSettings"]
    assert (scale["maxNodeCount"], scale["nodeIdleTimeBeforeScaleDown"]) == (2, "PT7.5S")
    assert within(project, "cluster", "update", "big").returncode == 2
    assert b"big" in within(project, "cluster", "show", "big").stdout
    assert _steady(within(project, "cluster", "list").stdout) == _steady(within(project, "clusters").stdout)
    assert within(project, "cluster", "delete", "big").stdout == b"big is deleted.\n"
    missing = within(project, "cluster", "show", "big")
    assert missing.returncode == 1 and b"faena cluster create big" in missing.stderr
