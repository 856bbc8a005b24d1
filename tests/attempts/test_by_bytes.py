"""Files of an attempt whose server is elsewhere: they come as bytes, and what cannot is told."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from faena import Experiment, Workspace
from faena.attempts.api import ServerApi
from faena.attempts.key import AttemptKey
from faena.kernel import uploads
from faena.kernel.addresses import Url
from faena.kernel.errors import Conflict, NotFound, UserErrorException
from faena.kernel.transport import Transport


def address_of(workspace: Workspace) -> Url:
    port = urlsplit(workspace.api.gateway.open(None).url).port
    return Url(f"http://127.0.0.1:{port}", (workspace.files.path / "token").read_text().strip())


@pytest.fixture(scope="module")
def api(common_workspace: Workspace) -> ServerApi:
    return ServerApi(Transport(address_of(common_workspace)))


@pytest.fixture
def key(common_workspace: Workspace) -> Iterator[AttemptKey]:
    run = Experiment(common_workspace, "by-bytes").start_logging(snapshot_directory=None, outputs=None)
    yield AttemptKey(run.id, 1, 0)
    run.complete()


@pytest.fixture
def child(common_workspace: Workspace, key: AttemptKey) -> dict[str, Any]:
    """A run below that of `key`, with its folder, which whoever starts it makes: one without is taken for lost."""
    below = AttemptKey(f"{key.run_id}_child", 1, 0)
    below.folder(common_workspace.files.attempts).mkdir(parents=True)
    return {"id": below.run_id, "experiment": "by-bytes", "parent": key.run_id}


def written(folder: Path, **files: bytes) -> dict[str, Path]:
    found = {}
    for name, data in files.items():
        path = folder / name
        path.write_bytes(data)
        found[f"outputs/{name}"] = path
    return found


def kept(api: ServerApi, key: AttemptKey, name: str, target: Path) -> bytes:
    api.download(f"/runs/{key.run_id}/files/{name}", target)
    return target.read_bytes()


def as_found(path: Path) -> dict[str, Any]:
    status = path.stat()
    return {
        "name": path.name,
        "path": str(path),
        "size": status.st_size,
        "modified": status.st_mtime_ns,
        "inode": status.st_ino,
        "changed": status.st_ctime_ns,
    }


def test_files_are_kept_under_their_names(api: ServerApi, key: AttemptKey, tmp_path: Path) -> None:
    files = written(tmp_path, small=b"a few bytes", large=os.urandom(3 << 20), empty=b"")
    assert api.ingest(key, files) == {}
    for name, path in files.items():
        assert kept(api, key, name, tmp_path / "back") == path.read_bytes()


def test_what_cannot_be_kept_is_named_and_the_rest_is(
    api: ServerApi, key: AttemptKey, tmp_path: Path
) -> None:
    files = written(tmp_path, good=b"good") | {"outputs/gone": tmp_path / "gone", "../x": tmp_path / "good"}
    refused = api.ingest(key, files, some=True)
    assert refused.keys() == {"outputs/gone", "../x"}
    assert "There is no file" in refused["outputs/gone"]
    assert kept(api, key, "outputs/good", tmp_path / "back") == b"good"
    with pytest.raises(UserErrorException, match="There is no file"):
        api.ingest(key, files)


def test_paths_of_the_node_are_refused_as_they_were(api: ServerApi, key: AttemptKey) -> None:
    asked = {"files": [{"name": "outputs/x", "path": "/etc/hostname"}]}
    with pytest.raises(UserErrorException, match="of the server's host"):
        api.call("POST", f"{key.path}/files", asked)
    with pytest.raises(NotFound, match="Send its bytes first"):
        api.call("POST", f"{key.path}/objects", {"files": [{"name": "outputs/x", "digest": "0" * 64}]})


def test_a_checkpoint_is_replaced_by_the_next_and_keeps_what_could_not_be_sent(
    api: ServerApi, key: AttemptKey, tmp_path: Path
) -> None:
    for name in ("model", "state"):
        (tmp_path / name).write_bytes(name.encode())
    first = api.take_checkpoint(key, [as_found(tmp_path / "model"), as_found(tmp_path / "state")])
    assert first["digests"].keys() == {"model", "state"}
    assert first["refused"] == {}
    stale = as_found(tmp_path / "state")
    (tmp_path / "state").write_bytes(b"other")
    (tmp_path / "model").write_bytes(b"newer")
    second = api.take_checkpoint(key, [as_found(tmp_path / "model"), stale])
    assert second["refused"].keys() == {"state"}
    now = {file["name"]: file["digest"] for file in api.taken_checkpoint(key)}
    assert now["state"] == first["digests"]["state"]
    assert now["model"] == second["digests"]["model"] != first["digests"]["model"]
    taken = next(file for file in api.taken_checkpoint(key) if file["name"] == "model")
    known = {name: taken[name] for name in ("name", "size", "modified", "digest")}
    assert api.take_checkpoint(key, [known])["digests"] == {"model": taken["digest"]}


def test_a_checkpoint_counts_though_the_next_takes_its_place_before_it_is_sent(
    api: ServerApi, key: AttemptKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = uploads.bring_some

    def replaced_first(transport: Transport, paths: Iterable[str | Path]) -> Any:
        (tmp_path / ".new").write_bytes(b"next")
        (tmp_path / ".new").rename(tmp_path / "model")
        return sent(transport, paths)

    monkeypatch.setattr(uploads, "bring_some", replaced_first)
    (tmp_path / "model").write_bytes(b"first")
    taken = api.take_checkpoint(key, [as_found(tmp_path / "model")])
    assert taken == {"digests": {"model": hashlib.sha256(b"first").hexdigest()}, "refused": {}}


def test_a_checkpoint_that_is_written_while_it_is_sent_does_not_count(
    api: ServerApi, key: AttemptKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = uploads.bring_some

    def written_first(transport: Transport, paths: Iterable[str | Path]) -> Any:
        (tmp_path / "odd").write_bytes(b"other")
        return sent(transport, paths)

    monkeypatch.setattr(uploads, "bring_some", written_first)
    (tmp_path / "odd").write_bytes(b"first")
    taken = api.take_checkpoint(key, [as_found(tmp_path / "odd")])
    assert taken["refused"] == {"odd": "It was written meanwhile."}
    assert "odd" not in taken["digests"]


def test_runs_below_an_attempt_are_of_its_node(
    api: ServerApi, key: AttemptKey, child: dict[str, Any]
) -> None:
    for _ in range(2):  # repeating it has no second effect
        (started,) = api.start_below(key, [{**child, "user": "somebody else"}])
        assert started["run"]["user"] == api._transport.json("GET", f"/runs/{key.run_id}")["user"], (
            "its person's"
        )
        assert (started["run"]["id"], started["run"]["status"]) == (child["id"], "Running")
    below = AttemptKey(child["id"], 1, 0)
    assert api.finish(below, [], {"reason": "completed", "message": ""})
    with pytest.raises(Conflict, match="Attempt 2"):
        api.start_below(AttemptKey(key.run_id, 2, 0), [child])
