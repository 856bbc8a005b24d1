"""Environments on a node elsewhere: built there from the server's lock, by the builder that servers use.

What the builder says is the run's build log, while it says it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from faena.attempts.api import ServerApi
from faena.attempts.follow import Segment
from faena.attempts.key import AttemptKey
from faena.kernel import digests, process_identity, settings
from faena.kernel.discovery import child_environment
from faena.kernel.errors import EnvironmentBuildException, ServerUnreachable, UserErrorException
from faena.kernel.transport import segment
from faena.node.joined.builder import builder_python

BUILD_LOG = "log/azureml-logs/20_image_build_log.txt"
"""The stream that a server gives what its own builders say, too."""
_LOOK = 0.1
_SHIP = 0.5
_PART = 1 << 20
_TAIL = 2000
_TRIES = 3
"""As servers have for a builder that is killed."""
_SETTLED, _READY = ".settled", ".ready"


def python_of(digest: str) -> Path | None:
    """The interpreter of an environment that is ready on this host: as `faena.environments.ready`."""
    folder = settings.home_path() / "envs" / digests.check(digest)
    try:
        boot = json.loads((folder / _READY).read_bytes())["boot"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if boot != process_identity.boot() and not (folder / _SETTLED).exists():
        return None
    python = folder / "bin" / "python"
    return python if os.access(python, os.X_OK) else None


class ShippedLog(Protocol):
    """A build's log on its way to who waits for it."""

    def ship_when_due(self) -> None: ...
    def ship(self, patience: float | None) -> None: ...


class _Killed(EnvironmentBuildException):
    """A signal ended the process that builds it."""


class Builder:
    """Of one node. `work`: a folder of its own; `name`: how errors call the node."""

    def __init__(self, work: Path, name: str) -> None:
        self._work = work
        self._name = name
        self._settling: list[subprocess.Popen[bytes]] = []
        """Builders that compile bytecode of what is used already."""

    def ensure(
        self, api: ServerApi, digest: str, shipped: Callable[[Path], ShippedLog], progress: Callable[[], None]
    ) -> None:
        """Have the environment of a lock here. `api`: of what waits for it; `shipped`: has it bring a log, by its path.

        Raises what `progress` raises, and EnvironmentBuildException.
        """
        self._settling = [process for process in self._settling if process.poll() is None]
        if python_of(digest) is not None:
            return
        lock = api.call("GET", f"/environment-locks/{segment(digest)}/lock")
        try:
            for archive in lock.get("archives", ()):
                _bring_archive(api, digest, archive)
            self._build_in_tries(lock, self._work / digest, shipped, progress)
        except (EnvironmentBuildException, UserErrorException, OSError) as error:
            raise EnvironmentBuildException(
                f"The environment could not be built on the node {self._name}: {error}"
            ) from error

    def _build_in_tries(
        self,
        lock: dict[str, Any],
        folder: Path,
        shipped_as: Callable[[Path], ShippedLog],
        progress: Callable[[], None],
    ) -> None:
        """A builder that is killed, as where memory runs out, says nothing of the environment."""
        for left in reversed(range(_TRIES)):
            try:
                self._build(lock, folder, shipped_as, progress)
            except _Killed:
                if not left:
                    raise
            else:
                return

    def _build(
        self,
        lock: dict[str, Any],
        folder: Path,
        shipped_as: Callable[[Path], ShippedLog],
        progress: Callable[[], None],
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        log, result, said = folder / "build.log", folder / "result.json", folder / "said.log"
        result.unlink(missing_ok=True)
        log.write_text(f"On the node {self._name}:\n", encoding="utf-8")
        (folder / "spec.json").write_text("{}")
        (folder / "lock.json").write_text(json.dumps(lock))
        words = [
            "ensure",
            "--here",
            "--retry",
            "--spec",
            folder / "spec.json",
            "--lock",
            folder / "lock.json",
        ]
        words += ["--log", log, "--result", result]
        python = builder_python()
        with said.open("wb") as output:
            process = subprocess.Popen(
                [python, "-P", "-m", "faena.environments", *map(str, words)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd="/",
                env=child_environment(),
            )
        shipped = shipped_as(log)
        try:
            while process.poll() is None and not result.exists():
                time.sleep(_LOOK)
                shipped.ship_when_due()
                progress()
        except BaseException:
            process.terminate()
            process.wait()
            raise
        self._settling.append(process)
        shipped.ship(None)
        try:
            _raise_for(result, said, process)
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # the run has its log


def _bring_archive(api: ServerApi, digest: str, archive: dict[str, Any]) -> None:
    """Where builders look for packages that came from a submitter's disk."""
    name = digests.check(archive["digest"])
    target = settings.home() / "archives" / name / Path(archive["filename"]).name
    if target.exists() and digests.of_file(target) == name:
        return
    api.download(f"/environment-locks/{segment(digest)}/archives/{name}", target)


class Shipped:
    """A log that goes to a run while it grows, behind what an earlier try of the attempt sent."""

    def __init__(self, api: ServerApi, key: AttemptKey, log: Path) -> None:
        self._api = api
        self._key = key
        self._log = log
        self._begins = api.offsets(key).get(BUILD_LOG, 0)
        self._sent = 0
        self._due = 0.0

    def ship_when_due(self) -> None:
        if time.monotonic() >= self._due:
            with contextlib.suppress(ServerUnreachable):  # the file keeps it
                self.ship(0.0)
            self._due = time.monotonic() + _SHIP

    def ship(self, patience: float | None) -> None:
        while True:
            with self._log.open("rb") as file:
                file.seek(self._sent)
                data = file.read(_PART)
            if not data:
                return
            part = Segment(BUILD_LOG, self._begins + self._sent, data)
            reached = self._api.ship(self._key, [part], patience=patience).offsets.get(BUILD_LOG, 0)
            if reached <= self._begins + self._sent:
                return  # the server takes no more of it
            self._sent = reached - self._begins


def _raise_for(result: Path, said: Path, process: subprocess.Popen[bytes]) -> None:
    try:
        found = json.loads(result.read_bytes())
    except (OSError, ValueError):
        process.wait()
        tail = said.read_text(errors="replace")[-_TAIL:].strip()
        kind = _Killed if process.returncode < 0 else EnvironmentBuildException
        raise kind(
            f"The process that builds it ended with {process.returncode} and no word. {tail}"
        ) from None
    if error := found.get("error"):
        raise EnvironmentBuildException(str(error["message"]))
