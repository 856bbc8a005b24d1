"""Where a node has what orders name: an order holds digests and names, never a path of the server's host."""

from __future__ import annotations

import contextlib
import os
from collections import OrderedDict
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

from faena.attempts.api import ServerApi
from faena.attempts.folder import ATTEMPTS
from faena.attempts.key import AttemptKey
from faena.data.staging import Verified
from faena.kernel import settings
from faena.kernel.errors import NotFound, RunEnvironmentException
from faena.kernel.transport import segment

_MOST_SNAPSHOTS, _MOST_FILES = 16, 200_000
"""What a node remembers of the snapshots that it staged last: the others are asked for again."""
MOST_VERIFIED = 500_000


class Home(Protocol):
    """What a node must be able to find. The contract suite is `faena.testing.node_home`."""

    @property
    def workspace(self) -> Path:
        """The folder of the workspace on this host, or what stands for it."""

    @property
    def has_workspace(self) -> bool:
        """Whether scripts can open the workspace in that folder."""

    @property
    def verified(self) -> MutableMapping[str, Verified]:
        """Objects whose bytes this node has verified."""

    def attempt(self, key: AttemptKey) -> Path:
        """The attempt's folder, which need not be there yet."""

    def files(self, snapshot: str) -> Sequence[Mapping[str, Any]]:
        """The manifest of a snapshot. Raises NotFound; SnapshotException for one that leaves its folder."""

    def open_object(self, digest: str) -> IO[bytes]:
        """Bytes by their digest. Raises FileNotFoundError; whoever reads them verifies them."""

    def interpreter(self, environment: Mapping[str, Any]) -> str:
        """Of an environment that is ready. Raises RunEnvironmentException where it is not."""

    def environment_lock(self, environment: Mapping[str, Any]) -> str:
        """The file whose flock keeps the environment from being pruned; empty: nothing has to be kept."""

    def datastore(self, name: str) -> Path | None:
        """Its folder; None where there is no such datastore (any more)."""

    def sample_data(self) -> Path:
        """Where sample data sets lie, or will."""

    def make_environment(
        self, environment: Mapping[str, Any], key: AttemptKey, progress: Callable[[], None]
    ) -> None:
        """See that an attempt's environment is on this node. `progress` is called meanwhile and may raise to stop.

        Raises EnvironmentBuildException, with the node's name.
        """

    def bring_data(self, inputs: Sequence[Mapping[str, Any]], progress: Callable[[], None]) -> list[str]:
        """See that what inputs name is in the folders of their datastores; what was left out, a sentence each.

        Raises NotFound naming what is missing, StorageFull.
        """


class Manifests:
    """Of the snapshots that a node staged last."""

    def __init__(self, api: ServerApi) -> None:
        self._api = api
        self._snapshots: OrderedDict[str, Sequence[Mapping[str, Any]]] = OrderedDict()

    def files(self, snapshot: str) -> Sequence[Mapping[str, Any]]:
        found = self._snapshots.get(snapshot)
        if found is None:
            found = self._snapshots[snapshot] = self._api.call("GET", f"/snapshots/{segment(snapshot)}")
        self._snapshots.move_to_end(snapshot)
        while len(self._snapshots) > 1 and (
            len(self._snapshots) > _MOST_SNAPSHOTS or sum(map(len, self._snapshots.values())) > _MOST_FILES
        ):
            self._snapshots.popitem(last=False)
        return found

    def beside(self, digest: str) -> list[str]:
        """What the snapshot that has this object has, itself first."""
        for files in reversed(self._snapshots.values()):
            if any(file["digest"] == digest for file in files):
                return list(dict.fromkeys([digest, *(file["digest"] for file in files)]))
        return [digest]


class InPlace:
    """Fulfils `Home` on the server's own host: objects, environments and datastores are read where they are."""

    def __init__(self, folder: Path, api: ServerApi) -> None:
        """`folder`: the workspace's, which may be moved meanwhile."""
        self._folder = folder
        self._api = api
        self._manifests = Manifests(api)
        self._verified: dict[str, Verified] = {}

    @property
    def workspace(self) -> Path:
        return self._api.locate(self._folder)

    @property
    def has_workspace(self) -> bool:
        return True

    @property
    def verified(self) -> MutableMapping[str, Verified]:
        if len(self._verified) > MOST_VERIFIED:
            self._verified.clear()
        return self._verified

    def attempt(self, key: AttemptKey) -> Path:
        return key.folder(self.workspace / ATTEMPTS)

    def files(self, snapshot: str) -> Sequence[Mapping[str, Any]]:
        return self._manifests.files(snapshot)

    def open_object(self, digest: str) -> IO[bytes]:
        path = self.workspace / "objects" / digest[:2] / digest
        with contextlib.suppress(FileNotFoundError):
            return path.open("rb")
        # what is new, or in a bucket, gets its file by this: the whole snapshot, since the others are wanted next
        self._api.call("POST", "/objects/bring", {"digests": self._manifests.beside(digest)})
        return path.open("rb")

    def interpreter(self, environment: Mapping[str, Any]) -> str:
        if not environment["built"]:
            return str(environment["interpreter"])
        python = settings.home_path() / "envs" / str(environment["lock"]) / "bin" / "python"
        if not os.access(python, os.X_OK):
            raise RunEnvironmentException(
                f"The environment {str(environment['lock'])[:12]} is not on this node: there is no {python}. Submit "
                "the run again, and it is built again."
            )
        return str(python)

    def environment_lock(self, environment: Mapping[str, Any]) -> str:
        if not environment["built"]:
            return ""
        return str(settings.home_path() / "envs" / f"{environment['lock']}.lock")

    def datastore(self, name: str) -> Path | None:
        try:
            found = self._api.call("GET", f"/datastores/{segment(name)}")
        except NotFound:
            return None
        folder = Path(found["folder"])
        if found["kind"] == "workspace":
            folder.mkdir(parents=True, exist_ok=True)  # nobody may have uploaded anything yet
        return folder

    def sample_data(self) -> Path:
        return settings.home_path() / "datasets"

    def make_environment(
        self, environment: Mapping[str, Any], key: AttemptKey, progress: Callable[[], None]
    ) -> None:
        """The server has made it, on this host."""

    def bring_data(self, inputs: Sequence[Mapping[str, Any]], progress: Callable[[], None]) -> list[str]:
        return []  # it is where it is


def resolved(order: Mapping[str, Any], key: AttemptKey, home: Home) -> dict[str, Any]:
    """An order with the places on this node of what it names. Raises as `Home` does."""
    environment = order["environment"]
    stores = {
        source["datastore"] for data in order["inputs"] for source in data["sources"] if "datastore" in source
    }
    folders = {name: str(home.datastore(name) or "") for name in stores}
    return {
        **order,
        "folder": str(home.attempt(key)),
        "workspace_folder": str(home.workspace) if home.has_workspace else "",
        "python": home.interpreter(environment),
        "hooked": environment["built"],
        "environment_lock": home.environment_lock(environment),
        "defaults": dict.fromkeys(("CHAINER_DATASET_ROOT", "FAENA_DATASETS"), str(home.sample_data())),
        "inputs": [
            {**data, "sources": [_placed(source, folders) for source in data["sources"]]}
            for data in order["inputs"]
        ],
    }


def _placed(source: Mapping[str, str], folders: Mapping[str, str]) -> dict[str, str]:
    return {**source, "folder": folders[source["datastore"]]} if "datastore" in source else dict(source)
