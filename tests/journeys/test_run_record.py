"""What a run's record takes and gives back, from outside and inside the script alike."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faena import Experiment, Workspace
from faena.client.runs.run import Run
from faena.kernel.errors import Conflict, NotFound, UserErrorException
from tests.journeys.scripts import Project
from tests.script.conftest import find_interpreter

MATRIX = {
    "schema_type": "confusion_matrix",
    "schema_version": "v1",
    "data": {"class_labels": ["0", "1"], "matrix": [[3, 1], [0, 4]]},
}
RESIDUALS = {
    "schema_type": "residuals",
    "schema_version": "v1",
    "data": {"bin_edges": [1], "bin_counts": [2]},
}

BAD_NAMES = [
    "",
    "../x",
    "a/../x",
    "/etc/x",
    "..\\x",
    "a//b",
    "a\0b",
    "x" * 1025,
    "//proc/self/root",
    "a/",
]


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


class Figure:
    def savefig(self, target: Any, format: str) -> None:  # noqa: A002  matplotlib's word
        target.write(format.encode())


def ended(project: Project) -> Run:
    (project.folder / "lib").mkdir(parents=True)
    (project.folder / "lib" / "tool.sh").write_text("echo")
    (project.folder / "lib" / "tool.sh").chmod(0o755)
    return project.run("open('outputs/model.bin', 'w').write('m'); print('hello')")


@pytest.fixture
def run(project: Project) -> Run:
    """One that has ended."""
    return ended(project)


@pytest.fixture(scope="module")
def left_alone(common_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One that has ended, for tests that change nothing of it."""
    return ended(Project(common_workspace, tmp_path_factory.mktemp("left-alone")))


class TestMarks:
    def test_tags_change_and_properties_do_not(self, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
        run.tag("team", "a")
        run.set_tags({"team": "b", "epochs": 3, "mark": None})
        assert run.get_tags() == run.tags == {"team": "b", "epochs": "3", "mark": ""}
        assert "'epochs' got a value of type int" in capsys.readouterr().err
        run.add_properties({"data": "v1", "seed": 4})
        run.add_properties({"data": "v1"})
        with pytest.raises(Conflict, match=r"'data'.*'v1'"):
            run.add_properties({"new": "x", "data": "v2"})
        added = {"data": "v1", "seed": "4"}
        assert run.get_properties() == run.properties == added | {"ContentSnapshotId": run.get_snapshot_id()}
        details = run.get_details()
        assert details["tags"]["team"] == "b"
        assert details["properties"] == {
            "ContentSnapshotId": run.get_snapshot_id(),
            "data": "v1",
            "seed": "4",
        }

    @pytest.mark.parametrize("key", ["", "a\0b", "x" * 256])
    def test_a_key_that_cannot_be_is_named(self, left_alone: Run, key: str) -> None:
        for mark in (left_alone.set_tags, left_alone.add_properties):
            with pytest.raises(UserErrorException, match="key of a"):
                mark({key: "x"})


class TestUploads:
    def test_files_and_folders_of_a_run_of_the_past(self, run: Run, tmp_path: Path) -> None:
        folder = tmp_path / "plots"
        (folder / "deep").mkdir(parents=True)
        for name in ("a.txt", "deep/b #1%2e?.txt"):
            (folder / name).write_text(name)
        run.upload_file("notes/one.txt", folder / "a.txt")
        with (folder / "a.txt").open("rb") as stream:
            run.upload_file("notes/two.txt", stream)
        kept = run.upload_files(["x", "y"], [folder / "a.txt"] * 2, return_artifacts=True, timeout_seconds=50)
        assert kept == {"x": {"name": "x", "size": 5}, "y": {"name": "y", "size": 5}}
        run.upload_folder("plots", folder)
        assert {"notes/one.txt", "notes/two.txt", "x", "y", "plots/a.txt", "plots/deep/b #1%2e?.txt"} <= {
            *run.get_file_names()
        }
        run.download_files("plots/", tmp_path / "back")
        assert (tmp_path / "back/plots/deep/b #1%2e?.txt").read_text() == "deep/b #1%2e?.txt"

    def test_a_name_that_is_taken_keeps_its_bytes(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "m").write_text("m")
        (tmp_path / "other").write_text("other")
        run.upload_file("outputs/model.bin", tmp_path / "m")
        for name, reason in {
            "outputs/model.bin": "bytes differ",
            "outputs": "is a folder",
            "outputs/model.bin/x": "is a file",
            "azureml-logs/70_driver_log.txt": "log of the run",
        }.items():
            with pytest.raises(UserErrorException, match=f"{name}.*{reason}"):
                run.upload_file(name, tmp_path / "other")
        run.download_file("outputs/model.bin", tmp_path / "back")
        assert (tmp_path / "back").read_text() == "m"

    @pytest.mark.parametrize("name", BAD_NAMES)
    def test_a_name_that_leaves_the_run_is_refused(self, left_alone: Run, name: str, tmp_path: Path) -> None:
        before = left_alone.get_file_names()
        (tmp_path / "a").write_text("x")
        calls: list[Callable[[], object]] = [
            lambda: left_alone.upload_file(name, tmp_path / "a"),
            lambda: left_alone.upload_files([name], [tmp_path / "a"]),
            lambda: left_alone.download_file(name or "none", tmp_path / "got"),
            lambda: left_alone._ask("upload_files", {"files": {name: str(tmp_path / "a")}}),
        ]
        for call in calls:
            with pytest.raises(UserErrorException):
                call()
        assert left_alone.get_file_names() == before
        assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["a"]

    def test_what_is_no_file_is_refused(self, left_alone: Run, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        for path in (tmp_path / "pipe", tmp_path / "none", tmp_path, "a\0b", ""):
            with pytest.raises(UserErrorException):
                left_alone.upload_file("x", path)
        for given in (str(tmp_path / "pipe"), "relative", "/dev/zero"):
            with pytest.raises(UserErrorException, match="There is no file"):
                left_alone._ask("upload_files", {"files": {"x": given}})
        with pytest.raises(UserErrorException, match="not a regular file"):
            left_alone.upload_folder("x", tmp_path)
        with pytest.raises(TypeError, match="1 names and 2 paths"):
            left_alone.upload_files(["a"], ["b", "c"])

    def test_a_download_stays_in_its_folder(self, left_alone: Run, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "out" / "outputs").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(UserErrorException, match="outside"):
            left_alone.download_files("outputs/", tmp_path / "out")
        with pytest.raises(UserErrorException, match="outside"):
            left_alone.download_files("outputs/", tmp_path / "out", output_paths=["../../x"])
        with pytest.raises(UserErrorException, match="Give one for each"):
            left_alone.download_files("outputs/", output_paths=[])
        assert not list((tmp_path / "elsewhere").iterdir())


class TestCharts:
    def test_from_outside(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "p.png").write_bytes(b"png")
        run.log_image("Plot", plot=Figure())
        run.log_image("File", path=tmp_path / "p.png")
        run.log_confusion_matrix("cm", MATRIX)
        run.log_residuals("res", RESIDUALS)
        run.log_residuals("res", {**RESIDUALS, "data": {"bin_edges": [5], "bin_counts": [6]}})
        found = run.get_metrics()
        names = run.get_file_names()
        address = f"aml://artifactId/ExperimentRun/dcid.{run.id}/"
        assert found["cm"] == f"{address}cm"
        assert found["Plot"].startswith(f"{address}Plot_") and found["Plot"].endswith(".png")
        assert all(value.removeprefix(address) in names for value in [found["Plot"], *found["res"]])
        filled = run.get_metrics(populate=True)
        assert filled["cm"] == MATRIX
        assert filled["Plot"] == found["Plot"]
        assert [each["data"]["bin_edges"] for each in filled["res"]] == [[1], [5]]

    @pytest.mark.parametrize(
        "value",
        [
            "{", "[]", 3, {}, {**MATRIX, "schema_type": "residuals"}, {**MATRIX, "data": []},
            {**MATRIX, "schema_version": ""},
            {**MATRIX, "data": {"class_labels": ["0"], "matrix": [[1, 2]]}},
            {**MATRIX, "data": {**MATRIX["data"], "x": object()}},  # type: ignore[dict-item]  # what is wrong is meant
        ],
    )  # fmt: skip
    def test_a_value_out_of_its_schema_is_refused(self, left_alone: Run, value: Any) -> None:
        with pytest.raises(UserErrorException, match=r"log_confusion_matrix\('cm'\)"):
            left_alone.log_confusion_matrix("cm", value)
        assert "cm" not in left_alone.get_file_names()

    def test_an_image_comes_from_one_place(self, left_alone: Run) -> None:
        wrong: list[dict[str, Any]] = [{}, {"path": "a", "plot": Figure()}, {"plot": object()}]
        for given in wrong:
            with pytest.raises(UserErrorException, match="log_image"):
                left_alone.log_image("x", **given)


class TestInside:
    @pytest.mark.parametrize("version", ["oldest", "3.11"])
    def test_the_script_has_the_same_record(self, project: Project, version: str) -> None:
        python = find_interpreter(version)
        if python is None:
            pytest.skip(f"no CPython {version} on this machine")
        run = project.submit(
            """
            import os
            from faena import Run
            run = Run.get_context()
            os.mkdir("plots"); open("plots/a.txt", "w").write("a")
            run.upload_folder("plots", "plots")
            run.upload_files(["f"], ["plots/a.txt"])
            run.tag("team", "x"); run.add_properties({"p": 1})
            assert run.get_tags() == {"team": "x"}, run.get_tags()
            assert run.properties["p"] == "1"
            run.log_confusion_matrix("cm", MATRIX)
            run.log("loss", 0.5)
            assert run.get_metrics(populate=True)["cm"]["data"]["class_labels"] == ["0", "1"]
            assert list(run.get_metrics(recursive=True)) == [run.id]
            assert run.get_details()["runId"] == run.id and run.number == 1 and run.status == "Running"
            assert run.restore_snapshot(path="s.zip") == os.path.abspath("s.zip") and os.path.getsize("s.zip")
            run.download_file("f", "back.txt"); assert open("back.txt").read() == "a"
            assert [each.id for each in type(run).list(run.experiment, tags={"team": "x"})] == [run.id]
            try:
                run.add_properties({"p": 2})
            except Exception as error:
                assert "'p'" in str(error), error
            else:
                raise SystemExit("no error")
            """.replace("MATRIX", repr(MATRIX)),
            interpreter=python,
            experiment=f"inside-{version}",
        )
        run.wait_for_completion()
        assert {"plots/a.txt", "f", "cm"} <= {*run.get_file_names()}


class TestLists:
    @pytest.mark.long
    def test_filters_and_pages(self, project: Project, workspace: Workspace) -> None:
        made = [project.submit("print(1)", experiment="many") for _ in range(3)]
        for run in made:
            run.wait_for_completion()
        made[0].set_tags({"team": "a", "x": "y" * 200})
        made[1].tag("team", "b")
        made[2].add_properties({"kind": "c"})
        experiment = Experiment(workspace, "many")

        def ids(**wanted: Any) -> list[str]:
            return [run.id for run in Run.list(experiment, **wanted)]

        assert ids() == [run.id for run in reversed(made)]
        assert ids(tags="team") == [made[1].id, made[0].id]
        assert ids(tags={"team": "a", "x": "y" * 200}) == [made[0].id]
        assert ids(tags={"x": "y" * 199}) == []
        assert [run.id for run in experiment.get_runs(properties={"kind": "c"})] == [made[2].id]
        assert ids(status="Completed", type="azureml.scriptrun") == ids()
        assert ids(status="Failed") == ids(type="hyperdrive") == []
        with pytest.raises(UserErrorException, match="'Done' is not a state"):
            ids(status="Done")
        assert [found.name for found in Experiment.list(workspace)].count("many") == 1
        with pytest.raises(NotFound, match=made[0].id):
            Run(Experiment(workspace, "other"), made[0].id)
        assert Run(experiment, made[0].id).number == 1

    def test_a_tag_of_sql_is_a_tag(self, run: Run) -> None:
        odd = "'; DROP TABLE runs; -- %_"
        run.set_tags({odd: odd})
        assert [found.id for found in run.list(run.experiment, tags={odd: odd})] == [run.id]
        assert not list(run.list(run.experiment, tags={"%": "%"}))


def test_the_snapshot_comes_back_as_an_archive(left_alone: Run, tmp_path: Path) -> None:
    path = left_alone.restore_snapshot(path=tmp_path)
    assert path == str(tmp_path / f"{left_alone.get_snapshot_id()}.zip")
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["lib/tool.sh", "train.py"]
        assert archive.getinfo("lib/tool.sh").external_attr >> 16 == 0o100755
        assert b"hello" in archive.read("train.py")
    with pytest.raises(NotFound, match="There is no snapshot"):
        left_alone.restore_snapshot("0" * 64, tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "a.py").write_text("x")
    with pytest.raises(Conflict, match="never changes"):
        left_alone.take_snapshot(tmp_path / "new")


def test_logs_come_with_the_details_and_as_files(left_alone: Run, tmp_path: Path) -> None:
    name = "azureml-logs/70_driver_log.txt"
    assert left_alone.get_details()["logFiles"] == {name: name}
    assert left_alone.get_details_with_logs()["logFiles"] == {name: "hello\n"}
    assert left_alone.get_all_logs(tmp_path) == [str(tmp_path / name)]
    assert (tmp_path / name).read_text() == "hello\n"
