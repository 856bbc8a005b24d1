"""What orders name, on a node of another machine than the server's: by bytes, kept until the next order."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import IO, Any

from faena.attempts.api import ServerApi
from faena.attempts.folder import ATTEMPTS
from faena.attempts.key import AttemptKey
from faena.data.staging import Verified
from faena.kernel import settings
from faena.kernel.errors import EnvironmentBuildException, NotFound, RunEnvironmentException
from faena.kernel.python36 import versions
from faena.kernel.transport import segment
from faena.node.home import MOST_VERIFIED, Manifests
from faena.node.joined.cache import Cache
from faena.node.joined.datastores import FetchedFiles
from faena.node.joined.environments import Builder, Shipped, python_of
from faena.node.joined.objects import FetchedObjects


class ByBytes:
    """Fulfils `faena.node.home.Home`. For the one process that holds the lock of `folder`.

    <folder>/attempts/   as in a workspace
    <folder>/objects/    bytes by digest, see `cache`
    <folder>/data/       the datastores of the attempt that runs
    <folder>/builds/     of environments
    """

    def __init__(self, folder: Path, api: ServerApi, name: str, cache: Cache) -> None:
        """`name`: how errors call the node. `cache`: of the machine, for all that are here."""
        self._folder = folder
        self._name = name
        self._verified: dict[str, Verified] = {}
        self._cache = cache
        self._manifests = Manifests(api)
        self._builder = Builder(folder / "builds", name)
        self._speak(api)

    def _speak(self, api: ServerApi) -> None:
        self._api = api
        self._objects = FetchedObjects(api, self._cache, self._verified)
        self._files = FetchedFiles(api, self._cache, self._folder / "data")

    def begin(self, api: ServerApi | None = None) -> None:
        """Another attempt begins, whose own `api` it is; none but it runs."""
        if len(self._verified) > MOST_VERIFIED:
            self._verified.clear()
        self._cache.begin()
        if api is not None:
            self._speak(api)

    @property
    def workspace(self) -> Path:
        return self._folder

    @property
    def has_workspace(self) -> bool:
        return False

    @property
    def verified(self) -> MutableMapping[str, Verified]:
        return self._verified

    def attempt(self, key: AttemptKey) -> Path:
        return key.folder(self._folder / ATTEMPTS)

    def files(self, snapshot: str) -> Sequence[Mapping[str, Any]]:
        found = self._manifests.files(snapshot)
        self._objects.fetch_small(found)
        return found

    def open_object(self, digest: str) -> IO[bytes]:
        return self._objects.open(digest)

    def interpreter(self, environment: Mapping[str, Any]) -> str:
        if not environment["built"]:
            return str(environment["interpreter"])
        if (python := python_of(environment["lock"])) is None:
            lock = str(environment["lock"])[:12]
            raise RunEnvironmentException(f"The environment {lock} is not on the node {self._name}.")
        return str(python)

    def environment_lock(self, environment: Mapping[str, Any]) -> str:
        if not environment["built"]:
            return ""
        return str(settings.home_path() / "envs" / f"{environment['lock']}.lock")

    def datastore(self, name: str) -> Path | None:
        try:
            self._api.call("GET", f"/datastores/{segment(name)}")
        except NotFound:
            return None
        folder = self._files.folder(name)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def sample_data(self) -> Path:
        return settings.home_path() / "datasets"

    def make_environment(
        self, environment: Mapping[str, Any], key: AttemptKey, progress: Callable[[], None]
    ) -> None:
        if environment["built"]:
            api = self._api
            self._builder.ensure(api, environment["lock"], lambda log: Shipped(api, key, log), progress)
            return
        python = str(environment["interpreter"])
        if not os.access(python, os.X_OK):
            raise EnvironmentBuildException(
                f"There is no interpreter {python} on the node {self._name}, which the run is to use as it is. Install "
                "it there, name one that is there, or give packages instead."
            )
        minor = versions.minor_of(python)
        if minor is not None and minor < versions.OLDEST:
            raise EnvironmentBuildException(
                f"{python} on the node {self._name} is Python {minor[0]}.{minor[1]}. Training scripts need 3.6 or "
                "newer."
            )

    def bring_data(self, inputs: Sequence[Mapping[str, Any]], progress: Callable[[], None]) -> list[str]:
        for data in inputs:
            for source in data["sources"]:
                if "run" in source:
                    self._objects.fetch_small(source["files"])
        return self._files.bring(inputs, progress)
