"""A workspace whose objects are in a bucket: the main job, also where the folder has lost all of them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from faena import Cluster, Estimator, Experiment, Model, Run, Workspace
from faena.kernel import digests
from faena.testing import s3
from faena.workspaces import objects_place
from tests.conftest import shut_down

pytestmark = pytest.mark.long


@pytest.fixture
def workspace(s3_server: s3.S3Server, signed_in: None, tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace.create("team", tmp_path / "team")
    objects_place.choose(made.files.path, objects_place.Place(s3_server.address))
    yield made
    shut_down(made)


def empty_folder(workspace: Workspace) -> None:
    for folder in (workspace.files.path / "objects").glob("??"):
        shutil.rmtree(folder)


def in_bucket(server: s3.S3Server, workspace: Workspace) -> dict[str, bytes]:
    place = objects_place.place(workspace.files.path)
    assert place is not None
    folder = server.folder / s3.BUCKET / place.address.prefix / "objects"
    return {path.name: path.read_bytes() for path in folder.glob("*/*")}


def submitted(workspace: Workspace, script: str) -> Run:
    Path("src").mkdir(exist_ok=True)
    Path("src", "train.py").write_text(script)
    for number in range(5):
        Path("src", f"part{number}.py").write_text(f"value = {number}\n")
    cluster = Cluster.get_or_create(workspace, "cpu", max_nodes=1)
    return Experiment(workspace, "far").submit(
        Estimator("src", entry_script="train.py", compute_target=cluster, interpreter=sys.executable)
    )


def test_the_main_job(
    workspace: Workspace, s3_server: s3.S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    weights = os.urandom(3_000_000)
    (tmp_path / "weights").write_bytes(weights)
    run = submitted(
        workspace,
        "import part3, shutil\nfrom faena import Run\nrun = Run.get_context()\n"
        "[run.log('loss', 1 / (1 + step) + part3.value) for step in range(5000)]\n"
        f"shutil.copy({str(tmp_path / 'weights')!r}, 'outputs/model')\n",
    )
    assert run.wait_for_completion()["status"] == "Completed"
    assert run.register_model("net", model_path="outputs/model").version == 1
    shut_down(workspace)
    there = in_bucket(s3_server, workspace)
    assert all(digests.of_bytes(content) == digest for digest, content in there.items())
    assert weights in there.values()

    empty_folder(workspace)
    assert len(run.get_metrics()["loss"]) == 5000
    Model(workspace, "net").download(tmp_path / "got")
    assert (tmp_path / "got" / "model").read_bytes() == weights
    empty_folder(workspace)
    again = submitted(
        workspace,
        "import part1, os\nfrom faena import Model\n"
        "assert os.path.getsize(Model.get_model_path('net')) == 3_000_000, part1\n",
    )
    assert again.wait_for_completion()["status"] == "Completed"
