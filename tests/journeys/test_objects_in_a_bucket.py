"""A workspace whose objects are in a bucket: the main job, also where the folder has lost all of them."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from faena import Cluster, Estimator, Experiment, Model, Run, Workspace
from faena.health.objects import REFERENCES
from faena.kernel import digests
from faena.testing import s3
from faena.testing.kills.processes import server_of
from faena.testing.waiting import until
from faena.workspaces import objects_place
from tests.conftest import shut_down

pytestmark = pytest.mark.long
_DIGEST = 64
"""Characters of an object's name."""


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
    whole = (
        path for path in folder.glob("*/*") if len(path.name) == _DIGEST
    )  # others are still being written
    return {path.name: path.read_bytes() for path in whole}


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


def referred_to(workspace: Workspace) -> set[str]:
    """By the rows of a workspace that has no server."""
    with closing(sqlite3.connect(workspace.files.database)) as connection:
        found = {
            digest
            for table, column in REFERENCES.items()
            for (digest,) in connection.execute(f'SELECT "{column}" FROM "{table}"')
        }
        return found - {digest for (digest,) in connection.execute("SELECT digest FROM fresh_objects")}


def test_killed_servers_lose_nothing_that_was_acknowledged(
    workspace: Workspace, s3_server: s3.S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    over = threading.Event()

    def register(who: int) -> list[tuple[str, int, bytes]]:
        done: list[tuple[str, int, bytes]] = []
        for number in itertools.count():
            if over.is_set():
                return done
            content = random.randbytes(random.choice((100, 70_000, 3_000_000)))
            path = tmp_path / f"model-{who}"
            path.write_bytes(content)
            made = Model.register(workspace, model_path=str(path), model_name=f"net{who}")
            assert made.version == number + 1
            done.append((made.name, made.version, content))
        return done

    runs = [
        submitted(
            workspace,
            f"import os, time\nfor part in range(30):\n"
            f"    open(f'outputs/{{part}}', 'wb').write(os.urandom(10_000 * {number}))\n",
        )
        for number in range(1, 5)
    ]
    with ThreadPoolExecutor(2) as pool:
        registering = [pool.submit(register, who) for who in range(2)]
        try:
            for kill in range(5):
                objects = len(in_bucket(s3_server, workspace))
                until(lambda: len(in_bucket(s3_server, workspace)) > objects + 3, "more objects come")  # noqa: B023  at once
                pid = until(lambda: server_of(workspace.files.path), f"there is a server for kill {kill}")
                assert pid is not None
                os.kill(pid, signal.SIGKILL)
                workspace.api.version()  # brings the next one
            assert [run.wait_for_completion()["status"] for run in runs] == ["Completed"] * 4
        finally:
            over.set()
        registered = [each for going in registering for each in going.result()]
    names = [set(run.get_file_names()) for run in runs]
    assert all({f"outputs/{part}" for part in range(30)} <= found for found in names)
    shut_down(workspace)
    there = in_bucket(s3_server, workspace)
    assert all(digests.of_bytes(content) == digest for digest, content in there.items())
    assert referred_to(workspace) <= there.keys()
    assert {digests.of_bytes(content) for _, _, content in registered} <= there.keys()
    assert len(registered) > 10


def test_a_run_ends_when_the_bucket_is_back(
    s3_server: s3.S3Server, signed_in: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with s3.way_to(s3_server) as way:
        workspace = Workspace.create("team", tmp_path / "team")
        address = s3_server.address.replace(s3_server.endpoint, way.endpoint)
        objects_place.choose(workspace.files.path, objects_place.Place(address))
        go = tmp_path / "go"
        run = submitted(
            workspace,
            f"import os, time\nopen('outputs/model', 'w').write('weights')\n"
            f"while not os.path.exists({str(go)!r}): time.sleep(0.05)\n",
        )
        until(lambda: run.get_status() == "Running", "the script runs")
        way.spoil = lambda verb, path: 503
        go.touch()
        until(lambda: run.get_status() == "Finalizing", "the script has ended")
        before = len(way.asked)
        until(lambda: len(way.asked) > before + 5, "the bucket is asked again and again")
        assert run.get_status() == "Finalizing"
        way.spoil = lambda verb, path: 0
        assert run.wait_for_completion()["status"] == "Completed"
        assert "weights" in {content.decode() for content in in_bucket(s3_server, workspace).values()}
        shut_down(workspace)


def test_a_shared_server_says_what_is_wrong_with_its_bucket_and_keeps_a_good_one(
    s3_server: s3.S3Server, signed_in: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace.create("team", tmp_path / "team")
    run = [sys.executable, "-m", "faena.cli", "server", "run", "--port", "0", "--objects"]
    monkeypatch.chdir(tmp_path / "team")
    absent = s3_server.address.replace(s3.BUCKET, "absent", 1)
    refused = subprocess.run([*run, absent], capture_output=True, text=True, check=False)
    assert "cannot be used: it does not let us write (404 Not Found" in refused.stderr
    assert not (workspace.files.path / objects_place.RECORD).exists()
    with subprocess.Popen([*run, s3_server.address], stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        next(line for line in server.stderr if line.startswith("People"))
        (tmp_path / "model").write_bytes(b"weights")
        Model.register(workspace, model_path=str(tmp_path / "model"), model_name="net")
        server.send_signal(signal.SIGTERM)
        server.stderr.read()
    assert list(in_bucket(s3_server, workspace).values()) == [b"weights"]
    empty_folder(workspace)
    Model(workspace, "net").download(tmp_path / "got")  # by a server of this machine, in the background
    assert (tmp_path / "got" / "model").read_bytes() == b"weights"
    shut_down(workspace)


def test_objects_move_to_a_bucket_and_back(
    s3_server: s3.S3Server, signed_in: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace.create("team", tmp_path / "team")
    (tmp_path / "model").write_bytes(b"weights")
    Model.register(workspace, model_path=str(tmp_path / "model"), model_name="net")
    monkeypatch.chdir(tmp_path / "team")
    command = [sys.executable, "-m", "faena.cli", "server", "move-objects"]

    def moved(*arguments: str) -> str:
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    def downloads() -> bool:
        Model(workspace, "net").download(tmp_path / "got", exist_ok=True)
        shut_down(workspace)
        return (tmp_path / "got" / "model").read_bytes() == b"weights"

    address = s3_server.address
    assert "A server works on" in moved(address)
    assert "--to-folder" in moved()
    shut_down(workspace)
    assert "already" in moved("--to-folder")
    assert "1 object, 7 B, in s3://" in moved(address)
    assert list(in_bucket(s3_server, workspace).values()) == [b"weights"]
    empty_folder(workspace)
    assert downloads()
    assert "Bring them into its folder first" in moved(address)
    empty_folder(workspace)
    assert "1 object, 7 B, in the folder, each verified; 1 were brought now." in moved("--to-folder")
    shutil.rmtree(s3_server.folder / s3.BUCKET / address.removeprefix("s3://").split("/")[1])
    assert downloads()


def test_a_move_that_was_killed_goes_on(
    s3_server: s3.S3Server, signed_in: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    workspace = Workspace.create("team", tmp_path / "team")
    Path("model").mkdir()
    for number in range(60):
        Path("model", str(number)).write_bytes(random.randbytes(1000 * number))
    Model.register(workspace, model_path="model", model_name="net")
    shut_down(workspace)
    program = [sys.executable, "-m", "faena.server.objects_move", str(workspace.files.path)]
    address = s3_server.address
    place = objects_place.parsed(address)
    folder = s3_server.folder / s3.BUCKET / place.prefix / "objects"
    there: list[int] = []
    while not (workspace.files.path / objects_place.RECORD).exists():
        before = len(list(folder.glob("*/*")))
        with subprocess.Popen(program, env={**os.environ, "FAENA_SERVER_OBJECTS": address}) as move:
            until(
                lambda: move.poll() is not None or len(list(folder.glob("*/*"))) > before + 15,  # noqa: B023  at once
                "some are brought",
            )
            move.kill()
        there.append(before)
    assert len(there) > 2
    assert len(in_bucket(s3_server, workspace)) == 60
    empty_folder(workspace)
    Model(workspace, "net").download(tmp_path / "got")
    for number in range(60):
        name = f"model/{number}"
        assert (tmp_path / "got" / name).read_bytes() == (tmp_path / name).read_bytes()
    shut_down(workspace)
