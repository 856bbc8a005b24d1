"""What is damaged, refused or leads astray is told; everything else comes all the same."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faena import Workspace
from faena.client.mlflow_stores import numbers
from faena.client.mlflow_stores.report import Counts
from faena.kernel.errors import UserErrorException
from tests.mlflow_stores.stores import BEGAN, FolderOfMlflow, history_of, run_of, told, write


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


@pytest.fixture
def store(tmp_path: Path) -> FolderOfMlflow:
    return FolderOfMlflow(tmp_path / "mlruns")


def test_a_folder_of_something_else(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path / "a" / "meta.yaml", "some: thing\n")
    write(tmp_path / "mlflow.db", "")
    with pytest.raises(
        UserErrorException, match=r"is no store of MLflow's.*For the database in it give 'sqlite:///"
    ):
        workspace.import_mlflow(str(tmp_path))
    with pytest.raises(UserErrorException, match="There is no folder"):
        workspace.import_mlflow(str(tmp_path / "nowhere"))


@pytest.mark.long
def test_one_bad_run_stops_none_of_the_others(workspace: Workspace, store: FolderOfMlflow) -> None:
    bad = [store.run() for _ in range(5)]
    good = store.run(
        metrics={"loss": f"{BEGAN} 1 0\nnonsense\n{BEGAN + 1} 2 1\n{'9' * 30} 1 1\n", "none": ""},
        params={"p": "1"},
    )
    folders = [store.folder / run_id for run_id in bad]
    for folder, content in zip(folders, ("{", "[" * 100_000, "- 1\n", "a: " + "x" * 300_000), strict=False):
        write(folder / "meta.yaml", content)
    write(folders[4] / "meta.yaml", f"run_id: {good}\n")
    (store.folder / good / "params" / "link").symlink_to("/etc/hostname")
    report = workspace.import_mlflow(str(store.root))
    assert report.runs == Counts(there=6, new=1, refused=5)
    assert {note.about for note in report.notes} == {f"run {run_id}" for run_id in (*bad, good)}
    assert [note.said for note in report.notes if "lines of" in note.said] == [
        "2 lines of its metric 'loss' are no points"
    ]
    assert history_of(workspace, good, "loss") == [(BEGAN, 0, 1.0), (BEGAN + 1, 1, 2.0)]
    assert [pair["key"] for pair in run_of(workspace, good)["data"]["params"]] == ["p"]


def test_an_experiment_whose_record_is_damaged(workspace: Workspace, store: FolderOfMlflow) -> None:
    run_id = store.run()
    write(store.folder / "meta.yaml", "{")
    report = workspace.import_mlflow(str(store.root))
    assert report.runs == Counts(there=1, new=1)
    number = run_of(workspace, run_id)["info"]["experiment_id"]
    assert (
        told(workspace, "experiments/get", experiment_id=number)["experiment"]["name"]
        == f"mlflow {store.number}"
    )


def test_nothing_out_of_the_folder_of_artifacts_comes(
    workspace: Workspace, store: FolderOfMlflow, tmp_path: Path
) -> None:
    write(tmp_path / "secret", "1")
    run_id = store.run(files={"a": b"1"})
    (store.folder / run_id / "artifacts" / "out").symlink_to(tmp_path / "secret")
    (store.folder / run_id / "artifacts" / "up").symlink_to("..")
    (store.folder / run_id / "artifacts" / "same").symlink_to("a")
    astray = store.run(artifact_uri=str(tmp_path))
    (store.folder / astray / "artifacts").rmdir()
    report = workspace.import_mlflow(str(store.root))
    assert workspace.get_run(run_id).get_file_names() == ["a", "same"]
    assert workspace.get_run(astray).get_file_names() == []
    said = sorted(note.said for note in report.notes)
    assert [part in each for part, each in zip(("where none of it", "'out'", "'up'"), said, strict=True)] == [
        True
    ] * 3


def test_no_folder_becomes_a_model_because_a_store_says_so(
    workspace: Workspace, store: FolderOfMlflow, tmp_path: Path
) -> None:
    name, outside = f"m{store.number}", tmp_path.parent / f"outside{store.number}"
    write(outside / "secret" / "key", "1")
    write(outside / "model" / "MLmodel", "flavors: {}\n")
    store.model(name)
    for version, folder in enumerate(("secret", "model"), 1):
        store.version(name, version, source=str(outside / folder))
    report = workspace.import_mlflow(str(store.root))
    assert [[file.path for file in workspace.api.models.get(name, each).files] for each in (1, 2)] == [
        [],
        ["MLmodel"],
    ]
    assert any("has no MLmodel" in note.said for note in report.notes)


def test_names_that_are_refused_here_are_changed_and_told(
    workspace: Workspace, store: FolderOfMlflow
) -> None:
    other = FolderOfMlflow(store.root, name=f" {'n' * 300}{store.number}\t")
    run_id = other.run(run_name="a\nb", tags={"t/" * 140 + "t": "x", "kept": "y"}, params={"q" * 250: "1"})
    model = f"a@{store.number}"
    store.model(model)
    report = workspace.import_mlflow(str(store.root))
    assert (report.runs.new, report.models.new) == (1, 1)
    run = run_of(workspace, run_id)
    assert run["info"]["run_name"] == "a b"
    assert [tag["key"] for tag in run["data"]["tags"]] == ["mlflow.runName", "kept"]
    assert told(workspace, "registered-models/get", name=model.replace("@", "_"))
    assert len(report.notes) >= 4
    again = workspace.import_mlflow(str(store.root))
    assert (again.runs.here, again.models.here, again.experiments.here) == (1, 1, 2)


def test_two_imports_at_once_bring_each_run_once(workspace: Workspace, store: FolderOfMlflow) -> None:
    ids = [store.run(metrics={"loss": f"{BEGAN} 1 0\n"}, files={"a": b"1"}) for _ in range(12)]
    store.model(f"m{store.number}")
    store.version(f"m{store.number}", 1)
    with ThreadPoolExecutor(2) as threads:
        reports = list(threads.map(workspace.import_mlflow, [str(store.root)] * 2))
    assert all(report.whole for report in reports)
    assert sum(report.runs.new for report in reports) == len(ids)
    assert sum(report.versions.new for report in reports) == 1
    assert history_of(workspace, ids[0], "loss") == [(BEGAN, 0, 1.0)]


@pytest.mark.parametrize(
    ("lines", "points", "bad"),
    [
        (b"", 0, 0),
        (b"1 2 3\n" * 3, 3, 0),
        (b"1 2\n1 2\n1 2 3 4 5\n", 3, 0),  # as many words as three lines of three have
        (b"1 x 3\n1 nan 3\n", 1, 1),
        (b"99999999999999999999 1 1\n1 1 1\n", 1, 1),
        (b"1 1 1\r\n2 1 1", 2, 0),
    ],
)
def test_lines_of_metrics(lines: bytes, points: int, bad: int) -> None:
    found, wrong = numbers.of_lines(lines)
    assert (found.count, wrong) == (points, bad)
    assert len(found.values) == 8 * points
