"""Verbs of v1 around runs, experiments, models and datasets that notebooks of later years use."""

from __future__ import annotations

import secrets
import stat
from pathlib import Path

import pytest

from faena import Dataset, Environment, Experiment, Model, Workspace
from faena.client.data.file_dataset import FileDataset
from faena.client.runs.run import Run
from faena.kernel.errors import (
    Conflict,
    NotCovered,
    NotFound,
    RunEnvironmentException,
    ServiceException,
    UserErrorException,
)
from tests.environments.packages import make_wheel
from tests.files import holding
from tests.journeys.scripts import Project


@pytest.fixture
def workspace(lasting_workspace: Workspace) -> Workspace:
    return lasting_workspace


@pytest.fixture
def experiment(workspace: Workspace) -> Experiment:
    return Experiment(workspace, f"verbs-{secrets.token_hex(4)}")


class TestSecrets:
    @pytest.mark.long
    def test_a_script_gets_them_and_no_record_holds_them(
        self, workspace: Workspace, project: Project
    ) -> None:
        vault = workspace.get_default_keyvault()
        value = f"s3cret-{secrets.token_hex(8)}"
        vault.set_secret("DB-PASSWORD", value)
        vault.set_secrets({"second": "2", "third": "3"})
        run = project.run("""
            from faena import Run
            run = Run.get_context()
            found = run.get_secret("DB-PASSWORD")
            run.log("length", len(found))
            print("<" + found[:9], end="", flush=True)
            run.flush()
            print(found[9:] + ">", flush=True)
            run.flush()
            print(run.get_secrets(["second", "none"]))
            try:
                run.get_secret("none")
            except Exception as error:
                print(type(error).__name__)
            raise ValueError("cannot log in with " + found)
        """)
        assert run.get_metrics() == {"length": len(value)}
        assert f"cannot log in with {'*' * len(value)}" in run.get_details()["error"]["error"]["message"]
        log = run.get_details_with_logs()["logFiles"]["azureml-logs/70_driver_log.txt"]
        assert f"<{'*' * len(value)}>\n" in log
        assert value not in log
        assert "{'second': '2', 'none': None}\nNotFound" in log
        assert run.get_secret("second") == "2"
        assert set(vault.list_secrets()) >= {"DB-PASSWORD", "second", "third"}
        vault.delete_secrets(["second", "third", "none"])
        assert "second" not in vault.list_secrets()
        assert vault.get_secret_content_type("DB-PASSWORD") == "text/plain"
        assert vault.get_secret_content_type("second") is None
        with pytest.raises(NotFound, match="second"):
            vault.get_secret("second")
        file = workspace.files.path / "secrets.json"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert holding(value, workspace.files.path) == []

    @pytest.mark.parametrize("name", ["", "../x", "a b", "a\n", "x" * 128, "ä"])
    def test_names_that_cannot_be(self, workspace: Workspace, name: str) -> None:
        with pytest.raises(UserErrorException, match="name of a secret") as caught:
            workspace.get_default_keyvault().set_secret(name, "hidden-value")
        assert "hidden-value" not in caught.value.message


class TestRuns:
    def test_tags_are_removed(self, project: Project) -> None:
        run = project.run("""
            from faena import Run
            run = Run.get_context()
            run.set_tags({"a": 1, "b": 2, "c": 3})
            run.remove_tags(["a", "none"])
            print(sorted(run.get_tags()))
        """)
        assert run.get_tags() == {"b": "2", "c": "3"}
        run.remove_tags("b")
        assert run.get_tags() == {"c": "3"}

    def test_uploads_go_to_a_datastore_too(
        self, workspace: Workspace, experiment: Experiment, tmp_path: Path
    ) -> None:
        (tmp_path / "a.txt").write_text("a")
        store = workspace.get_default_datastore()
        with experiment.start_logging(snapshot_directory=None, outputs=None) as run:
            for _ in range(2):  # again, as after a lost answer
                run.upload_file("kept/a.txt", tmp_path / "a.txt", datastore_name=store.name)
            with pytest.raises(NotFound, match="nowhere"):
                run.upload_file("kept/b.txt", tmp_path / "a.txt", datastore_name="nowhere")
        assert (store.folder / "ExperimentRun" / f"dcid.{run.id}" / "kept/a.txt").read_text() == "a"
        assert run.get_file_names() == ["kept/a.txt"]

    def test_files_come_without_their_prefix(self, experiment: Experiment, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("a")
        with experiment.start_logging(snapshot_directory=None, outputs=None) as run:
            run.upload_files(["deep/one/a.txt", "deep/b.txt"], [tmp_path / "a.txt"] * 2)
        run.download_files("deep", tmp_path / "with")
        run.download_files("deep", tmp_path / "without", append_prefix=False, timeout_seconds=60)
        assert (tmp_path / "with/deep/one/a.txt").read_text() == "a"
        assert sorted(path.name for path in (tmp_path / "without").iterdir()) == ["b.txt", "one"]
        with pytest.raises(ServiceException, match="timeout_seconds"):
            run.download_files("deep", tmp_path / "late", timeout_seconds=0)

    def test_metrics_of_several(self, experiment: Experiment) -> None:
        with experiment.start_logging(snapshot_directory=None, outputs=None) as run:
            children = run.create_children(2)
            for place, child in enumerate(children):
                child.log("x", place)
                child.complete()
        ids = [child.id for child in children]
        assert run.get_metrics(run_ids=ids) == {ids[0]: {"x": 0}, ids[1]: {"x": 1}}

    def test_runs_of_a_cluster(self, project: Project) -> None:
        run = project.run("pass", experiment="one")
        assert run.id in [each.id for each in Run.list_by_compute(project.cluster)]
        found = next(
            each for each in Run.list_by_compute(project.cluster, status="Completed") if each.id == run.id
        )
        assert found.experiment.name == "one"
        assert list(Run.list_by_compute(project.cluster, tags="no-such-tag")) == []

    def test_what_has_nothing_to_do(self, experiment: Experiment) -> None:
        with experiment.start_logging(snapshot_directory=None, outputs=None) as run:
            run.start()
            run.flush()
            assert run.clean() == [] and run.output_datasets == run.input_datasets == {}
            assert run.get_detailed_status()["status"] == "Running"
        with pytest.raises(RunEnvironmentException):
            Run.get_submitted_run()

    def test_what_has_no_meaning(self) -> None:
        with pytest.raises(NotCovered, match="add_type_provider"):
            Run.add_type_provider("x", None)


class TestExperiments:
    def test_tags(self, workspace: Workspace, experiment: Experiment) -> None:
        assert (experiment.tags, experiment.archived_time) == ({}, None)
        experiment.set_tags({"team": "a", "year": 2019})
        experiment.tag("mark")
        experiment.remove_tags(["year"])
        assert Experiment(workspace, experiment.id).tags == {"team": "a", "mark": ""}
        experiment.archive()
        assert experiment.archived_time is not None
        assert experiment.tags == {"team": "a", "mark": ""}
        with pytest.raises(UserErrorException, match="key of a tag"):
            experiment.set_tags({"": "x"})

    def test_one_without_runs_is_deleted(self, workspace: Workspace, experiment: Experiment) -> None:
        with pytest.raises(NotFound):
            Experiment.delete(workspace, experiment.id)
        experiment.set_tags({"a": "b"})
        Experiment.delete(workspace, experiment.id)
        assert experiment.name not in workspace.experiments
        with experiment.start_logging(snapshot_directory=None, outputs=None):
            pass
        with pytest.raises(Conflict, match="has runs"):
            Experiment.delete(workspace, experiment.id)
        assert experiment.name in workspace.experiments


def test_models_know_their_datasets(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "m.txt").write_text("m")
    store = workspace.get_default_datastore()
    store.upload_files([tmp_path / "m.txt"], target_path="samples", show_progress=False)
    sample = Dataset.File.from_files((store, "samples")).register(workspace, f"s-{secrets.token_hex(4)}")
    name = f"m-{secrets.token_hex(4)}"
    model = Model.register(
        workspace, tmp_path / "m.txt", name, model_framework="Custom", sample_input_dataset=sample
    )
    assert model.sample_input_dataset.id == sample.id and model.sample_output_dataset is None
    model.add_dataset_references([("training", sample), ("training", sample)])
    assert model.datasets == {"sample_input_dataset": [sample.id], "training": [sample.id]}
    assert [each.id for each in Model.list(workspace, name, dataset_id=sample.id)] == [model.id]
    assert Model.list(workspace, name, dataset_id="ds-0") == []
    assert Model.list(workspace, name, model_framework="Onnx", page_count=1) == []
    assert Model.deserialize(workspace, model.serialize()).id == model.id
    assert (model.unpack, model.mime_type, model.created_by) == (False, "application/octet-stream", None)


class TestParts:
    @pytest.fixture
    def letters(self, workspace: Workspace, tmp_path: Path) -> FileDataset:
        folder = tmp_path / "letters"
        folder.mkdir()
        for letter in "abcdefghij":
            (folder / f"{letter}.txt").write_text(letter)
        store = workspace.get_default_datastore()
        place = f"letters-{secrets.token_hex(4)}"
        return Dataset.File.upload_directory(folder, (store, place), pattern="*.txt", show_progress=False)

    def test_some_of_the_files(self, letters: FileDataset, tmp_path: Path) -> None:
        whole = letters.to_path()
        assert len(whole) == 10
        assert letters.take(3).to_path() == whole[:3]
        assert letters.skip(8).to_path() == whole[8:]
        first, second = letters.random_split(0.5, seed=7)
        assert sorted(first.to_path() + second.to_path()) == whole
        assert letters.take_sample(0.5, seed=7).to_path() == first.to_path()
        assert letters.data_changed_time is not None
        with pytest.raises(UserErrorException, match="no number of files"):
            letters.take(-1)
        with pytest.raises(UserErrorException, match="no share"):
            letters.take_sample(2)
        with pytest.raises(UserErrorException, match="no file"):
            letters.skip(10)

    def test_what_it_is_described_by_changes(self, workspace: Workspace, letters: FileDataset) -> None:
        name = f"d-{secrets.token_hex(4)}"
        kept = letters.register(workspace, name, tags={"a": "1"})
        kept.add_tags({"b": 2})
        kept.remove_tags("a")
        kept.update(description="letters")
        again = Dataset.get_by_name(workspace, name)
        assert (again.tags, again.description, again.version) == ({"b": "2"}, "letters", 1)
        kept.unregister_all_versions()
        with pytest.raises(NotFound, match=name):
            Dataset.get_by_name(workspace, name)
        assert Dataset.get_by_id(workspace, str(again.id)).to_path() == letters.to_path()
        with pytest.raises(UserErrorException, match="not registered"):
            kept.add_tags({"c": "3"})


class TestEnvironments:
    def test_a_folder_holds_one(self, tmp_path: Path) -> None:
        (tmp_path / "r.txt").write_text("six==1.16.0\n")
        made = Environment.from_pip_requirements("six", tmp_path / "r.txt")
        made.environment_variables["A"] = "b"
        made.save_to_directory(tmp_path / "kept")
        with pytest.raises(UserErrorException, match="overwrite"):
            made.save_to_directory(tmp_path / "kept")
        made.save_to_directory(tmp_path / "kept", overwrite=True)
        listed = tmp_path / "kept" / "conda_dependencies.yml"
        listed.write_text(listed.read_text().replace("1.16.0", "1.15.0"))
        again = Environment.load_from_directory(tmp_path / "kept")
        assert list(again.python.dependencies().pip_packages) == ["six==1.15.0"]
        assert again.environment_variables == {"A": "b"}
        with pytest.raises(UserErrorException, match="save_to_directory"):
            Environment.load_from_directory(tmp_path)

    def test_an_image_counts_for_its_list_of_packages_only(self, tmp_path: Path) -> None:
        (tmp_path / "r.txt").write_text("six\n")
        made = Environment.from_docker_image("e", "ubuntu:18.04", pip_requirements=tmp_path / "r.txt")
        assert list(made.python.dependencies().pip_packages) == ["six"]
        assert "docker.base_image" in made.ignored()
        with pytest.raises(NotCovered, match="ubuntu"):
            Environment.from_docker_image("e", "ubuntu:18.04")

    @pytest.mark.long
    def test_a_private_wheel_is_kept_and_installed(
        self, workspace: Workspace, project: Project, tmp_path: Path
    ) -> None:
        wheel = make_wheel(tmp_path, "private_words")
        address = Environment.add_private_pip_wheel(workspace, wheel)
        with pytest.raises(UserErrorException, match="exist_ok"):
            Environment.add_private_pip_wheel(workspace, wheel)
        assert Environment.add_private_pip_wheel(workspace, wheel, exist_ok=True) == address
        wheel.unlink()
        run = project.run("import private_words; print(private_words.VERSION)", pip_packages=[address])
        assert run.get_status() == "Completed", run.refresh().error
        make_wheel(tmp_path, "private_words", requires="six")
        with pytest.raises(UserErrorException, match="other bytes"):
            Environment.add_private_pip_wheel(workspace, wheel, exist_ok=True)
        with pytest.raises(UserErrorException, match="no wheel"):
            Environment.add_private_pip_wheel(workspace, tmp_path)
