"""A node on another machine, by the contract of homes; and what comes by bytes, once and whole."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faena import Workspace
from faena.attempts.api import ServerApi
from faena.data import staging
from faena.kernel.errors import EnvironmentBuildException, NotFound, StorageFull
from faena.kernel.transport import Transport
from faena.node.joined import datastores
from faena.node.joined.cache import Cache
from faena.node.joined.home import ByBytes
from faena.testing.node_home import KEY, HomeContract
from tests.attempts.test_by_bytes import address_of
from tests.node.test_home import keep, keep_snapshot

__all__ = ["keep", "keep_snapshot"]

STORE = "workspaceblobstore"


class Counted(ServerApi):
    """Knows what was asked for."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self.downloaded: list[str] = []
        self.together = 0

    def download(self, path: str, target: Path, progress: Callable[[], None] = lambda: None) -> str:
        self.downloaded.append(path)
        return super().download(path, target, progress)

    def fetch(self, digest: str, target: Path) -> str:
        self.downloaded.append(digest)
        return super().fetch(digest, target)

    def objects(self, digests: list[str]) -> bytes:
        self.together += 1
        return super().objects(digests)


@pytest.fixture
def api(common_workspace: Workspace) -> Counted:
    return Counted(Transport(address_of(common_workspace)))


@pytest.fixture
def home(api: Counted, tmp_path: Path) -> ByBytes:
    return ByBytes(tmp_path / "node", api, "far", Cache(tmp_path / "node" / "objects", 10**9))


class TestByBytes(HomeContract):
    def test_small_files_of_a_snapshot_come_together_and_once(
        self, home: ByBytes, api: Counted, keep_snapshot: Callable[[dict[str, bytes]], str], tmp_path: Path
    ) -> None:
        digest = keep_snapshot({f"{number}.py": os.urandom(20) for number in range(50)})
        for number in range(2):
            home.begin()
            staging.materialise(home.files(digest), home.open_object, tmp_path / str(number), home.verified)
        assert (api.together, api.downloaded) == (1, [])

    def test_bytes_that_were_spoiled_on_this_disk_are_fetched_again(
        self, home: ByBytes, api: Counted, keep: Callable[[bytes], str]
    ) -> None:
        digest = keep(b"whole" * 1000)
        home.open_object(digest).close()
        path = next((home.workspace / "objects").glob(f"*/{digest}"))
        path.chmod(0o644)
        path.write_bytes(b"torn")
        with home.open_object(digest) as file:
            assert hashlib.sha256(file.read()).hexdigest() == digest
        assert api.downloaded == [digest] * 2

    def test_an_interpreter_that_is_missing_is_named_with_the_node(self, home: ByBytes) -> None:
        asked = {"built": False, "lock": "", "interpreter": "/nowhere/python"}
        with pytest.raises(EnvironmentBuildException, match="no interpreter /nowhere/python on the node far"):
            home.make_environment(asked, KEY, lambda: None)


class TestDatastores:
    @pytest.fixture
    def store(self, common_workspace: Workspace, tmp_path: Path) -> Path:
        """A folder of the server's host with files in it, and the name that it has as a path in the datastore."""
        root = Path(common_workspace.api.transport.json("GET", f"/datastores/{STORE}")["folder"])
        folder = root / tmp_path.name / tmp_path.parent.name
        (folder / "deep").mkdir(parents=True)
        (folder / "a.csv").write_bytes(b"a" * 1000)
        (folder / "deep" / "b.csv").write_bytes(b"b" * 2000)
        return folder

    def path_of(self, store: Path) -> str:
        return f"{store.parent.name}/{store.name}"

    def bring(self, home: ByBytes, path: str, **more: Any) -> Path:
        home.begin()
        source = {"datastore": STORE, "path": path}
        home.bring_data([{"name": "data", "mode": "mount", "sources": [source], **more}], lambda: None)
        return home.workspace / "data" / STORE / path

    def test_a_folder_is_here_with_its_files_and_nothing_else(self, home: ByBytes, store: Path) -> None:
        here = self.bring(home, self.path_of(store))
        assert (here / "a.csv").read_bytes() == b"a" * 1000
        assert (here / "deep" / "b.csv").read_bytes() == b"b" * 2000
        one = self.bring(home, f"{self.path_of(store)}/a.csv")
        assert one.is_file()
        assert [path.name for path in here.iterdir()] == ["a.csv"]

    def test_a_pattern_brings_what_it_means(self, home: ByBytes, store: Path) -> None:
        self.bring(home, f"{self.path_of(store)}/**/b.*")
        here = home.workspace / "data" / STORE / self.path_of(store)
        assert [path.name for path in here.rglob("*.csv")] == ["b.csv"]

    def test_an_empty_folder_is_one_here_too(self, home: ByBytes, store: Path) -> None:
        (store / "empty").mkdir()
        assert self.bring(home, f"{self.path_of(store)}/empty").is_dir()

    def test_only_what_was_written_since_comes_again(self, home: ByBytes, api: Counted, store: Path) -> None:
        self.bring(home, self.path_of(store))
        (store / "a.csv").write_bytes(b"c" * 1000)
        here = self.bring(home, self.path_of(store))
        assert (here / "a.csv").read_bytes() == b"c" * 1000
        assert len(api.downloaded) == 3

    def test_what_is_not_there_is_named_as_on_the_servers_host(self, home: ByBytes) -> None:
        with pytest.raises(NotFound, match="In the datastore 'workspaceblobstore' there is no 'nowhere'"):
            self.bring(home, "nowhere")

    def test_what_is_to_be_uploaded_is_not_brought(self, home: ByBytes, api: Counted, store: Path) -> None:
        self.bring(home, self.path_of(store), mode="upload")
        assert api.downloaded == []
        assert (home.workspace / "data" / STORE).is_dir()

    def test_a_disk_that_cannot_hold_it_is_told_with_sizes(
        self, home: ByBytes, store: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(datastores, "_free", lambda folder: 200_000_000)
        with pytest.raises(StorageFull, match=r"takes 0\.0 MB.* 200 MB free"):
            self.bring(home, self.path_of(store))

    def test_a_run_that_is_to_stop_waits_for_no_bytes(self, home: ByBytes, store: Path) -> None:
        class Stop(Exception):
            pass

        def stop() -> None:
            raise Stop

        (store / "large").write_bytes(b"x" * (8 << 20))
        source = {"datastore": STORE, "path": self.path_of(store)}
        with pytest.raises(Stop):
            home.bring_data([{"name": "data", "mode": "mount", "sources": [source]}], stop)

    def test_bytes_go_back_and_what_is_there_is_compared(
        self, api: Counted, store: Path, tmp_path: Path
    ) -> None:
        file = tmp_path / "made"
        file.write_bytes(b"made on the node")
        target = f"{self.path_of(store)}/made"
        assert api.store(STORE, target, file, overwrite=False)
        assert (store / "made").read_bytes() == b"made on the node"
        assert api.store(STORE, target, file, overwrite=False)  # the same once more
        file.write_bytes(b"other")
        assert not api.store(STORE, target, file, overwrite=False)
        assert api.store(STORE, target, file, overwrite=True)
        assert (store / "made").read_bytes() == b"other"
