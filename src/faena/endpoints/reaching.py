"""Endpoints as whoever looks at them sees them, wherever their fronts are: here, or on a machine of a cluster."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import msgspec

from faena.compute.machines import store as machine_store
from faena.db import Read
from faena.endpoints import asking, kept, store
from faena.endpoints.asking import Answered
from faena.endpoints.elsewhere.machines import Machines
from faena.endpoints.elsewhere.schemas import FrontAnswer, Question
from faena.endpoints.folder import EndpointFolder
from faena.endpoints.model import Endpoint, Revision
from faena.endpoints.schemas import EndpointView, KeptRequest
from faena.endpoints.views import view
from faena.kernel.errors import FaenaError, WebserviceException
from faena.scoring.history import Recent
from faena.scoring.status import Status

_LOOK_SECONDS = 1.0
_LARGEST_LOOK = 4 << 20
_AT_ONCE = 16
"""Fronts that are asked how they are at the same time."""
_WAY = 5.0
"""Seconds that a question may take to a machine and back, beside the answer itself."""


class Reach:
    """Of one server. `workspace`: its `.faena` folder."""

    def __init__(self, workspace: Path, machines: Machines) -> None:
        self._workspace = workspace
        self._machines = machines

    def status(self, endpoint: Endpoint) -> Status | None:
        """What its front said last. Reads a small file."""
        if not endpoint.settings.cluster:
            return EndpointFolder.of(self._workspace, endpoint.name).status()
        said = self._machines.said(endpoint.machine, endpoint.id)
        return None if said is None else said.status

    def view(self, read: Read, endpoint: Endpoint, revisions: list[Revision] | None = None) -> EndpointView:
        """`revisions`: its own, where they are known."""
        machine = machine_store.get(read, endpoint.machine) if endpoint.machine else None
        own = store.revisions_of(read, [endpoint.name]) if revisions is None else revisions
        return view(endpoint, own, self.status(endpoint), machine)

    async def ask(
        self, endpoint: Endpoint, verb: str, path: str, body: bytes = b"", *, seconds: float, most: int
    ) -> Answered:
        """What its front answers. `most`: bytes of that. Raises WebserviceException where nothing does in so many
        seconds."""
        if not endpoint.settings.cluster:
            where = await asyncio.to_thread(asking.place, self._workspace, endpoint)
            if where is None:
                raise asking.nobody(endpoint.name)
            return await asking.ask(where, verb, path, body, seconds=seconds, most=most)
        question = Question(
            "",
            endpoint.id,
            "http",
            verb=verb,
            path=path,
            body=base64.b64encode(body).decode(),
            seconds=seconds,
            most=most,
        )
        answer = await self._asked(endpoint, question, seconds + _WAY)
        try:
            found = msgspec.json.decode(answer, type=FrontAnswer)
        except msgspec.DecodeError as error:
            raise WebserviceException(
                f"The machine of {endpoint.name} answers no answer: {error}."
            ) from error
        if found.error:
            raise WebserviceException(f"{endpoint.name} on its machine: {found.error}")
        return Answered(found.status, found.headers, found.body, found.size, found.is_whole, found.seconds)

    async def recent(self, endpoints: list[Endpoint]) -> dict[str, Recent]:
        """What those did in the last minutes that answer, by name."""
        few = asyncio.Semaphore(_AT_ONCE)

        async def look(endpoint: Endpoint) -> tuple[str, Recent] | None:
            async with few:
                try:
                    return endpoint.name, await self._recent(endpoint)
                except (FaenaError, OSError):
                    return None

        return dict(filter(None, await asyncio.gather(*map(look, endpoints))))

    async def log_text(self, endpoint: Endpoint, number: int | None, most: int) -> str:
        """The last that the workers of a revision wrote, `most` bytes of each log; None: its front."""
        if not endpoint.settings.cluster:
            folder = EndpointFolder.of(self._workspace, endpoint.name)
            if number is None:
                return await asyncio.to_thread(folder.front_log, most)
            return await asyncio.to_thread(folder.log_text, number, most)
        question = Question("", endpoint.id, "log", most=most, revision=number)
        return (await self._asked(endpoint, question, _WAY)).decode("utf-8", "replace")

    async def kept_requests(self, endpoint: Endpoint, most: int) -> list[KeptRequest]:
        if not endpoint.settings.cluster:
            folder = EndpointFolder.of(self._workspace, endpoint.name).path
            return await asyncio.to_thread(kept.last, folder, most)
        answer = await self._asked(endpoint, Question("", endpoint.id, "requests", most=most), 6 * _WAY)
        return await asyncio.to_thread(kept.decoded, answer.splitlines(), most)

    async def _recent(self, endpoint: Endpoint) -> Recent:
        said = await self.ask(endpoint, "GET", "/metrics/recent", seconds=_LOOK_SECONDS, most=_LARGEST_LOOK)
        try:
            return await asyncio.to_thread(msgspec.json.decode, said.body, type=Recent)
        except msgspec.DecodeError as error:  # of another version, which is about to be replaced
            raise WebserviceException(f"{endpoint.name} does not tell what it did: {error}.") from error

    async def _asked(self, endpoint: Endpoint, question: Question, seconds: float) -> bytes:
        if self._machines.said(endpoint.machine, endpoint.id) is None:
            raise asking.nobody(endpoint.name)
        return await self._machines.ask(endpoint.machine, question, seconds)
