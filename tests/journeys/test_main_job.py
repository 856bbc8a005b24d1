"""What a run leaves: metrics, files, models; what people see while it goes."""

from __future__ import annotations

import hashlib
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faena import Cluster, Experiment, Model, Workspace
from faena.client.runs.run import Run
from faena.kernel.errors import (
    Conflict,
    ExperimentExecutionException,
    ModelNotFoundException,
    ModelPathNotFoundException,
    NotFound,
    UserErrorException,
)
from faena.testing.waiting import until
from tests.journeys.scripts import Project

TRAINING = """
from azureml.core.run import Run
run = Run.get_context()
run.log("Batch size", 128)
for epoch in range(3):
    run.log("Accuracy", 0.9 + epoch / 100)
    print("epoch", epoch)
run.log_row("pair", a=1, b=2.0)
run.log_list("list", [1, 2, 3])
run.log_table("table", {"x": [1, 2], "y": [0.5, 1.5]})
run.tag("team", "a")
open("outputs/model.npz", "wb").write(b"weights" * 1000)
open("logs/extra.txt", "w").write("extra")
"""


@pytest.fixture(scope="module")
def trained(common_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One for all tests of what a run leaves: they look, and register models under names of their own."""
    run = Project(common_workspace, tmp_path_factory.mktemp("trained")).submit(TRAINING)
    run.wait_for_completion()
    return run


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


@pytest.fixture
def name() -> str:
    """The name of a model that no other test registers."""
    return f"net-{secrets.token_hex(4)}"


def test_metrics_come_in_the_shapes_of_v1(trained: Run) -> None:
    assert trained.get_metrics() == {
        "Batch size": 128,
        "Accuracy": [0.9, 0.91, 0.92],
        "pair": {"a": 1, "b": 2.0},
        "list": [1, 2, 3],
        "table": {"x": [1, 2], "y": [0.5, 1.5]},
    }
    assert trained.get_metrics("Accuracy") == {"Accuracy": [0.9, 0.91, 0.92]}
    assert trained.get_tags() == {"team": "a"}


def test_files_are_listed_and_downloaded(trained: Run, tmp_path: Path) -> None:
    names = trained.get_file_names()  # with a build log where nobody had looked at this interpreter before
    assert [name for name in names if "image_build_log" not in name] == [
        "azureml-logs/70_driver_log.txt",
        "logs/extra.txt",
        "outputs/model.npz",
    ]
    trained.download_file("outputs/model.npz", tmp_path / "model" / "model.npz")
    assert (tmp_path / "model" / "model.npz").read_bytes() == b"weights" * 1000
    trained.download_files(output_directory=tmp_path / "all")
    assert (
        tmp_path / "all" / "azureml-logs" / "70_driver_log.txt"
    ).read_text() == "epoch 0\nepoch 1\nepoch 2\n"


def test_a_missing_file_is_an_error_that_lists_what_is_there(trained: Run, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"outputs/modell.npz.*outputs/model.npz"):
        trained.download_file("outputs/modell.npz", tmp_path / "x")
    assert not (tmp_path / "x").exists()


class TestModels:
    def test_versions_count_from_one_and_files_come_back(
        self, trained: Run, name: str, tmp_path: Path
    ) -> None:
        first = trained.register_model(name, "outputs/model.npz", tags={"a": "b"}, description="d")
        second = trained.register_model(name, "outputs/model.npz")
        assert (first.version, second.version) == (1, 2)
        path = Path(first.download(tmp_path / "model"))
        assert path.name == "model.npz"
        assert path.read_bytes() == b"weights" * 1000
        assert (first.tags, first.description, first.run_id) == ({"a": "b"}, "d", trained.id)

    def test_a_folder_is_a_model_too(self, trained: Run, name: str, tmp_path: Path) -> None:
        model = trained.register_model(name, "outputs")
        assert model.files == ["outputs/model.npz"]
        assert (Path(model.download(tmp_path)) / "model.npz").exists()

    @pytest.mark.long
    def test_getting_and_listing(self, own_workspace: Workspace, tmp_path: Path) -> None:
        workspace = own_workspace  # the list is of all models that there are
        trained = Project(workspace, tmp_path / "source").run(TRAINING)
        for _ in range(2):
            trained.register_model("net", "outputs/model.npz")
        trained.register_model("other", "outputs/model.npz")
        assert Model(workspace, "net").version == 2
        assert Model(workspace, "net", version=1).id == "net:1"
        assert Model(workspace, id="net:1").version == 1
        assert [model.id for model in Model.list(workspace)] == ["net:2", "net:1", "other:1"]
        assert [model.id for model in Model.list(workspace, latest=True)] == ["net:2", "other:1"]
        with pytest.raises(ModelNotFoundException, match="net:3"):
            Model(workspace, "net", version=3)

    def test_a_missing_path_names_what_is_there(self, trained: Run) -> None:
        with pytest.raises(ModelPathNotFoundException, match=r"outputs/no.npz.*outputs/model.npz"):
            trained.register_model("net", "outputs/no.npz")

    def test_registering_copies_no_byte(self, trained: Run, workspace: Workspace, name: str) -> None:
        before = alike(workspace)
        assert len(before) == 1
        trained.register_model(name, "outputs/model.npz")
        assert alike(workspace) == before

    def test_a_repeated_request_gives_the_same_version(self, trained: Run, name: str) -> None:
        first = trained.register_model(name, "outputs/model.npz", request_id="r1")
        assert trained.register_model(name, "outputs/model.npz", request_id="r1").version == first.version
        with pytest.raises(Conflict, match="r1"):
            trained.register_model("else", "outputs/model.npz", request_id="r1")

    @pytest.mark.long
    def test_a_hundred_at_once_give_a_hundred_versions(self, trained: Run, name: str) -> None:
        with ThreadPoolExecutor(20) as pool:
            made = list(pool.map(lambda _: trained.register_model(name, "outputs/model.npz"), range(100)))
        assert sorted(model.version for model in made) == list(range(1, 101))

    def test_registering_inside_the_script_waits_for_the_bytes(
        self, project: Project, workspace: Workspace
    ) -> None:
        run = project.submit("""
            from faena import Run
            run = Run.get_context()
            open("outputs/model.bin", "wb").write(b"x" * 3_000_000)
            model = run.register_model("inside", "outputs/model.bin")
            print("version", model.version)
        """)
        run.wait_for_completion()
        model = Model(workspace, "inside")
        assert model.view.files[0].digest == hashlib.sha256(b"x" * 3_000_000).hexdigest()

    @pytest.mark.parametrize("wrong", ["", "a/b", "a:b", ".a", "x" * 256, "../x", "\0"])
    def test_a_name_that_cannot_be_is_refused(self, trained: Run, wrong: str) -> None:
        with pytest.raises((UserErrorException, NotFound)):
            trained.register_model(wrong, "outputs/model.npz")


def test_the_output_of_waiting_shows_logs_then_a_summary(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    run = project.submit(TRAINING)
    run.wait_for_completion(show_output=True)
    shown = capsys.readouterr().out
    assert shown.startswith(f"RunId: {run.id}\n")
    assert "Streaming azureml-logs/70_driver_log.txt\n========" in shown
    assert shown.count("epoch 1\n") == 1
    assert shown.index("epoch 2") < shown.index("Execution Summary")
    assert "Status: Completed" in shown


def test_several_nodes_run_together_each_with_its_rank_and_log(project: Project) -> None:
    run = project.submit(
        """
        import os
        print("rank", os.environ["FAENA_RANK"], "of", os.environ["FAENA_NODE_COUNT"])
        """,
        node_count=2,
    )
    run.wait_for_completion()
    logs = [name for name in run.get_file_names() if name.startswith("azureml-logs/")]
    assert logs == ["azureml-logs/70_driver_log_0.txt", "azureml-logs/70_driver_log_1.txt"]


def test_one_rank_that_fails_stops_the_others_and_fails_the_run(project: Project) -> None:
    run = project.run(
        """
        import os, time
        if os.environ["FAENA_RANK"] == "1":
            raise SystemExit(3)
        time.sleep(600)
        """,
        node_count=2,
    )
    error = run.refresh().error
    assert error is not None
    assert (error.reason, error.exit_code) == ("exit_code", 3)


def test_more_nodes_than_the_cluster_has_are_refused_at_submit(project: Project) -> None:
    with pytest.raises(ExperimentExecutionException, match="max_nodes=2"):
        project.submit("print(1)", experiment="refused", node_count=3)
    assert list(Experiment(project.workspace, "refused").get_runs()) == []


def test_nodes_have_the_cores_and_threads_of_the_cluster(project: Project, workspace: Workspace) -> None:
    project.cluster = Cluster.create(workspace, "wide", max_nodes=1, cores_per_node=3)
    run = project.run(
        "import os; from faena import Run; Run.get_context().log('n', int(os.environ['OMP_NUM_THREADS']))"
    )
    assert run.get_metrics() == {"n": 3}


def test_system_metrics_are_kept_apart(project: Project) -> None:
    run = project.submit("import time; time.sleep(600)")
    until(lambda: set(run.get_system_metrics()) >= {"cpu_percent", "memory_mb"}, "they are sampled")
    assert run.get_metrics() == {}
    run.cancel()


def alike(workspace: Workspace) -> dict[Path, int]:
    """The inodes of objects as large as the model: what else comes and goes there is of other runs."""
    found = {path: path.stat() for path in workspace.files.objects.glob("??/*")}
    return {path: status.st_ino for path, status in found.items() if status.st_size == len(b"weights" * 1000)}
