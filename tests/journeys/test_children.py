"""Runs below runs, started from notebooks and from scripts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from faena import Cluster, Estimator, Experiment, ScriptRunConfig, Workspace
from faena.client.runs.run import Run
from faena.kernel import ids
from faena.kernel.errors import NotFound, UserErrorException
from tests.examples import long_form
from tests.journeys.scripts import Project
from tests.journeys.test_interactive import ended
from tests.script.conftest import find_interpreter


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


@pytest.fixture
def parent(workspace: Workspace) -> Run:
    """Each in an experiment of its own."""
    return Experiment(workspace, ids.new_id("family")).start_logging(
        name="parent", snapshot_directory=None, outputs=None
    )


class TestInAProcess:
    def test_children_know_their_parent_and_are_found_from_there(self, parent: Run) -> None:
        with parent.child_run("one") as one:
            one.log("x", 1)
            with one.child_run("below") as below:
                below.log("x", 2)
        two = parent.child_run(run_id="two")
        assert (two.id, two.get_status(), one.get_status()) == ("two", "Running", "Completed")
        assert one.parent.id == parent.id
        assert parent.parent is None
        assert [child.id for child in parent.get_children()] == ["two", one.id]
        assert [child.name for child in parent.get_children(recursive=True)] == [None, "below", "one"]
        assert [child.id for child in parent.get_children(status="Running")] == ["two"]
        assert parent.get_metrics(recursive=True) == {
            parent.id: {},
            one.id: {"x": 1},
            below.id: {"x": 2},
            "two": {},
        }
        two.complete()

    def test_only_parents_are_listed_unless_asked(self, parent: Run) -> None:
        parent.child_run().complete()
        experiment = Experiment(parent.experiment.workspace, parent.experiment.name)
        assert [run.id for run in experiment.get_runs()] == [parent.id]
        assert len(list(experiment.get_runs(include_children=True))) == 2

    @pytest.mark.long
    def test_many_at_once_with_a_tag_each(self, parent: Run) -> None:
        children = parent.create_children(tag_key="depth", tag_values=range(30))
        assert len({child.id for child in children}) == 30
        for child in children:
            child.log("depth", int(child.get_tags()["depth"]))
        found = {child.id: child for child in parent.get_children(tags={"depth": "17"})}
        assert list(found) == [children[17].id]
        assert children[17].get_metrics() == {"depth": 17}
        for child in children:
            child.complete()
        assert {child.get_status() for child in parent.get_children()} == {"Completed"}

    def test_outputs_of_a_child_are_those_it_was_given(self, parent: Run, tmp_path: Path) -> None:
        folder = tmp_path / "fold"
        folder.mkdir()
        (folder / "model.bin").write_text("m")
        with parent.child_run(outputs=folder) as child:
            child.log("x", 1)
        assert child.get_file_names() == ["fold/model.bin"]

    def test_a_submitted_child(self, parent: Run, tmp_path: Path) -> None:
        (tmp_path / "train.py").write_text("from faena import Run; Run.get_context().log('x', 1)")
        cluster = Cluster.get_or_create(parent.experiment.workspace, "of-children", max_nodes=1)
        estimator = Estimator(
            tmp_path, entry_script="train.py", compute_target=cluster, interpreter=sys.executable
        )
        child = parent.submit_child(estimator, tags={"fold": "1"})
        child.wait_for_completion()
        assert child.parent.id == parent.id
        assert [run.id for run in parent.get_children(type="azureml.scriptrun")] == [child.id]
        assert child.get_tags() == {"fold": "1"}

    def test_children_that_cannot_be(self, parent: Run) -> None:
        refused: list[tuple[dict[str, Any], str]] = [
            ({}, "either count, or tag_key and tag_values"),
            ({"tag_key": "x"}, "either count, or tag_key and tag_values"),
            ({"tag_values": [1]}, "either count, or tag_key and tag_values"),
            ({"count": 0}, "0 children"),
            ({"count": 101}, "101 children"),
            ({"count": -1}, "-1 children"),
            ({"count": 2.0}, "2.0 children"),
            ({"count": True}, "True children"),
            ({"count": "3"}, "'3' children"),
            ({"count": 3, "tag_key": "x", "tag_values": [1]}, "count is 3, and there are 1"),
            ({"tag_key": "x", "tag_values": []}, "0 children"),
            ({"tag_key": "", "tag_values": [1]}, "key of a tag"),
        ]
        for given, message in refused:
            with pytest.raises(UserErrorException, match=message):
                parent.create_children(**given)
        assert list(parent.get_children()) == []

    def test_a_parent_that_is_not_there(self, workspace: Workspace, tmp_path: Path) -> None:
        (tmp_path / "train.py").write_text("")
        config = ScriptRunConfig(tmp_path, "train.py")
        with pytest.raises(NotFound, match="no run 'nobody'"):
            Experiment(workspace, "family").submit(config, parent="nobody")


@pytest.mark.few(1)
@pytest.mark.parametrize("version", ["oldest", "3.11", long_form("3.13")])
def test_children_of_a_script(project: Project, version: str) -> None:
    own = version.replace(".", "_")
    run = project.run(
        """
        import os
        from faena import Run

        run = Run.get_context()
        with run.child_run("fold") as child:
            child.log("loss", 0.5)
            child.tag("kind", "first")
            assert child.get_metrics() == {"loss": 0.5}
            with child.child_run() as below:
                below.log_list("list", [1, 2])
            open("outputs/m.bin", "w").write("m")
            child.upload_file("m.bin", "outputs/m.bin")
            child.register_model("of-child", "m.bin")
        for number, child in enumerate(run.create_children(3)):
            child.log("n", number)
            child.complete()
        failed = run.child_run(run_id="failed-VERSION")
        failed.fail(ValueError("too deep"))
        left = run.child_run(run_id="left-VERSION")
        left.log("x", 7)
        assert left.parent.id == run.id and run.parent is None
        try:
            failed.log("x", 1)
        except Exception as error:
            run.tag("refused", str(error))
        run.tag("children", len(list(run.get_children())))
        if os.fork() == 0:
            os._exit(0)
        os.wait()
        """.replace("VERSION", own),
        interpreter=find_interpreter(version),
    )
    assert run.get_status() == "Completed", run.refresh().error
    ends = {child.id: child.get_status() for child in run.get_children(recursive=True)}
    assert sorted(ends.values()) == ["Completed"] * 6 + ["Failed"]
    assert ends[f"failed-{own}"] == "Failed"
    assert run.get_tags()["children"] == "6"
    assert "has ended; 'x' was not logged" in run.get_tags()["refused"]
    [first] = run.get_children(tags={"kind": "first"})
    assert first.get_metrics() == {"loss": 0.5}
    assert first.name == "fold"
    left = Run(run.experiment, f"left-{own}")
    assert left.get_metrics() == {"x": 7}
    assert left.refresh().notes[0].code == "left_open"
    assert run.experiment.workspace.api.models.get("of-child", None).run_id == first.id


@pytest.mark.long
def test_children_of_a_killed_script_fail_with_it(project: Project) -> None:
    run = project.run("""
        import os, signal
        from faena import Run
        run = Run.get_context()
        for child in run.create_children(3):
            child.log("x", 1)
        run.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    assert run.get_status() == "Failed"
    children = list(run.get_children())
    assert [ended(child) for child in children] == ["Failed"] * 3
    assert [child.get_metrics() for child in children] == [{"x": 1}] * 3


def test_children_of_an_offline_run_are_offline(capsys: pytest.CaptureFixture[str]) -> None:
    from faena.script.run import Run as ScriptRun

    with ScriptRun.get_context().child_run("fold") as child:
        child.log("x", 1)
    assert child.id.startswith("OfflineRun")
    assert "scalar metric x" in capsys.readouterr().out
