"""Data of a run: mounted, downloaded, uploaded, named datasets; what the script finds and what comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena import Dataset, Datastore, Workspace
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
    assert "refused Read-only file system\n" in log or run.get_details()["warnings"]
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
