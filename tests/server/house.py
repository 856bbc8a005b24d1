"""A server's parts in this process, with its door open: real, on TCP, with a clock that a test moves."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import warnings
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from litestar import Litestar

from faena.kernel.clock import Clock, SystemClock
from faena.people.settings import Settings
from faena.server.app import House, open_house
from faena.server.application import Tenant, app_for
from faena.server.route_groups import Application
from faena.workspaces.model import create_folder, open_folder
from faena.workspaces.schemas import GatewayRequest

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def cookie(self) -> str:
        """`name=value` of the cookie that is set."""
        return self.headers["set-cookie"].partition(";")[0]


@dataclass
class Visitor:
    """What comes by TCP; `headers` go with each request."""

    port: int
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, verb: str, path: str, body: bytes = b"", **headers: str | None) -> Answer:
        sent = {"Content-Length": str(len(body))} if body or verb not in ("GET", "HEAD") else {}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        sent |= {name: value for name, value in {**self.headers, **given}.items() if value is not None}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.putrequest(verb, path, skip_host="Host" in sent, skip_accept_encoding=True)
            for name, value in sent.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str | None) -> Answer:
        return self.ask("GET", path, b"", **headers)

    def get_all(self, path: str, header: str) -> list[str]:
        """A header's values, of which an answer may have several."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path, headers=self.headers)
            return connection.getresponse().headers.get_all(header) or []
        finally:
            connection.close()


@dataclass(frozen=True)
class Running:
    house: House
    app: Litestar
    loop: asyncio.AbstractEventLoop

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """In the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def sign_in_address(self, port: int | None = None) -> tuple[int, str]:
        """Opens the door: its port, and the path that signs one browser in."""
        found = urlsplit(self.do(self.house.gateway.open(self.app, GatewayRequest(port))).url)
        assert found.port is not None
        return found.port, f"{found.path}?{found.query}"

    def stranger(self) -> Visitor:
        return Visitor(self.sign_in_address()[0])

    def browser(self) -> Visitor:
        """One that is signed in."""
        port, path = self.sign_in_address()
        return Visitor(port, {"Cookie": Visitor(port).get(path).cookie})

    def client(self) -> Visitor:
        """One that has the token."""
        port, _ = self.sign_in_address()
        token = (self.house.folder.path / "token").read_text().strip()
        return Visitor(port, {"Authorization": f"Bearer {token}"})


_vacant: list[tuple[Tenant, Application]] = []
"""To make all routes takes longer than what most tests ask of them."""


def _made() -> tuple[Tenant, Application]:
    tenant = Tenant()
    with warnings.catch_warnings():  # of how the framework will want parameters to be marked some day
        warnings.simplefilter("ignore", DeprecationWarning)
        app = app_for(tenant)
        app.make_all()
    return tenant, app


@contextmanager
def running(
    parent: Path,
    clock: Clock | None = None,
    prepare: Callable[[Path], None] | None = None,
    settings: Settings | None = None,
) -> Iterator[Running]:
    """A server for a workspace in `parent`; `prepare` gets its folder before. `settings`: of a shared one."""
    folder = (
        create_folder(parent, "test") if not (parent / ".faena").exists() else open_folder(parent / ".faena")
    )
    if prepare:
        prepare(folder.path)
    started: list[Running] = []
    failure: list[BaseException] = []
    ready, leave = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with open_house(folder, clock or SystemClock(), settings=settings) as house:
            tenant, app = _vacant.pop() if _vacant else _made()
            tenant.move_in(house, leave.set, lambda: False)
            started.append(Running(house, app, asyncio.get_running_loop()))
            ready.set()
            await leave.wait()
        _vacant.append((tenant, app))

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001  raised where the test is
            failure.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait(120)
    if failure:
        raise failure[0]
    try:
        yield started[0]
    finally:
        started[0].loop.call_soon_threadsafe(leave.set)
        thread.join(120)
        if failure:
            raise failure[0]
