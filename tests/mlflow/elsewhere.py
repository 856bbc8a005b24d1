"""A node on another machine, as far as MLflow's clients of a script there have to do with it; its link can be cut."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from faena.attempts.api import ServerApi
from faena.attempts.key import AttemptKey
from faena.attempts.redaction import Redaction
from faena.compute.machines.schemas import ListenerRequest
from faena.compute.machines.tokens import AttemptTokens
from faena.kernel.addresses import Url
from faena.kernel.transport import Transport
from faena.node.mlflow import Door
from tests.mlflow.clients import Client
from tests.mlflow.links import Link
from tests.server.house import Running, Visitor


@dataclass(frozen=True)
class Far:
    script: Client
    link: Link
    door: Door
    api: ServerApi


@contextmanager
def elsewhere(server: Running, place: Path, run_id: str, *, tls: bool = True) -> Iterator[Far]:
    """The first attempt of a run on a machine that has joined. `place`: a folder of it."""
    listener = server.do(server.house.node_listener.open(server.app, ListenerRequest(tls=tls)))
    link, key = Link(listener.url), AttemptKey(run_id, 1, 0)
    token = AttemptTokens(server.house.folder.nodes).of(key.name)
    transport = Transport(Url(link.url, token, fingerprint=listener.fingerprint), patience=0.0)
    api = ServerApi(transport)
    door = Door(api, key, Redaction(lambda: place))
    try:
        found = door.open()
        port = urlsplit(found["url"]).port
        assert port
        yield Far(Client(Visitor(port, {"Authorization": f"Bearer {found['token']}"})), link, door, api)
    finally:
        door.close()
        transport.close()
        link.close()
