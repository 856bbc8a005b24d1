"""How runs and workspaces are named on a command line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.core import Command, Context, Group

from faena import Experiment, Run, Workspace
from faena.cli.main import main
from faena.cli.naming import id_of
from faena.kernel.errors import NotFound, UserErrorException
from tests.cli.terminal import piped, within


@pytest.fixture(scope="module")
def history(lasting_workspace: Workspace) -> Workspace:
    lasting_workspace.write_config(lasting_workspace.folder)
    for number, run_id in enumerate(("apple_1", "apple_2", "apple_22", "pear_1_x", "pearX1")):
        experiment = Experiment(lasting_workspace, "fruit" if number < 4 else "other")
        experiment.start_logging(run_id=run_id, outputs=None, snapshot_directory=None).complete()
    Run.get(lasting_workspace, "pear_1_x").archive()
    with Experiment(lasting_workspace, "other").start_logging(
        run_id="parent", outputs=None, snapshot_directory=None
    ) as parent:
        parent.child_run(run_id="the-child").complete()
    return lasting_workspace


class TestRuns:
    @pytest.mark.parametrize(
        ("given", "meant"),
        [
            ("apple_2", "apple_2"),  # an id, though others begin with it
            ("apple_22", "apple_22"),
            ("apple_1", "apple_1"),
            ("pear_", "pear_1_x"),  # archived; no letter stands for others
            ("pearX", "pearX1"),
            ("the", "the-child"),
            ("@last", "parent"),
            ("@last:fruit", "apple_22"),
            ("@last:other", "parent"),
        ],
    )
    def test_one_is_meant(self, history: Workspace, given: str, meant: str) -> None:
        assert id_of(history.api, given) == meant

    def test_several_could_be_meant(self, history: Workspace) -> None:
        with pytest.raises(UserErrorException, match="'app' could mean apple_22, apple_2, apple_1"):
            id_of(history.api, "app")

    @pytest.mark.parametrize(
        "given", ["nope", "APPLE_1", "pple", "apple_222", "%", "@last:nope", "@first", "apple%"]
    )
    def test_none_is_meant(self, history: Workspace, given: str) -> None:
        with pytest.raises(NotFound):
            id_of(history.api, given)

    @pytest.mark.parametrize("given", ["", "../x", "a/b", "a\0", "x" * 501])
    def test_what_can_be_the_name_of_nothing(self, history: Workspace, given: str) -> None:
        with pytest.raises(UserErrorException):
            id_of(history.api, given)

    def test_a_list_that_is_cut_short_says_so(self, history: Workspace) -> None:
        count = len(json.loads(within(history.folder, "runs", "--json", "--limit", "1000").stdout))
        for limit in ("--limit=1", f"--limit={count - 1}"):
            assert b"--limit" in within(history.folder, "runs", "--json", limit).stderr
        assert b"--limit" not in within(history.folder, "runs", f"--limit={count}").stderr

    @pytest.mark.long
    def test_a_deleted_one_is_not_taken_for_another(self, history: Workspace) -> None:
        for run_id in ("plum", "plum_2"):
            Experiment(history, "gone").start_logging(
                run_id=run_id, outputs=None, snapshot_directory=None
            ).complete()
        unasked = piped(history.folder, "delete", "plum")
        assert unasked.returncode == 1
        assert b"--yes" in unasked.stderr
        assert piped(history.folder, "delete", "plum", typed=b"n\n").returncode == 0
        assert id_of(history.api, "plum") == "plum"
        assert within(history.folder, "wait", "plum", "--timeout", "0").returncode == 0
        assert piped(history.folder, "delete", "plum", typed=b"y\n").returncode == 0
        with pytest.raises(NotFound, match="was deleted"):
            id_of(history.api, "plum")
        assert id_of(history.api, "plu") == "plum_2"
        assert within(history.folder, "delete", "plu", "--yes").returncode == 0

    @pytest.mark.long
    def test_every_command_that_takes_runs_takes_their_short_names(
        self, history: Workspace, tmp_path: Path
    ) -> None:
        """What each says of `parent`, named as `@last:other`."""
        further = {
            "metrics": ["--json"],
            "tag": ["a=b"],
            "name": ["x"],
            "download": ["--output", str(tmp_path / "files")],
            "export": [str(tmp_path / "exported")],
            "diff": ["the"],
            "archive": ["--undo"],
            "delete": ["--dry-run"],
            "register": ["nothing", "--name", "x"],
        }
        refused = {
            "rerun",
            "resume",
            "source",
            "register",
            "rebuild",
        }  # a run of a notebook's process cannot be
        refused.add("plot")  # it has no numbers
        names = set(_with_runs(main)) - {
            "adopt",
            "tensorboard",
        }  # takes a sweep before them; goes on where it can
        assert names >= {"show", "logs", "cancel", "wait", "plot", "describe", *further, *refused}
        for name in names:
            words = ["env", "rebuild"] if name == "rebuild" else [name]
            done = within(history.folder, *words, "@last:other", *further.get(name, []))
            assert b"There is no run" not in done.stderr, name
            assert bool(done.returncode) is (name in refused), (name, done.stderr.decode())

    @pytest.mark.long
    def test_shells_complete_them(self, history: Workspace) -> None:
        for words, expected in (
            ("faena show app", {"apple_1", "apple_2", "apple_22"}),
            ("faena diff apple_1 pear", {"pear_1_x", "pearX1"}),
            ("faena wait @", {"@last"}),
            ("faena show -w nowhere a", set()),
        ):
            given = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
            done = piped(history.folder, given={**given, "_FAENA_COMPLETE": "bash_complete"})
            assert {line.partition(",")[2] for line in done.stdout.decode().split()} == expected
            assert done.stderr == b""

    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_each_shell_has_its_script(self, history: Workspace, shell: str) -> None:
        done = within(history.folder, "completion", shell)
        assert done.returncode == 0
        assert f"_FAENA_COMPLETE={shell}_complete" in done.stdout.decode()


class TestWorkspaces:
    def test_by_folder_and_by_name_from_anywhere(self, history: Workspace, tmp_path: Path) -> None:
        ways: list[tuple[list[str], dict[str, str]]] = [
            (["runs", "-w", str(history.folder)], {}),
            (["-w", str(history.folder / ".faena"), "runs"], {}),
            (["runs", "--workspace", str(history.folder / "config.json")], {}),
            (["runs"], {"FAENA_WORKSPACE": str(history.folder)}),
            (["runs", "-w", os.path.relpath(history.folder, tmp_path)], {"FAENA_WORKSPACE": "nowhere"}),
            (
                ["runs"],
                {"FAENA_WORKSPACE": "x", "FAENA_WORKSPACE_FOLDER": str(history.folder), "FAENA_RUN_ID": "r"},
            ),
        ]
        for words, given in ways:
            done = within(tmp_path, *words, "--json", given=given)
            assert done.returncode == 0, done.stderr
            assert "apple_1" in {row["id"] for row in json.loads(done.stdout)}
        named = Workspace.create("called-by-name", tmp_path / "named")
        done = within(tmp_path, "clusters", "-w", "called-by-name")
        assert (done.returncode, done.stdout[:15]) == (0, b"No clusters yet")
        named.api.stop()

    @pytest.mark.parametrize(
        ("given", "said"), [("nowhere-at-all", "Known here"), ("./nowhere", "no folder")]
    )
    def test_one_that_there_is_not(self, tmp_path: Path, given: str, said: str) -> None:
        done = within(tmp_path, "runs", "-w", given)
        assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
        assert said in done.stderr.decode()

    def test_a_command_that_works_in_none_refuses_it(self, tmp_path: Path) -> None:
        done = within(tmp_path, "-w", str(tmp_path), "init")
        assert (done.returncode, list(tmp_path.iterdir())) == (2, [])
        assert b"leave out --workspace" in done.stderr

    def test_every_command_in_a_workspace_takes_it(self) -> None:
        without = {"init", "restore", "import-workspace", "drill", "completion"}
        for name, command in _all(main):
            has = any("--workspace" in param.opts for param in command.params)
            assert has is (name not in without), name


def _all(group: Group) -> Iterator[tuple[str, Command]]:
    ctx = Context(group)
    for name in group.list_commands(ctx):
        found = group.get_command(ctx, name)
        assert found is not None
        if isinstance(found, Group):
            yield from _all(found)
        else:
            yield name, found


def _with_runs(group: Group) -> Iterator[str]:
    for name, command in _all(group):
        if any(
            "RUN" in (param.metavar or "") and param.param_type_name == "argument" for param in command.params
        ):
            yield name
