"""A runner on another machine than its server's: joins, works, and joins again when the server had given it up."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import traceback
from typing import Any

from faena.attempts.api import ServerApi
from faena.kernel import process_identity, settings
from faena.kernel.discovery import Rendezvous
from faena.kernel.errors import (
    AuthenticationException,
    FaenaError,
    ProtocolMismatch,
    ServerUnreachable,
    ServiceException,
    StorageFull,
)
from faena.kernel.transport import Transport
from faena.node import attempt, room
from faena.node.forking import ForkServer
from faena.node.joined import cache, left, variables
from faena.node.joined.cache import Cache
from faena.node.joined.home import ByBytes
from faena.node.joined.machine import Machine, address_of, check_place, check_url
from faena.node.joined.signals import DRAINING, Interrupted, waiting
from faena.node.joined.told import Told
from faena.node.lease import Lease

TYPE_CHECKING = False
if TYPE_CHECKING:
    from faena.node.joined.endpoints.holder import Holder
    from faena.node.warm.starts import WarmStarts

_PATIENCE = 3600.0
"""Seconds for which what an attempt has to say waits for a server, and tries again after that."""
_JOINING = 30.0
"""Seconds that an answer to who joins may take."""
_CONNECTING, _CONNECTING_LEAST = 4.0, 1.5
_TOLD_WITHIN = 4.5
"""Seconds of this process's life, in the first of which it was loaded."""
_WAIT = 25.0
"""Seconds that the server may hold a request for work."""
_SENT_OFF = ("drained", "removed")
_FULL = "full"
_AWAY = 1.0
"""Seconds between looks for a server that is away."""


class Runner:
    """`token`: to join with, where this machine is not known yet, or not any more. `once`: leaves after one run."""

    def __init__(self, url: str, token: str, told: Told, *, once: bool = False) -> None:
        self._url = check_url(url)
        self._token = token
        self._told = told
        self._once = once
        self._machine = Machine.known(self._url, told.name, token)
        self._lock: int | None = None
        self._forks: ForkServer | None = None
        self._warm: WarmStarts | None = None
        self._cache: Cache | None = None
        self._holder: Holder | None = None
        self._turn = threading.Lock()
        self._tried: set[str] = set()
        self._has_joined = False

    def run(self) -> None:
        """Until the server wants no more of it, or this process is asked to end. Raises FaenaError.

        A server that cannot be reached at first is an error; one that goes away later is waited for.
        """
        limit = cache.limit()
        settings.runtime()  # these two before the server counts on this machine
        check_place()
        if why := room.lacking(settings.home_path()):
            raise StorageFull(f"This machine cannot be a node now: {why}.")
        joined = self._join()
        self._has_joined = True
        with contextlib.suppress(Interrupted):
            while (ended := self._serve(joined, limit)) in ("lost", _FULL):
                if ended == _FULL:
                    _await_room()
                joined = self._join_again()

    def _join(self) -> dict[str, Any]:
        """As the machine that this one was before, else by the token that was given."""
        if self._machine is not None:
            self._hold(self._machine)
            try:
                return self._ask(self._machine.token, left.open_attempts(self._machine.folder))
            except AuthenticationException:
                if not self._token:
                    self._let_endpoints_go(end=True)
                    raise
        if not self._token:
            address_of(self._url, "")  # says what is missing
        answer = self._ask(self._token, [])
        machine = Machine(self._url, self._told.name, answer["workspace"]["id"], answer["token"])
        self._hold(machine)
        machine.keep()
        self._machine = machine
        if there := left.open_attempts(machine.folder):  # of a machine that had lost its token
            answer = self._ask(machine.token, there)
        return answer

    def _join_again(self) -> dict[str, Any]:
        """Raises Interrupted where the machine was removed meanwhile: it is not to come back by itself."""
        self._token = ""
        while True:
            try:
                return self._join()
            except AuthenticationException as error:
                print(f"leaving: {error.message}", flush=True)
                raise Interrupted from None
            except ServiceException as error:
                _bear(error, "waiting for the server")

    def _ask(self, token: str, there: list[str]) -> dict[str, Any]:
        transport = Transport(address_of(self._url, token), patience=0.0)
        try:
            found: dict[str, Any] = transport.json(
                "POST",
                "/nodes/join",
                self._told.request(there),
                timeout=_JOINING,
                connecting=_CONNECTING if self._has_joined else _connecting_at_first(),
            )
        finally:
            transport.close()
        return found

    def _hold(self, machine: Machine) -> None:
        if self._lock is None:
            self._lock = machine.hold()

    def _serve(self, joined: dict[str, Any], limit: int) -> str:
        """Be the node that the server called into being; why it is none any more."""
        machine, node, terms = self._machine, str(joined["node"]), joined["lease"]
        assert machine is not None
        print(f"{machine.name} is {node} of {joined['workspace']['name']} at {self._url}", flush=True)
        transport = Transport(machine.address, patience=_PATIENCE)
        lease = Lease(
            Transport(machine.address, patience=0.0),
            node,
            beat_seconds=terms["beat_seconds"],
            fence_seconds=terms["fence_seconds"],
            called=lambda: self._hold_endpoints(machine, node),
        )
        self._cache = self._cache or Cache(machine.folder / "objects", limit)
        lease.start()
        api = ServerApi(transport)
        threading.Thread(target=_want_no_more, args=(api, node), name="leave", daemon=True).start()
        why = ""
        try:
            left.adopt(machine.folder, joined["adopt"], api)
            left.forget(machine.folder, joined["adopt"])
            if self._holder is not None or any((machine.folder / "endpoints").glob("[!.]*")):
                self._hold_endpoints(machine, node)
            why = self._work(api, node, lease, machine, self._cache)
            if why in _SENT_OFF:
                print(f"leaving: {machine.name} was {why}", flush=True)
                self._let_endpoints_go(end=why == "removed")
            return why
        finally:
            if DRAINING.is_set() or self._once or why in (*_SENT_OFF, _FULL):
                with contextlib.suppress(FaenaError):
                    api.leave(node, done=True)
            lease.close()
            transport.close()

    def _hold_endpoints(self, machine: Machine, node: str) -> None:
        """Some are here, or are to be."""
        with self._turn:
            if self._holder is None:
                from faena.node.joined.endpoints.holder import Holder  # few machines need it

                kept = self._cache or Cache(machine.folder / "objects", cache.limit())
                self._holder = Holder(machine, kept)
            self._holder.serve_as(node)

    def _let_endpoints_go(self, *, end: bool) -> None:
        """Wait until those that are here answer elsewhere, or have them `end`: nobody will ask for them any more."""
        if end and self._machine is not None and self._holder is None:
            self._hold_endpoints(self._machine, "")
        if (holder := self._holder) is None or holder.is_empty:
            return
        if end:
            holder.end_all()
        print(f"its endpoints {'end' if end else 'move'} first: {', '.join(holder.names)}", flush=True)
        while not holder.is_empty:
            with waiting():
                time.sleep(_AWAY)

    def _work(self, api: ServerApi, node: str, lease: Lease, machine: Machine, kept: Cache) -> str:
        folder = machine.folder
        home = ByBytes(folder, api, self._told.name, kept)
        sockets = Rendezvous(folder).nodes
        answer: dict[str, Any] = {}
        while not answer.get("leave"):
            if not (order := answer.get("order")):
                if room.lacking(folder):
                    return _FULL
                left.adopt_of(machine.gone, api, self._tried)
                answer = self._next(api, node, lease)
                continue
            own = api.by(order["token"])
            home.begin(own)
            passed_on = variables.here(order.get("inherited_variables", {}), os.environ)
            order["inherited_variables"] = passed_on
            try:
                answer = attempt.run(
                    order,
                    own,
                    home,
                    node,
                    sockets,
                    self._fork_server(),
                    self._warm_starts(order),
                    lease,
                    DRAINING,
                )
            except Exception:  # noqa: BLE001  whatever it is: as one that was started anew, it brings what is left
                traceback.print_exc()
                with waiting():
                    time.sleep(_AWAY)
                return "lost"
            if self._once:
                return ""
            if DRAINING.is_set():
                raise Interrupted
        return str(answer.get("why", ""))

    def _next(self, api: ServerApi, node: str, lease: Lease) -> dict[str, Any]:
        if lease.is_lost:
            return {"leave": True, "why": "lost"}
        try:
            with waiting():
                return api.work(node, _WAIT, patience=0.0)
        except ServerUnreachable:  # the lease tells of it
            with waiting():
                time.sleep(_AWAY)
            return {}
        except ServiceException as error:
            _bear(error, "the server did not say what is next")
            return {}

    def _fork_server(self) -> ForkServer | None:
        """None where there can be none."""
        if self._forks is None:
            self._forks = ForkServer()
        try:
            self._forks.start()
        except OSError as error:
            print(f"guards are started one by one: {error}", flush=True)
            return None
        return self._forks

    def _warm_starts(self, order: dict[str, Any]) -> WarmStarts | None:
        if self._warm is None and order.get("warm"):
            from faena.node.warm.starts import WarmStarts  # few nodes need it

            self._warm = WarmStarts(settings.home_path() / "warm")
        return self._warm


def _connecting_at_first() -> float:
    """Seconds in which the server's host must answer: who has just given a wrong address hears of it in five.

    The kernel sends a request to connect again after one second and after three.
    """
    return max(_CONNECTING_LEAST, _TOLD_WITHIN - process_identity.age())


def _bear(error: ServiceException, what: str) -> None:
    """What a server has may pass, and a node outlives it. Raises the error where that is another version of Faena."""
    if isinstance(error, ProtocolMismatch):
        raise error
    print(f"{what}: {error.message}", flush=True)
    with waiting():
        time.sleep(_AWAY)


def _await_room() -> None:
    """The node is away meanwhile: what it were given would fail."""
    print(f"away: {room.lacking(settings.home_path())}", flush=True)
    while room.lacking(settings.home_path()):
        with waiting():
            time.sleep(_AWAY)


def _want_no_more(api: ServerApi, node: str) -> None:
    """Once this process is to end: the server need not give it what it would not begin."""
    DRAINING.wait()
    with contextlib.suppress(FaenaError):
        api.leave(node, done=False)
