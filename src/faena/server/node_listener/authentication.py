"""In front of the application, for all that comes from other machines: nothing is answered to whoever has no token,
and no more than `rights` says to whoever has one.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from faena.compute import store as compute
from faena.compute.leases import JITTER, Leases, Terms
from faena.compute.machines import store, tokens
from faena.compute.machines.removed import RemovedMachines
from faena.compute.machines.schemas import BeatAnswer
from faena.compute.machines.tokens import AttemptTokens
from faena.compute.model import ClusterKind
from faena.db import Database, Read
from faena.db.hiding import ASKER
from faena.kernel.clock import Clock, Micros
from faena.kernel.hidden import hiding
from faena.runs.engine.shipping import PACE
from faena.server.errors import ErrorBody
from faena.server.gateway.responses import NOT_A_RUNS
from faena.server.mlflow_door import OF_NODE
from faena.server.node_listener import rights, scripts, whose
from faena.server.node_listener.repeats import Repeats
from faena.server.node_listener.shipping import Shipping

CALLER = "caller"
"""Where the state of a request's scope has it."""
_BEAT = b"/beat"
_SPARE = 64


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever asks to join."""

    token: str
    address: str
    fingerprint: str

    __repr__ = hiding("token")


class Guard:
    """An ASGI application around `app`. Most of what comes are beats, which the listener has answered by `beat`."""

    def __init__(
        self,
        app: ASGIApp,
        database: Database,
        attempts: AttemptTokens,
        fingerprint: str,
        clock: Clock,
        leases: Leases,
        removed: RemovedMachines,
    ) -> None:
        self._app = app
        self._database = database
        self._attempts = attempts
        self._fingerprint = fingerprint
        self._clock = clock
        self._leases = leases
        self._removed = removed
        self._repeats = Repeats()
        self._shipping = Shipping(clock)
        self._nodes: dict[str, str] = {}
        """By the digest of its machine's token. Good as long as the node is known: whatever ends a token or puts
        another node in its place has the leases forget it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            return  # a web socket is refused by leaving it unanswered; the listener takes none
        ASKER.set(None)  # that of a connection's last request
        token = _bearer(scope["headers"])
        verb, path = str(scope["method"]), scope["path"]
        state = scope.setdefault("state", {})
        state["by_gateway"] = True
        if (verb, path) == rights.JOIN and token:
            client = scope.get("client") or ("", 0)
            state[CALLER] = Caller(token, client[0], self._fingerprint)
            await self._app(scope, receive, send)
            return
        rules, own = await self._rights(token)
        if not own:
            why = token and await asyncio.to_thread(self._removed.why, tokens.digest(token))
            await _refuse(send, 401, why or "The token is none of this workspace's machines. Join again.")
        elif rules is rights.OF_ATTEMPT and scripts.is_passed_on(path, own):
            if scripts.turn_into_the_scripts(scope, own):
                await self._repeats.answer(self._app, scope, receive, send, own)
            else:
                await _refuse(send, 403, NOT_A_RUNS.message)
        elif not rights.allows(rules, own, verb, path):
            await _refuse(send, 403, f"{verb} {path[:200]} is not for nodes: ask at the workspace itself.")
        else:
            state[OF_NODE] = True
            pace = self._leases.terms.beat
            if rules is rights.OF_ATTEMPT:
                pace = self._shipping.pace(own, pace)
                if whose.is_of_others(path, own):
                    ASKER.set(await self._database.read_first(lambda read: whose.asker_of(read, own)))
            # ranks begin together, and would bring what their scripts write together
            state[PACE] = pace * random.uniform(1 - JITTER, 1 + JITTER)
            await self._app(scope, receive, send)

    def beat(self, verb: bytes, address: bytes, headers: list[tuple[bytes, bytes]]) -> bytes | None:
        """The whole answer to a beat of a node that is known with its token; None for whatever else is asked."""
        if verb != b"POST" or not address.endswith(_BEAT):
            return None
        node = self._nodes.get(tokens.digest(_bearer(headers)))
        if (
            node is None
            or address != b"/nodes/%b%b" % (node.encode(), _BEAT)
            or not self._leases.is_known(node)
        ):
            return None
        self._leases.hear(node)
        return _beat_answer(self._leases.terms, self._leases.is_called(node))

    async def _rights(self, token: str) -> tuple[tuple[rights.Rule, ...], str]:
        """Rules, and what they call `{own}`; empty for a token that nobody knows."""
        digest = tokens.digest(token)
        if (node := self._nodes.get(digest)) is not None and self._leases.is_known(node):
            return rights.OF_MACHINE, node
        if attempt := self._attempts.attempt_of(token):
            return rights.OF_ATTEMPT, attempt
        if not token:
            return (), ""
        machine = await self._database.read_first(lambda read: store.by_token(read, digest))
        if machine is not None:
            if machine.node and self._leases.is_known(machine.node):
                self._remember(digest, machine.node)
            return rights.OF_MACHINE, machine.node or "-"
        bridged = await self._database.read_first(
            lambda read: _bridged_cluster(read, digest, self._clock.now())
        )
        return rights.OF_BRIDGE, bridged

    def _remember(self, digest: str, node: str) -> None:
        if len(self._nodes) >= 2 * self._leases.number + _SPARE:
            self._nodes = {each: its for each, its in self._nodes.items() if self._leases.is_known(its)}
        self._nodes[digest] = node


def _bridged_cluster(read: Read, digest: str, now: Micros) -> str:
    """The Ray cluster whose nodes join with a token; empty where it is no such token."""
    name = store.cluster_of_join_token(read, digest, now)
    cluster = None if name is None else compute.cluster(read, name)
    return cluster.name if cluster is not None and cluster.kind is ClusterKind.RAY else ""


@lru_cache(8)
def _beat_answer(terms: Terms, is_called: bool) -> bytes:
    body = msgspec.json.encode(BeatAnswer(terms.beat, terms.fence, endpoints=is_called))
    lines = (b"%b: %b\r\n" % field for field in _headers(body))
    return b"HTTP/1.1 200 OK\r\n%b\r\n%b" % (b"".join(lines), body)


def _bearer(headers: Iterable[tuple[bytes, bytes]]) -> str:
    found = [value for name, value in headers if name == b"authorization"]
    scheme, _, token = found[0].decode("latin-1").partition(" ") if len(found) == 1 else ("", "", "")
    return token.strip() if scheme.lower() == "bearer" else ""


async def _refuse(send: Send, status: int, message: str) -> None:
    body = msgspec.json.encode(ErrorBody("AuthenticationException", message))
    headers = _headers(body)
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _headers(body: bytes) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
