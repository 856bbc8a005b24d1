"""What is printed suits whoever reads it: terminals of any width and encoding, pipes, readers that leave."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from faena import Cluster, Estimator, Experiment, Run, Workspace
from faena.cli.runs_table import chosen_columns
from faena.kernel.errors import UserErrorException
from faena.testing.waiting import until
from tests.cli.terminal import (
    FAENA,
    environment,
    in_shell,
    on_terminal,
    piped,
    plain,
    within,
    without_waiting,
)
from tests.examples import long_form

EXPERIMENT = "an-experiment-whose-name-is-as-long-as-some-are"
BOXES = "─│╭╮╰╯"


@pytest.fixture(scope="module")
def folder(lasting_workspace: Workspace) -> Path:
    lasting_workspace.write_config(lasting_workspace.folder)
    return lasting_workspace.folder


@pytest.fixture(scope="module")
def run(lasting_workspace: Workspace, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    source = tmp_path_factory.mktemp("source")
    (source / "train.py").write_text(
        "from faena import Run\nrun = Run.get_context()\nrun.log('Accuracy', 0.975)\nrun.log('perdu é', 1)\n"
        "run.tag('città', 'Zürich ✓')\nprint('héllo ✓ мир')\n"
    )
    estimator = Estimator(
        source,
        compute_target=Cluster.get_or_create(lasting_workspace, "local"),
        entry_script="train.py",
        script_params={"--epochs": 3, "--path": "/" + "/".join(["a-long-folder"] * 8)},
    )
    made = Experiment(lasting_workspace, EXPERIMENT).submit(estimator)
    made.wait_for_completion()
    return made


COMMANDS = (
    ["runs"],
    ["runs", "--columns", "id,status,tags.città,params.--epochs"],
    ["show", "RUN"],
    ["logs", "RUN"],
    ["logs", "-f", "RUN"],
    ["metrics", "RUN"],
    ["plot", "RUN", "--metric", "Accuracy"],
    ["diff", "RUN", "RUN"],
    ["models"],
    ["clusters"],
    ["env", "list"],
    ["du"],
    ["deletions"],
    ["keep", "list"],
    ["doctor", "--sample", "0"],
    ["tag", "RUN", "città=Zürich ✓"],
    ["name", "RUN", "modèle ✓"],
    ["describe", "RUN"],
    ["download", "RUN", "azureml-logs"],
    ["--help"],
    ["submit", "--help"],
)


SOME = (
    ["runs"],
    ["show", "RUN"],
    ["logs", "RUN"],
    ["logs", "-f", "RUN"],
    ["plot", "RUN"],
    ["--help"],
    ["runs", "-h"],
)
"""Some that print little, much, bytes, as things come, and help."""


def _of(run: Run, command: list[str]) -> list[str]:
    return [run.id if word == "RUN" else word for word in command]


class TestNotATerminal:
    @pytest.mark.parametrize("columns", ["20", "500"])
    def test_a_run_is_a_line_with_its_id_whole(self, run: Run, folder: Path, columns: str) -> None:
        done = within(folder, "runs", given={"COLUMNS": columns})
        title, *rows = done.stdout.decode().splitlines()
        assert title.split()[:2] == ["Run", "Status"] or title.split()[:3] == ["Run", "Name", "Status"]
        assert {"Accuracy", "epochs"} <= set(title.split())
        assert [row.split()[0] for row in rows] == [run.id]
        assert "0.975" in rows[0]
        assert not set(done.stdout.decode()) & set(BOXES)

    @pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
    def test_plain_text_in_letters_that_there_are(self, run: Run, folder: Path, command: list[str]) -> None:
        done = within(folder, *_of(run, command), encoding="ascii")
        assert done.returncode == 0, done.stderr.decode()
        assert "\x1b" not in done.stdout.decode("ascii")
        assert "Traceback" not in done.stderr.decode("ascii")

    def test_paths_and_ids_of_show_are_whole(self, run: Run, folder: Path) -> None:
        lines = within(folder, "show", run.id, given={"COLUMNS": "30"}).stdout.decode().splitlines()
        assert lines[0].split() == [run.id, "Completed"]
        [command] = [line for line in lines if line.startswith("Command")]
        assert command.endswith("train.py --epochs 3 --path /" + "/".join(["a-long-folder"] * 8))

    def test_usage_errors_are_plain(self, folder: Path) -> None:
        done = within(folder, "runs", "--bogus")
        assert (done.returncode, done.stdout) == (2, b"")
        assert not set(done.stderr.decode()) & set(BOXES)
        assert "No such option" in done.stderr.decode() and "--bogus" in done.stderr.decode()


class TestOnATerminal:
    @pytest.mark.long
    @pytest.mark.parametrize("columns", [40, long_form(80)])
    def test_ids_are_whole_and_nothing_else_is_wider(self, run: Run, folder: Path, columns: int) -> None:
        for command in (["runs"], ["show", run.id], ["clusters"]):
            lines = plain(on_terminal(folder, columns, *command)).splitlines()
            wide = [line for line in lines if len(line) > columns]
            assert all(
                run.id in line or "a-long-folder" in line or len(line.split()) <= 3 for line in wide
            ), wide
            assert command[0] not in ("runs", "show") or any(run.id in line for line in lines)

    @pytest.mark.long
    def test_as_many_metrics_and_parameters_as_fit(self, run: Run, folder: Path) -> None:
        assert "epochs" in plain(on_terminal(folder, 200, "runs"))
        narrow = plain(on_terminal(folder, len(run.id) + 50, "runs")).splitlines()
        assert len(narrow) == 2 and "epochs" not in narrow[0]

    @pytest.mark.long
    def test_colours_where_they_are_wanted(self, run: Run, folder: Path) -> None:
        assert "\x1b[32m" in on_terminal(folder, 200, "runs")
        assert "\x1b" not in on_terminal(folder, 200, "show", run.id, given={"NO_COLOR": "1"})
        assert "\x1b" not in on_terminal(folder, 200, "runs", given={"TERM": "dumb"})
        assert "\x1b" not in on_terminal(folder, 200, "--help", given={"NO_COLOR": "1"})

    def test_what_a_tag_holds_gives_no_orders(self, run: Run, folder: Path) -> None:
        run.tag("hostile", "a\x1b[2Jb\nc")
        shown = on_terminal(folder, 200, "runs", "--columns", "id,tags.hostile")
        assert "\x1b[2J" not in shown and len(shown.splitlines()) == 2


class TestColumns:
    def test_those_that_were_asked_for(self, run: Run, folder: Path) -> None:
        given = (
            'id,status,metrics.Accuracy,metrics."perdu é",params.--epochs,parameters.epochs,experiment,number'
        )
        title, row = within(folder, "runs", "--columns", given).stdout.decode().splitlines()
        assert title.split()[:3] == ["id", "status", "metrics.Accuracy"]
        assert row.split() == [run.id, "Completed", "0.975", "1", "3", "3", EXPERIMENT, "1"]
        [found] = json.loads(
            within(folder, "runs", "--json", "--columns", "id,metrics.Accuracy,duration").stdout
        )
        assert found.pop("duration") > 0
        assert found == {"id": run.id, "metrics.Accuracy": 0.975}

    def test_one_that_no_run_has_is_told_with_what_was_meant(self, run: Run, folder: Path) -> None:
        done = within(folder, "runs", "--columns", "id,metrics.acuracy,params.epoch")
        assert done.returncode == 0
        assert "metrics.acuracy. There is metrics.Accuracy." in done.stderr.decode()
        assert "params.epoch. There is parameters.epochs." in done.stderr.decode()

    @pytest.mark.parametrize(
        "columns", ["", "nope", "id,", "metrics", "metrics.x.max", "id;status", "id status"]
    )
    def test_one_that_cannot_be_is_refused(self, columns: str) -> None:
        with pytest.raises(UserErrorException):
            chosen_columns(columns)


class TestEncodings:
    @pytest.mark.long
    @pytest.mark.parametrize(
        ("encoding", "shown"), [("latin-1", "héllo ? ???"), long_form("ascii", "h?llo ? ???")]
    )
    def test_letters_that_there_are_not_are_replaced(
        self, run: Run, folder: Path, encoding: str, shown: str
    ) -> None:
        for command in (["logs", run.id], ["logs", "-f", run.id]):
            done = piped(folder, *command, given={"PYTHONIOENCODING": encoding})
            assert (done.returncode, done.stderr) == (0, b"")
            assert shown in done.stdout.decode(encoding).splitlines()

    @pytest.mark.long
    def test_errors_too(self, folder: Path) -> None:
        for arguments in (["show", "naïve"], ["runs", "--filter", "ñ ="], ["runs", "--ñ"]):
            done = piped(folder, *arguments, given={"PYTHONIOENCODING": "ascii"})
            assert done.returncode in (1, 2)
            done.stderr.decode("ascii")
            assert b"Traceback" not in done.stderr

    def test_a_locale_without_letters(self, run: Run, folder: Path) -> None:
        given = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
        done = piped(folder, "logs", run.id, given=given)
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"h?llo" in done.stdout

    def test_a_log_is_byte_for_byte_where_it_can_be(self, run: Run, folder: Path) -> None:
        done = piped(folder, "logs", run.id, given={"PYTHONIOENCODING": "utf-8"})
        assert done.stdout == "héllo ✓ мир\n".encode()


class TestReadersThatLeave:
    @pytest.mark.long
    def test_the_command_ends_silently_with_the_shells_code(self, run: Run, folder: Path) -> None:
        commands = [" ".join(_of(run, command)) for command in SOME]
        # a reader that is gone before anything is written, for output that is short and for output that is long
        lines = [f"(faena {each}; echo $? >&2) | sleep 0" for each in commands]
        done = in_shell(folder, "; ".join(lines))
        assert done.stderr.split() == [b"141"] * len(SOME)

    def test_the_first_line_is_enough(self, run: Run, folder: Path) -> None:
        done = in_shell(folder, f"faena logs -f {run.id} | head -1")
        assert (done.stdout.decode(), done.stderr) == (f"RunId: {run.id}\n", b"")

    @pytest.mark.long
    def test_a_follower_ends_though_no_line_comes(
        self, lasting_workspace: Workspace, folder: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "waits.py").write_text(
            "import os, sys, time\nprint('first', flush=True)\n"
            "while not os.path.exists(sys.argv[1]):\n    time.sleep(0.05)\n"
        )
        leave = tmp_path / "leave"
        submitted = ["submit", "--source", str(tmp_path), "--no-follow", "waits.py", str(leave)]
        run = lasting_workspace.get_run(piped(folder, *submitted).stdout.decode().strip())
        reading, writing = os.pipe()
        follower = subprocess.Popen(
            [*FAENA, "logs", "-f", run.id],
            cwd=folder,
            env=environment(),
            stdout=writing,
            stderr=subprocess.PIPE,
        )
        os.close(writing)
        try:
            with os.fdopen(reading, "rb") as lines:
                assert any(line == b"first\n" for line in iter(lines.readline, b""))
            assert follower.wait(120) == 141
            assert follower.stderr is not None and without_waiting(follower.stderr.read()) == b""
            until(lambda: run.get_status() == "Running", "it runs on")
        finally:
            leave.touch()
            follower.kill()
            follower.wait()
            assert follower.stderr is not None
            follower.stderr.close()
        run.wait_for_completion()

    @pytest.mark.long
    @pytest.mark.parametrize("closed", [*map(long_form, (">&-", "2>&-", "<&-")), ">&- 2>&- <&-"])
    def test_streams_that_never_were(self, run: Run, folder: Path, closed: str) -> None:
        for command in ("runs", f"logs -f {run.id}"):
            done = in_shell(folder, f"faena {command} {closed}")
            assert (done.returncode, done.stderr) == (0, b"")
            assert bool(done.stdout) is not closed.startswith(">&-")

    @pytest.mark.long
    def test_a_full_disk_is_told(self, run: Run, folder: Path) -> None:
        for command in (["runs"], ["logs", run.id]):
            done = in_shell(folder, f"faena {' '.join(command)} > /dev/full")
            assert done.returncode == 1
            assert done.stderr == b"Standard output cannot be written: No space left on device.\n"
