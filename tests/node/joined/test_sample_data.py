"""Sample data sets on a node elsewhere: each file comes from the server, once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from faena.attempts.api import ServerApi
from faena.data import service
from faena.data.sample_files import SAMPLE_FILES
from faena.kernel.errors import NotFound
from faena.node import sample_data


class Server:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def download(self, path: str, target: Path) -> None:
        self.asked.append(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(path)


def test_each_file_comes_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAENA_HOME", str(tmp_path))
    server = Server()
    for _ in range(2):
        found = sample_data.bring(cast(ServerApi, server), "mnist")
        assert Path(found["root"], "pfnet", "chainer", "mnist", "test.npz").exists()
    assert server.asked == ["/sample-data/mnist/train.npz", "/sample-data/mnist/test.npz"]
    with pytest.raises(NotFound, match="There is: mnist"):
        sample_data.bring(cast(ServerApi, server), "cifar")


def test_the_server_gives_what_it_has_verified_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ensure(root: Path, report: Any) -> Path:
        path = tmp_path / SAMPLE_FILES["mnist"]["test.npz"]
        path.parent.mkdir(parents=True)
        path.write_bytes(b"digits")
        return tmp_path

    monkeypatch.setattr(service, "datasets_root", lambda: tmp_path)
    monkeypatch.setitem(service._DATASETS, "mnist", ensure)
    with service.open_sample("mnist", "test.npz") as file:
        assert file.read() == b"digits"
    for name, part in (("mnist", "../secret"), ("mnist", ""), ("cifar", "test.npz")):
        with pytest.raises(NotFound, match=r"mnist/train\.npz, mnist/test\.npz"):
            service.open_sample(name, part)
