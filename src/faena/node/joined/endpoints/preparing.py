"""Makes what a revision runs in on this machine: the environment, built there, and the folder, by digests."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faena.attempts.api import ServerApi
from faena.data.staging import Verified
from faena.endpoints.front_folder import FrontFolder, StagedModel
from faena.kernel import settings
from faena.kernel.durable import write_atomically
from faena.kernel.errors import EnvironmentBuildException
from faena.kernel.transport import segment
from faena.node.home import Manifests
from faena.node.joined import variables
from faena.node.joined.cache import Cache
from faena.node.joined.environments import Builder, python_of
from faena.node.joined.objects import FetchedObjects

_HERE = "here.json"
_PART = 1 << 20


class Preparing:
    """Of one machine. For several threads. `name`: how errors call the machine."""

    def __init__(self, api: ServerApi, cache: Cache, work: Path, name: str) -> None:
        self._api = api
        self._cache = cache
        self._builder = Builder(work, name)
        self._building = threading.Lock()
        self._name = name

    def make(
        self, node: str, endpoint: str, number: int, folder: FrontFolder, go_on: Callable[[], None]
    ) -> None:
        """Raises FaenaError and OSError, and what `go_on` does, which is called now and then.

        `node`: the runner by which the server knows this machine now.
        """
        path = f"/nodes/{segment(node)}/endpoints/{segment(endpoint)}/revisions/{number}"
        needs: dict[str, Any] = self._api.call("GET", path)
        folder.make()
        here = self._environment(needs["environment"], number, folder, go_on)
        go_on()
        self._stage(needs, number, folder)
        passed_on = variables.here(needs["inherited_variables"], os.environ)
        here["variables"] = {**passed_on, **needs["environment_variables"]}
        write_atomically(folder.revision(number) / _HERE, json.dumps(here).encode(), mode=0o600)

    def _environment(
        self,
        environment: dict[str, Any],
        number: int,
        folder: FrontFolder,
        go_on: Callable[[], None],
    ) -> dict[str, Any]:
        if not environment["built"]:
            python = str(environment["interpreter"])
            if not os.access(python, os.X_OK):
                raise EnvironmentBuildException(
                    f"There is no interpreter {python} on the machine {self._name}, which the revision is to use as it "
                    "is. Install it there, name one that is there, or give packages instead."
                )
            return {"python": python, "hold": "", "lock": ""}
        lock = str(environment["lock"])
        log_here = folder.logs / f"{number}-build.log"
        with self._building:
            self._builder.ensure(self._api, lock, lambda log: _Kept(log, log_here), go_on)
        hold = settings.home_path() / "envs" / f"{lock}.lock"
        return {"python": str(python_of(lock)), "hold": str(hold), "lock": lock}

    def _stage(self, needs: dict[str, Any], number: int, folder: FrontFolder) -> None:
        verified: dict[str, Verified] = {}
        objects = FetchedObjects(self._api, self._cache, verified)
        source = Manifests(self._api).files(needs["snapshot"])
        models = [
            StagedModel(each["name"], each["version"], each["files"], each["aliases"])
            for each in needs["models"]
        ]
        every: list[Any] = [*source, *(file for model in models for file in model.files)]
        objects.fetch_small(every)
        folder.stage(number, source, models, objects.open)


def here(folder: FrontFolder, number: int) -> dict[str, Any] | None:
    """What a revision has on this machine: `python`, `hold`, `variables`; None where it is not ready (any more)."""
    if not folder.is_staged(number):
        return None
    try:
        found: dict[str, Any] = json.loads((folder.revision(number) / _HERE).read_bytes())
        python, lock = str(found["python"]), str(found["lock"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    is_there = python_of(lock) is not None if lock else os.access(python, os.X_OK)
    return found if is_there else None


class _Kept:
    """A build's log, which becomes one of the endpoint's own."""

    def __init__(self, log: Path, target: Path) -> None:
        self._log = log
        self._target = target
        self._sent = 0

    def ship_when_due(self) -> None:
        self.ship(None)

    def ship(self, patience: float | None) -> None:
        with contextlib.suppress(OSError), self._log.open("rb") as said:
            said.seek(self._sent)
            with self._target.open("ab" if self._sent else "wb") as kept:
                while data := said.read(_PART):
                    kept.write(data)
                    self._sent += len(data)
