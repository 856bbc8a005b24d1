"""Data of a run: mounted, downloaded, uploaded, named datasets; what the script finds and what comes back."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from faena import Dataset, Datastore, Workspace
from faena.kernel.errors import NotFound, UserErrorException
from faena.runs.submission_schemas import DataInput
from faena.testing.kills.processes import runners_of
from faena.testing.waiting import until
from faena.tidying.schemas import DeletionRequest
from tests.data.web import Site, site
from tests.journeys import data
from tests.journeys.scripts import Project

SCRIPT = """
import os, sys
from faena import Run

mounted, downloaded, out, images = sys.argv[1:5]
print("mounted", sorted(os.listdir(mounted)), open(os.path.join(mounted, "a.txt")).read())
try:
    open(os.path.join(mounted, "a.txt"), "w").write("broken")
    print("written")
except OSError as error:
    print("refused", error.strerror)
open(os.path.join(downloaded, "a.txt"), "a").write(" and more")
print("downloaded", open(os.path.join(downloaded, "a.txt")).read())
os.makedirs(os.path.join(out, "deep"))
open(os.path.join(out, "deep", "made.txt"), "w").write("made")
found = Run.get_context().input_datasets["images"]
print("images", found == images.partition("=")[2] == os.environ["images"], sorted(os.listdir(found)))
print("variables", os.environ["AZUREML_DATASET_ENVIRONMENT_VARS"], os.environ["AZUREML_DATAREFERENCE_in"] == mounted)
"""


@pytest.fixture
def workspace(lasting_workspace: Workspace) -> Iterator[Workspace]:
    """The module's, left with an empty datastore."""
    yield lasting_workspace
    shutil.rmtree(lasting_workspace.get_default_datastore().folder, ignore_errors=True)


@pytest.fixture
def store(workspace: Workspace, tmp_path: Path) -> Datastore:
    """The default datastore with `words/a.txt`, `images/1.png`, `images/2.png` and `images/note.txt`."""
    source = tmp_path / "given"
    for name, text in {
        "words/a.txt": "a",
        "images/1.png": "1",
        "images/2.png": "2",
        "images/note.txt": "n",
    }.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)
    store = workspace.get_default_datastore()
    store.upload(source, show_progress=False)
    return store


def test_a_script_with_all_kinds_of_data(project: Project, store: Datastore, workspace: Workspace) -> None:
    mounted = store.path("words", data_reference_name="in").as_mount()
    downloaded = store.path("words").as_download(path_on_compute="words")
    out = store.path("results").as_upload()
    dataset = Dataset.File.from_files((store, "images/*.png")).register(workspace, "images of words")
    images = dataset.as_named_input("images").as_mount()
    run = data.run(project, SCRIPT, [mounted, downloaded, out, f"--images={images}"], [images])
    log = data.driver_log(run)
    assert run.get_status() == "Completed", log
    assert "mounted ['a.txt'] a\n" in log
    # root may write its copy, which is not the datastore's
    assert "refused Read-only file system\n" in log or "gets a copy of its mounted" in str(
        run.get_details()["warnings"]
    )
    assert "downloaded a and more\n" in log
    assert "images True ['1.png', '2.png']\n" in log
    assert "variables images True\n" in log
    assert (store.folder / "results" / "deep" / "made.txt").read_text() == "made"
    assert (store.folder / "words" / "a.txt").read_text() == "a"
    details = run.get_details()
    assert details["inputDatasets"] == [
        {
            "dataset": {"id": dataset.id},
            "consumptionDetails": {"type": "RunInput", "inputName": "images", "mechanism": "Mount"},
        }
    ]
    assert details["runDefinition"]["dataReferences"]["in"]["pathOnDataStore"] == "words"


def test_an_absolute_place_is_honoured_or_refused_by_name(
    project: Project, store: Datastore, tmp_path: Path
) -> None:
    script = "import os, sys; print(os.listdir(sys.argv[1]), sys.argv[1])"
    dataset = Dataset.File.from_files((store, "words"))
    (tmp_path / "there").mkdir()
    for name in ("there", "new"):
        place = str(tmp_path / name)
        run = data.run(project, script, [dataset.as_named_input("x").as_mount(place)])
        if run.get_status() == "Completed":
            assert data.driver_log(run).strip() == f"['a.txt'] {place}"
        else:
            assert f"The path_on_compute {place!r} of 'x' cannot be honoured" in str(
                run.get_details()["error"]
            )
        assert [*(tmp_path / "there").glob("*"), *(tmp_path / "new").glob("*")] == [], (
            "what is made stays empty"
        )


LEAVES = """
import os, sys, time
open(os.path.join(sys.argv[1], "made.txt"), "w").write("made")
if sys.argv[2] == "fail":
    sys.exit(3)
print("made", flush=True)
time.sleep(60)
"""


class TestUploads:
    def test_what_a_failing_script_left_goes_to_the_datastore(
        self, project: Project, store: Datastore
    ) -> None:
        run = data.run(project, LEAVES, [store.path("left").as_upload(), "fail"])
        assert run.get_details()["error"]["error"]["code"] == "exit_code"
        assert (store.folder / "left" / "made.txt").read_text() == "made"

    @pytest.mark.long
    def test_so_does_what_is_left_when_the_runner_dies(
        self, own_workspace: Workspace, tmp_path: Path
    ) -> None:
        project = Project(own_workspace, tmp_path / "source")
        store = own_workspace.get_default_datastore()
        run = data.submit(project, LEAVES, [store.path("left").as_upload(), "wait"])
        until(lambda: run.get_status() == "Running" and "made" in data.driver_log(run), "it made its file")
        (runner,) = runners_of(project.workspace.files.path)
        os.kill(runner, signal.SIGKILL)
        run.wait_for_completion(raise_on_error=False)
        assert run.get_details()["error"]["error"]["code"] == "node_lost"
        assert (store.folder / "left" / "made.txt").read_text() == "made"

    def test_what_is_not_replaced_is_told(self, project: Project, store: Datastore) -> None:
        (store.folder / "words" / "made.txt").write_text("before")
        run = data.run(project, LEAVES, [store.path("words").as_upload(), "fail"])
        assert "'words/made.txt' is in the datastore already" in str(run.get_details()["warnings"])
        assert (store.folder / "words" / "made.txt").read_text() == "before"


def test_a_missing_path_ends_the_run_before_its_script_and_is_named(
    project: Project, store: Datastore
) -> None:
    run = data.run(project, "print('started')", [store.path("none/here")])
    error = run.get_details()["error"]["error"]
    assert error["code"] == "not_started"
    assert "In the datastore 'workspaceblobstore' there is no 'none/here'" in error["message"]
    assert [name for name in run.get_file_names() if "image_build_log" not in name] == []


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with site() as made:
        made.pages = {"/mnist/train.gz": b"train", "/mnist/t10k.gz": b"t10k"}
        yield made


class TestAddresses:
    def test_a_dataset_of_them_reaches_the_script(self, project: Project, web: Site, tmp_path: Path) -> None:
        dataset = Dataset.File.from_files([f"{web.address}/mnist/train.gz", f"{web.address}/mnist/t10k.gz"])
        script = """
        import os, sys
        from azureml.core import Run
        print(sys.argv[1] == os.environ["direct"], sorted(os.listdir(sys.argv[2])))
        direct = Run.get_context().input_datasets["direct"]
        print(direct.id == sys.argv[1], direct.to_path())
        print(open(direct.download("copies", overwrite=True)[0]).read())
        with direct.mount() as mounted:
            print(sorted(os.listdir(mounted.mount_point)))
        """
        run = data.run(
            project, script, [dataset.as_named_input("direct"), dataset.as_named_input("there").as_download()]
        )
        assert data.driver_log(run).splitlines() == [
            "True ['t10k.gz', 'train.gz']",
            "True ['/t10k.gz', '/train.gz']",
            "t10k",
            "['t10k.gz', 'train.gz']",
        ]
        assert sorted(web.asked) == ["/mnist/t10k.gz", "/mnist/train.gz"]
        lineage = run.get_details()["inputDatasets"][0]["dataset"]["id"]
        assert lineage == dataset.id
        assert Dataset.get_by_id(project.workspace, lineage).to_path() == ["/t10k.gz", "/train.gz"]

    def test_one_that_fails_is_named_with_its_status(self, project: Project, web: Site) -> None:
        dataset = Dataset.File.from_files(f"{web.address}/none.gz")
        run = data.run(project, "print('started')", [dataset.as_mount()])
        assert f"{web.address}/none.gz cannot be fetched: it answered 404" in str(run.get_details()["error"])

    @pytest.mark.long
    def test_a_cancel_reaches_a_run_that_fetches(self, project: Project, web: Site) -> None:
        dataset = Dataset.File.from_files(f"{web.address}/endless")
        run = data.submit(project, "print('started')", [dataset.as_download()])
        until(lambda: web.asked == ["/endless"], "it fetches")
        run.cancel()
        run.wait_for_completion()
        assert run.get_status() == "Canceled"
        assert [name for name in run.get_file_names() if "image_build_log" not in name] == []


def test_submissions_that_cannot_be(project: Project, store: Datastore) -> None:
    def given(**changes: object) -> object:
        class Data:
            def data_input(self) -> DataInput:
                fields = {
                    "name": "x",
                    "token": "$AZUREML_DATAREFERENCE_x",
                    "variable": "AZUREML_DATAREFERENCE_x",
                    "mode": "mount",
                    "datastore": store.name,
                    "path": "words",
                }
                return DataInput(**{**fields, **changes})  # type: ignore[arg-type]  # what is wrong is meant

        return Data()

    refused: list[tuple[dict[str, object], str]] = [
        ({"path": "../x"}, "has an empty or"),
        ({"path": "/etc"}, "is absolute"),
        ({"path_on_compute": "../x"}, "path_on_compute"),
        ({"path_on_compute": "/a/../x"}, "path_on_compute"),
        ({"path_on_compute": "/"}, "names no folder"),
        ({"variable": "PATH"}, "has the variable 'PATH'"),
        ({"variable": "LD_PRELOAD", "name": "LD_PRELOAD"}, "has the variable"),
        ({"token": "train.py"}, "the token 'train.py'"),
        ({"name": "x\n"}, "data reference name"),
        ({"mode": "direct"}, "'direct'. Use one of: mount, download, upload"),
        ({"mode": "write"}, "mode is 'write': invalid enum value 'write'"),
        ({"dataset": "ds-1"}, "one of them"),
        ({"datastore": ""}, "one of them"),
        ({"datastore": "none"}, "There is no datastore 'none'"),
        ({"datastore": "", "dataset": "ds-1", "name": "x", "variable": "x"}, "no dataset with the id"),
    ]
    before = [row.id for row in project.workspace.api.runs(limit=1000)]
    for changes, message in refused:
        with pytest.raises((UserErrorException, NotFound)) as error:
            data.submit(project, "print()", [], [given(**changes)])
        assert message in error.value.message
    assert [row.id for row in project.workspace.api.runs(limit=1000)] == before


@pytest.mark.parametrize("mode", ["mount", "download"])
def test_a_dataset_of_one_file_is_that_file_for_the_script(
    project: Project, mode: str, tmp_path: Path
) -> None:
    (tmp_path / "iris.csv").write_text("5.1,3.5")
    store = Datastore.get_default(project.workspace)
    store.upload_files([str(tmp_path / "iris.csv")], target_path="flowers")
    dataset = Dataset.File.from_files([(store, "flowers/iris.csv")])
    folder = Dataset.File.from_files([(store, "flowers")])
    given = [
        getattr(each.as_named_input(name), f"as_{mode}")()
        for name, each in (("one", dataset), ("all", folder))
    ]
    run = data.run(
        project,
        """
        import os, sys
        from faena import Run
        print(open(sys.argv[1]).read(), os.listdir(sys.argv[2]))
        print(open(os.environ["one"]).read(), open(Run.get_context().input_datasets["one"]).read())
        """,
        given,
    )
    assert run.get_status() == "Completed", run.refresh().error
    assert data.driver_log(run).split() == ["5.1,3.5", "['iris.csv']", "5.1,3.5", "5.1,3.5"]


@pytest.mark.long
def test_what_a_run_has_left_is_given_to_another_one(project: Project, store: Datastore) -> None:
    made = data.run(
        project,
        """
        import os, sys
        os.makedirs("outputs/model/deep")
        for name in ("a.txt", "deep/b.txt"):
            open(os.path.join("outputs/model", name), "w").write(name)
        open(os.path.join(sys.argv[1], "far.txt"), "w").write("far")
        """,
        [store.path("made/{run-id}", data_reference_name="far").as_upload()],
    )
    model = made.get_output("outputs/model").as_named_input("model").as_mount()
    given = [
        model,
        made.get_output("outputs/model/a.txt").as_download(path_on_compute="here"),
        made.get_output("far").as_named_input("far").as_mount(),
    ]
    used = data.run(
        project,
        """
        import os, sys
        from faena import Run
        model, one, far = sys.argv[1:]
        print(sorted(os.listdir(model)), open(os.path.join(model, "deep", "b.txt")).read(), os.listdir(far))
        print(os.path.relpath(one), open(one).read(), Run.get_context().input_datasets["model"] == model)
        open(one, "a").write(" and more")
        try:
            open(os.path.join(model, "a.txt"), "w").write("broken")
        except OSError as error:
            print("refused", error.strerror)
        """,
        given,
    )
    assert used.get_status() == "Completed", used.refresh().error
    assert data.driver_log(used).splitlines()[:2] == [
        "['a.txt', 'deep'] deep/b.txt ['far.txt']",
        "here/a.txt a.txt True",
    ]
    lineage = {
        each["consumptionDetails"]["inputName"]: each["dataset"]["id"]
        for each in used.get_details()["inputDatasets"]
    }
    assert lineage["model"] == f"run:{made.id}/outputs/model"
    again = used.rerun()
    again.wait_for_completion()
    assert data.driver_log(again) == data.driver_log(used), "nobody's bytes were changed"
    with pytest.raises(NotFound, match=r"has left nothing at 'model'\. There is: outputs/model/a\.txt, "):
        made.get_output("model")
    stale = msgspec.structs.replace(model.data_input(), digest="0" * 64)
    with pytest.raises(UserErrorException, match=f"model of run {made.id}, is not there any more as it was"):
        data.submit(project, "print()", [Given(stale)])
    tidy = project.workspace.api.tidy
    would = tidy.delete(DeletionRequest(runs=(made.id,), dry_run=True))
    assert would.given_to == (again.id, used.id), "who deletes it is told"
    assert tidy.delete(DeletionRequest(runs=(used.id, again.id), dry_run=True)).given_to == ()


@dataclass
class Given:
    """An input as a program might send it."""

    asked: DataInput

    def data_input(self) -> DataInput:
        return self.asked

    def __str__(self) -> str:
        return self.asked.token
