"""Use cases of environments: find one that is ready, have one built by a process of its own."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from faena.environments import archives, catalogue, credentials, interpreters, packing, serving
from faena.environments.model import EnvironmentSpec, IndexUrl, Lock
from faena.environments.resolve import stored
from faena.environments.schemas import EnvironmentRequest, IndexRequest
from faena.kernel import dates
from faena.kernel.discovery import child_environment
from faena.kernel.errors import EnvironmentBuildException, FaenaError, UserErrorException, from_wire
from faena.kernel.lanes import BYTES
from faena.objects.service import Objects


class ReadyEnvironment(Struct, frozen=True):
    lock: Lock
    python: str


def spec_of(request: EnvironmentRequest, *, default: str = "") -> EnvironmentSpec:
    """`default`: the date where it names none. Raises UserErrorException naming the field that cannot be used."""
    given = msgspec.structs.asdict(request)
    given["index_urls"] = tuple(
        IndexUrl(index.url, index.name, index.default) for index in request.index_urls
    )
    as_of = request.as_of or (default if request.interpreter is None else "") or request.as_of_else
    given["as_of"] = "" if as_of == dates.TODAY else as_of
    del given["as_of_else"]
    spec = EnvironmentSpec(**given)
    if as_of == dates.TODAY and spec.interpreter is None and catalogue.is_of_its_time(spec):
        return msgspec.structs.replace(spec, as_of=dates.TODAY)  # said only where it changes something
    return spec


def kept(request: EnvironmentRequest) -> EnvironmentRequest:
    """The same request without the credentials of its indexes: what may be stored."""
    if not request.index_urls:
        return request
    urls = [IndexUrl(index.url, index.name, index.default).kept() for index in request.index_urls]
    return msgspec.structs.replace(
        request, index_urls=tuple(IndexRequest(index.url, index.name, index.default) for index in urls)
    )


async def take_sent(request: EnvironmentRequest, objects: Objects) -> None:
    """Keep those of its archives that are not here and whose bytes were sent; of others the submission tells."""
    for archive in request.archives:
        archives.check(archive)
        if await asyncio.to_thread(archives.is_there, archive):
            continue
        if not await objects.missing([archive.digest]):
            await BYTES.run(
                lambda wanted: packing.keep_sent(wanted, objects.files.open(wanted.digest)), archive
            )


def refuse_impossible(
    spec: EnvironmentSpec, *, elsewhere: bool = False, serves: bool = False
) -> tuple[str, ...]:
    """Raise UserErrorException for an interpreter that is not there, TrainingException for an unknown framework.

    `elsewhere`: an interpreter is that of another machine. `serves`: a model is to answer in it. Returns what the run's
    reader must know, such as a Python that was asked for and is not there.
    """
    if spec.interpreter is not None:
        if not elsewhere:
            interpreters.existing(spec.interpreter, serves=serves)
        elif not spec.interpreter.startswith("/"):
            raise UserErrorException(
                f"{spec.interpreter[:200]!a} is no absolute path: the nodes are other machines, which look nothing up."
            )
        return ()
    for archive in spec.archives:
        if not archives.is_there(archive):
            raise UserErrorException(
                f"The package {archive.given or archive.filename} was brought from a disk and is not on this machine "
                "any more. Ask for it again from the folder that has it."
            )
    found = catalogue.plan(spec)
    if serves:
        serving.refuse_plan(found)
        if (known := stored(spec)) is not None:
            serving.refuse_lock(known)
    return found.warnings


class Build:
    """One builder process. It outlives the server; asked again, another one waits for it and finds its work."""

    def __init__(
        self,
        spec: EnvironmentSpec,
        folder: Path,
        *,
        lock: Lock | None = None,
        retry: bool = False,
        resolve_only: bool = False,
    ) -> None:
        """`lock`: build it and resolve nothing. `resolve_only`: build nothing. `retry`: also what failed before."""
        self._spec = spec.kept()
        self._credentials = credentials.variables(spec.digest) | spec.credentials()
        self._folder = folder
        self._lock = lock
        self._retry = retry
        self._resolve_only = resolve_only
        self.log = folder / "build.log"

    async def start(self) -> None:
        """Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self.log.unlink(missing_ok=True)
        self._result.unlink(missing_ok=True)
        spec = self._folder / "spec.json"
        spec.write_bytes(msgspec.json.encode(self._spec))
        arguments: list[str | Path] = ["ensure", "--spec", spec, "--log", self.log, "--result", self._result]
        if self._lock is not None:
            (self._folder / "lock.json").write_bytes(msgspec.json.encode(self._lock))
            arguments += ["--lock", self._folder / "lock.json"]
        arguments += ["--retry"] if self._retry else []
        arguments += ["--resolve-only"] if self._resolve_only else []
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "faena.environments",
            *map(str, arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            env=child_environment() | self._credentials,
        )

    async def wait(self, timeout: float) -> bool:
        """Whether there is a result, or the builder has ended, within `timeout` seconds.

        The builder may go on for a while after its result, compiling bytecode.
        """
        try:
            await asyncio.wait_for(asyncio.shield(self._process.wait()), timeout)
        except TimeoutError:
            return self._result.exists()
        return True

    def result(self) -> ReadyEnvironment | FaenaError | None:
        """What came of it; None when the builder was killed before it could say."""
        try:
            found: dict[str, Any] = msgspec.json.decode(self._result.read_bytes())
        except (OSError, msgspec.DecodeError):
            return None
        if error := found.get("error"):
            return from_wire(str(error["code"]), str(error["message"]))
        return ReadyEnvironment(msgspec.convert(found["lock"], Lock), str(found["python"]))

    @property
    def _result(self) -> Path:
        return self._folder / "result.json"


KILLED = EnvironmentBuildException(
    "The process that built the environment was killed, three times in a row. "
    "Look for what kills it (memory, a limit on processes) and submit the run again."
)
