"""`faena sweep` as people meet it: begun by options or by a file, followed, looked at, changed."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faena import Cluster, JoinedCluster, Workspace
from faena.testing.waiting import until
from tests.cli.terminal import FAENA_IN_FRONT, environment, on_terminal, piped, plain, within

SCRIPT = """\
import argparse, os, sys, time
from faena import Run
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.0)
parser.add_argument("--units", type=int, default=0)
parser.add_argument("--big", action="store_true")
parser.add_argument("--until", default="")
asked = parser.parse_args()
if asked.units < 0:
    sys.exit("units are negative")
run = Run.get_context()
for epoch in range(2):
    run.log("Accuracy", asked.units + epoch / 10 - asked.lr)
while asked.until and not os.path.exists(asked.until):
    time.sleep(0.02)
"""
GRID = ["--space", "--units=choice(1, 20, 300)", "--sampling", "grid", "--metric", "Accuracy"]
ENDED = 150.0


@pytest.fixture(scope="module")
def folder(lasting_workspace: Workspace) -> Path:
    lasting_workspace.write_config(lasting_workspace.folder)
    Cluster.get_or_create(lasting_workspace, "local", max_nodes=2)
    (lasting_workspace.folder / "train.py").write_text(SCRIPT)
    return lasting_workspace.folder


def begin(folder: Path, *options: str) -> subprocess.CompletedProcess[bytes]:
    return within(folder, "sweep", "train.py", "--user-managed", *options)


@pytest.fixture(scope="module")
def done(folder: Path) -> subprocess.CompletedProcess[bytes]:
    """A sweep that was followed in a pipe."""
    policy = "bandit(slack_factor=0.5, delay_evaluation=5)"
    return begin(folder, *GRID, "--at-once", "2", "--policy", policy, "--tag", "team=a")


@pytest.fixture(scope="module")
def sweep_id(done: subprocess.CompletedProcess[bytes]) -> str:
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().splitlines()[0].removeprefix("Sweep: ")


def said(folder: Path, *words: str) -> str:
    answered = within(folder, *words)
    assert answered.returncode == 0, answered.stderr.decode()
    return answered.stdout.decode()


def values(folder: Path, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said(folder, *words, "--json"))
    return found


class TestFollowed:
    @pytest.mark.long
    def test_a_line_an_event_and_then_the_best(
        self, done: subprocess.CompletedProcess[bytes], sweep_id: str
    ) -> None:
        lines = done.stdout.decode().splitlines()
        assert [line for line in lines if line.startswith("trial 2 ")] == [
            "trial 2  started  --units 300",
            "trial 2  Completed  Accuracy 300.1  best so far",
        ]
        assert sum(line.startswith("trial ") for line in lines) == 6
        assert lines[-4] == "[Completed: 3 of 3 trials: 3 Completed]"
        assert lines[-3] == f"{sweep_id} is Completed: 3 of 3 trials: 3 Completed."
        assert lines[-2] == f"Best: {sweep_id}_2  Accuracy 300.1  --units 300"
        assert lines[-1].endswith(f"faena diff {sweep_id}_2 {sweep_id}_1")
        assert done.stderr == b""

    @pytest.mark.long
    def test_on_a_terminal_a_table_that_fits(self, folder: Path) -> None:
        space = ["--space", "--lr=uniform(0, 1)", "--space", "--big=flag", "--space", "--units=choice(5)"]
        given = [
            *space,
            "--metric",
            "Accuracy",
            "--trials",
            "3",
            "--seed",
            "1",
            "--experiment",
            "on-a-terminal",
        ]
        shown = on_terminal(folder, 80, "sweep", "train.py", "--user-managed", *given)
        assert "\x1b[32m" in shown  # the best is green
        last = plain(shown[max(0, shown.rfind("\x1b[1A")) :]).splitlines()
        title = next(line for line in last if "Status" in line)
        assert title.split() == ["Trial", "Status", "Accuracy", "(best)", "lr", "big", "units"]
        rows = [line for line in last if line.split()[1:2] == ["Completed"]][
            1:
        ]  # the first is the sweep's own
        assert len(rows) == 3 and rows[0].split()[0].startswith("*")
        assert "of trial" in plain(shown) and "is best" in plain(shown)
        wide = [line for line in last if len(line) > 80]
        assert [line.split(":")[0] for line in wide] == [
            "What differs between the two best"
        ]  # ids stay whole

    @pytest.mark.long
    def test_the_exit_code_says_how_it_ended(self, folder: Path) -> None:
        failed = begin(
            folder, "--space", "--units=choice(-1, -2, -3, -4)", "--metric", "Accuracy", "--trials", "4"
        )
        assert failed.returncode == 1
        assert "The first 3 trials failed alike" in failed.stdout.decode()
        assert "With --no-fail-fast a sweep goes on all the same." in failed.stdout.decode()
        assert "Why trial 0 failed: faena show HD_" in failed.stdout.decode()

    @pytest.mark.long
    def test_ctrl_c_leaves_it_running(self, folder: Path, tmp_path: Path) -> None:
        follower = subprocess.Popen(
            [
                *FAENA_IN_FRONT,
                "sweep",
                "train.py",
                "--user-managed",
                *GRID,
                "--",
                "--until",
                str(tmp_path / "go"),
            ],
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert follower.stdout is not None and follower.stderr is not None
        with follower:
            try:
                found = follower.stdout.readline().decode().removeprefix("Sweep: ").strip()
                follower.send_signal(signal.SIGINT)
                assert follower.wait(120) == 130
                told = follower.stderr.read().decode()
            finally:
                follower.kill()
        assert f"Sweep {found} goes on" in told and "Traceback" not in told
        assert values(folder, "sweep", "show", found)["state"] == "running"
        assert said(folder, "cancel", found).startswith(found)
        again = within(folder, "sweep", "show", "-f", found)
        assert again.returncode == 143
        assert "The sweep was canceled." in again.stdout.decode()

    @pytest.mark.long
    def test_what_all_trials_wait_for_is_told(self, folder: Path, lasting_workspace: Workspace) -> None:
        JoinedCluster.create(lasting_workspace, "nobody")
        with subprocess.Popen(
            [*FAENA_IN_FRONT, "sweep", "train.py", "--user-managed", "--cluster", "nobody", *GRID],
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
        ) as follower:
            assert follower.stdout is not None
            try:
                found = follower.stdout.readline().decode().removeprefix("Sweep: ").strip()
                assert any(line.startswith(b"[all wait: 'nobody' has no node") for line in follower.stdout)
                shown = said(folder, "sweep", "show", found)
                assert said(folder, "cancel", found).startswith(found)
                assert follower.wait(120) == 143
            finally:
                follower.kill()
        assert "Waits for" in shown and "'nobody' has no node" in shown

    @pytest.mark.long
    def test_a_metric_that_never_came_is_told(self, folder: Path) -> None:
        given = ["--space", "--units=choice(1)", "--sampling", "grid", "--metric", "Acuracy"]
        missing = begin(folder, *given)
        assert missing.returncode == 0
        assert "Acuracy" in missing.stdout.decode() and "Accuracy" in missing.stdout.decode()
        shown = said(folder, "sweep", "show", "@last")
        assert "Did you mean" in shown and "Accuracy" in shown


class TestShown:
    def test_best_first_with_ids_in_a_pipe(self, folder: Path, sweep_id: str) -> None:
        lines = said(folder, "sweep", "show", sweep_id).splitlines()
        assert lines[0] == f"{sweep_id}  Completed"
        facts = dict(line.split(maxsplit=1) for line in lines[1:8])
        assert facts["Policy"] == "bandit(delay_evaluation=5, slack_factor=0.5)"
        assert facts["Metric"] == "Accuracy, maximize"
        rows = [line.split() for line in lines if line.split()[1:2] == ["Completed"]][1:]
        assert [row[0] for row in rows] == ["*2", "1", "0"]
        assert [row[-1] for row in rows] == [f"{sweep_id}_{number}" for number in (2, 1, 0)]
        assert lines[-1].endswith(f"faena diff {sweep_id}_2 {sweep_id}_1")

    def test_what_it_prints_can_be_run(self, folder: Path, sweep_id: str) -> None:
        command = said(folder, "sweep", "show", sweep_id).splitlines()[-1].partition(": faena ")[2]
        assert "units" in said(folder, *command.split())

    @pytest.mark.long
    def test_among_runs(self, folder: Path, sweep_id: str) -> None:
        title, *rows = said(folder, "runs", "--tag", "team=a").splitlines()
        assert title.split()[:4] == ["Run", "Status", "Sweep", "Started"]
        assert [row.split()[:3] for row in rows] == [[sweep_id, "Completed", "3/3"]]  # and no trials
        on_80 = plain(on_terminal(folder, 80, "runs", "--tag", "team=a")).splitlines()
        assert len(on_80) == 2 and "3/3" in on_80[1] and max(map(len, on_80)) <= 80
        assert f"{sweep_id}_2" in said(folder, "runs", "--children", "--experiment", folder.name)
        assert f"faena sweep show {sweep_id}" in said(folder, "show", sweep_id)

    def test_its_log_says_what_it_did(self, folder: Path, sweep_id: str) -> None:
        for words in (["logs", sweep_id], ["logs", "-f", sweep_id]):
            assert f"Scheduling job, id='{sweep_id}_2'" in said(folder, *words)

    def test_it_is_run_again_as_a_sweep(self, folder: Path, sweep_id: str) -> None:
        again = within(folder, "rerun", sweep_id, "--no-follow")
        assert again.returncode == 0, again.stderr.decode()
        assert again.stdout.decode().startswith("HD_")

    @pytest.mark.long
    def test_another_goes_on_from_it(self, folder: Path, sweep_id: str) -> None:
        """Of a grid that is known already but for a combination which is tried again."""
        given = ["--resume-from", sweep_id, "--resume-child", f"{sweep_id}_1"]
        again = begin(folder, *GRID, *given, "--experiment", "goes-on")
        assert again.returncode == 0, again.stderr.decode()
        assert "2 more taken in" in again.stdout.decode()
        found = values(folder, "sweep", "show", "@last:goes-on")["best_first"]
        assert [each["parameters"]["--units"] for each in found if each["number"] >= 0] == [20]
        assert [each["run_id"] for each in found if each["number"] < 0] == [
            f"{sweep_id}_{number}" for number in (2, 0)
        ]

    def test_as_json(self, folder: Path, sweep_id: str) -> None:
        found = values(folder, "sweep", "show", sweep_id, "--limit", "2")
        assert (found["id"], found["state"], found["notes"], found["error"]) == (sweep_id, "ended", [], None)
        assert [trial["number"] for trial in found["best_first"]] == [2, 1]
        assert found["best_first"][0]["parameters"] == {"--units": 300}

    def test_by_its_short_names(self, folder: Path, sweep_id: str) -> None:
        for given in (sweep_id[:-4], "@last:nope"):
            shown = within(folder, "sweep", "show", given)
            assert shown.returncode == int(given.startswith("@")), given
        assert sweep_id in said(folder, "show", sweep_id[:-4])  # and not one of its trials
        refused = within(folder, "sweep", "show", f"{sweep_id}_1")
        assert refused.returncode == 1
        assert f"{sweep_id}_1 is no sweep. It is a run of {sweep_id}." in refused.stderr.decode()

    @pytest.mark.long
    def test_shells_complete_sweeps_and_nothing_else(self, folder: Path, sweep_id: str) -> None:
        for words, expected in (
            (f"faena sweep show {sweep_id[:8]}", {sweep_id}),
            ("faena sweep pause @", {"@last"}),
            ("faena sweep sho", {"show"}),
            ("faena sweep train.py --samp", {"--sampling"}),
            ("faena sweep --sampling so", {"sobol"}),
        ):
            given = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
            answered = piped(folder, given={**given, "_FAENA_COMPLETE": "bash_complete"})
            found = {line.partition(",")[2] for line in answered.stdout.decode().split()}
            assert expected <= found and not {each for each in found if each.startswith(f"{sweep_id}_")}


class TestChanged:
    @pytest.fixture
    def going(self, folder: Path, tmp_path: Path) -> Iterator[str]:
        """A sweep whose trials wait; canceled at the end."""
        (tmp_path / "sweep.yaml").write_text(
            f"script: train.py\nsource: {folder}\nspace:\n  --units: choice(1, 2, 3, 4, 5)\n  --lr: uniform(0, 1)\n"
            "metric: Accuracy\ntrials: 9\nat_once: 1\nuser_managed: true\nexperiment: changed\n"
            f"arguments: [--until, {tmp_path / 'go'}]\n"
        )
        found = said(folder, "sweep", str(tmp_path / "sweep.yaml"), "--trials", "2", "--no-follow").strip()
        yield found
        (tmp_path / "go").touch()
        within(folder, "cancel", found)

    @pytest.mark.long
    def test_paused_given_a_trial_extended_and_resumed(
        self, folder: Path, going: str, tmp_path: Path
    ) -> None:
        view = values(folder, "sweep", "show", going)
        assert (view["spec"]["max_total_runs"], view["spec"]["max_concurrent_runs"]) == (2, 1)  # options win
        assert said(folder, "sweep", "pause", going).startswith(f"{going}: Paused, 0 of 2 trials")
        given = said(folder, "sweep", "enqueue", going, "--units", "4", "--lr=0.25")
        assert given.startswith("trial 1  Waiting  --") and "--lr 0.25" in given and "--units 4" in given
        for wrong, what in (("--units=7", "'--units' cannot be '7'"), ("--unit=1", "did you mean 'units'")):
            refused = within(folder, "sweep", "enqueue", going, wrong, "--lr=0")
            assert refused.returncode == 1 and what in refused.stderr.decode()
        assert said(folder, "sweep", "rerun-failed", going) == "No trial has failed.\n"
        refused = within(folder, "sweep", "adopt", going, going)
        assert refused.returncode == 1 and "UserErrorException" in refused.stderr.decode()
        (tmp_path / "go").touch()
        assert "of 4 trials" in said(folder, "sweep", "extend", going, "--trials", "4", "--at-once", "2")
        assert said(folder, "sweep", "resume", going).startswith(f"{going}: Running")
        until(
            lambda: values(folder, "sweep", "show", going)["state"] == "ended", "it has ended", seconds=ENDED
        )
        found = values(folder, "sweep", "show", going)["best_first"]
        assert len(found) == 4
        assert [each["parameters"] for each in found if each["source"] == "given"] == [
            {"--units": 4, "--lr": 0.25}
        ]

    @pytest.mark.parametrize(
        ("words", "what"),
        [
            (["enqueue", "SWEEP", "--units=1", "--units", "2"], "--units is given twice"),
            (["enqueue", "SWEEP"], "Which parameters?"),
            (["enqueue", "SWEEP", "units"], "'units' is no parameter"),
            (["extend", "SWEEP"], "What is to change?"),
            (["extend", "SWEEP", "--at-once", "0"], "--at-once"),
            (["extend", "SWEEP", "--space", "--lr=uniform(1,0)"], "'--lr': uniform(1, 0) cannot"),
        ],
    )
    def test_what_says_nothing_is_refused(
        self, folder: Path, sweep_id: str, words: list[str], what: str
    ) -> None:
        refused = within(folder, "sweep", *[sweep_id if word == "SWEEP" else word for word in words])
        assert refused.returncode == 2
        assert what in refused.stderr.decode()

    def test_one_that_has_ended_is_left_as_it_is(self, folder: Path, sweep_id: str) -> None:
        for words in (["pause"], ["resume"], ["extend", "--trials", "9"]):
            refused = within(folder, "sweep", words[0], sweep_id, *words[1:])
            assert refused.returncode == 1
            assert "has ended" in refused.stderr.decode()


LR = ["--space", "--lr=uniform(0, 1)"]
ACCURACY = ["--metric", "Accuracy", "--trials", "3"]


class TestRefused:
    """Before a workspace is opened: there is none here."""

    @pytest.mark.parametrize(
        ("words", "what"),
        [
            (ACCURACY, "The space is empty. Give a parameter: --space"),
            ([*LR, "--trials", "3"], "Which metric is to be tuned for?"),
            ([*LR, "--metric", "Accuracy"], "How many trials?"),
            ([*LR, *LR, *ACCURACY], "parameter '--lr' is given twice"),
            ([*LR, "--space", "lr=flag", *ACCURACY], "parameter 'lr' is given twice"),
            (["--space", "--lr", *ACCURACY], "Use NAME=EXPRESSION"),
            (["--space", "--lr=unifrom(0, 1)", *ACCURACY], "'--lr' cannot be read: 'unifrom' is no expression"),
            (["--space", "--lr=uniform(1, 0)", *ACCURACY], "'--lr': uniform(1, 0) cannot be drawn from: min"),
            (["--space", "--lr=0.1", *ACCURACY], "'--lr' is 0.1. Give an expression"),
            (["--space", "--lr=", *ACCURACY], "'--lr' cannot be read: expected a value"),
            ([*LR, *ACCURACY, "--at-once", "0"], "'--at-once': 0 is not"),
            ([*LR, "--metric", "Accuracy", "--trials", "0"], "'--trials': 0 is not"),
            ([*LR, *ACCURACY, "--policy", "bandot(slack_factor=1)"], "There is no policy 'bandot'. Did you mean"),
            ([*LR, *ACCURACY, "--policy", "bandit(slack_facter=1)"], "no field 'slack_facter'. Did you mean"),
            ([*LR, *ACCURACY, "--policy", "bandit"], "needs slack_factor or slack_amount"),
            ([*LR, *ACCURACY, "--policy", "bandit(slack_factor=x)"], "The policy bandit cannot be used"),
            ([*LR, *ACCURACY, "--policy", "bandit(0.1)"], "expected a field by its name"),
            ([*LR, *ACCURACY, "--sampling", "grid"], "'--lr' has no end of values"),
            ([*LR, *ACCURACY, "--sampling", "grit"], "'--sampling'"),
            ([*LR, *ACCURACY, "--model", "gp"], "'gp' is what bayesian learns with"),
            ([*LR, *ACCURACY, "--sampling", "pbt"], "Give --population 8"),
            ([*LR, *ACCURACY, "--sampling", "pbt", "--population", "2"], "Give --checkpoint-argument"),
            ([*LR, *ACCURACY, "--population", "2"], "population is of pbt and nsga2, and the sampling is random"),
            (
                [*LR, *ACCURACY, "--sampling", "nsga2", "--population", "8", "--quantile-fraction", "0.1"],
                "quantile_fraction is of pbt",
            ),
            ([*LR, *ACCURACY, "--sampling", "nsga2", "--population", "20000"], "population is 20000"),
            ([*LR, *ACCURACY, "--constraint", "rl < 1"], "'rl' is no parameter of the space"),
            ([*LR, *ACCURACY, "--metric-constraint", "latency <"], "A constraint cannot be read"),
            ([*LR, *ACCURACY, "--metrics", "latency"], "use NAME=maximize or NAME=minimize"),
            ([*LR, *ACCURACY, "--metrics", "Accuracy=minimize"], "'Accuracy' is the primary one"),
            ([*LR, *ACCURACY, "--bogus"], "Those of the script stand behind --"),
        ],
    )  # fmt: skip
    def test_and_named(self, tmp_path: Path, words: list[str], what: str) -> None:
        (tmp_path / "train.py").touch()
        refused = within(tmp_path, "sweep", "train.py", *words)
        assert (refused.returncode, refused.stdout) == (2, b"")
        assert what in refused.stderr.decode()

    def test_with_the_line_of_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "train.py").touch()
        for field, what in (
            ("policy: bandot", "There is no policy 'bandot'"),
            ("policy: {kind: bandit}", "needs slack_factor or slack_amount"),
            ("constraints: ['b < 1']", "'b' is no parameter of the space"),
            ("metrics: {a: minimize}", "'a' is the primary one"),
            ("sampling: grid", "'--lr' has no end of values"),
        ):
            (tmp_path / "tune.yaml").write_text(
                f"script: train.py\nspace: {{--lr: 'uniform(0, 1)'}}\nmetric: a\ntrials: 3\n{field}\n"
            )
            refused = within(tmp_path, "sweep", "tune.yaml")
            assert refused.returncode == 2
            said = refused.stderr.decode()
            assert f"tune.yaml, line 5: {field.partition(':')[0]}: " in said and what in said

    def test_what_is_not_there(self, tmp_path: Path) -> None:
        (tmp_path / "train.py").touch()
        (tmp_path / "tune.yaml").write_text("script: train.py\nspace: {a: flag}\nmetric: a\npolicy: bandot\n")
        for given, what in (
            (["trian.py"], "There is no script 'trian.py'. Did you mean train.py?"),
            (["tune.yml"], "There is no file 'tune.yml'"),
            (["tune.yaml"], "tune.yaml, line 4: policy: There is no policy 'bandot'. Did you mean"),
            (["shwo", "HD_1"], "Did you mean `faena sweep show`?"),
            (["train.py", "--source", "nowhere"], "There is no folder 'nowhere'"),
            (["--seed", "1", "pause"], "takes its options behind its name"),
        ):
            refused = within(tmp_path, "sweep", *given)
            assert refused.returncode == 2
            assert what in refused.stderr.decode()

    def test_in_lines_without_what_a_terminal_would_obey(self, tmp_path: Path) -> None:
        (tmp_path / "train.py").touch()
        refused = within(tmp_path, "sweep", "train.py", "--space", "--lr=\x1b[2Juniform(", *ACCURACY)
        assert refused.returncode == 2 and b"\x1b" not in refused.stderr
