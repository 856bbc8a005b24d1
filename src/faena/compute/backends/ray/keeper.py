"""Looks after clusters on Ray: sees that a bridge is in each that wants nodes, and says what Ray waits for."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import zlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from faena.compute import store as compute
from faena.compute.backends.ray import service
from faena.compute.backends.ray.offers import refusal
from faena.compute.backends.ray.schemas import AttachRequest, BridgeReport, Offer, Wanted
from faena.compute.backends.ray.settings import RaySettings, checked
from faena.compute.backends.ray.waits import waits
from faena.compute.gangs import CHANGED, Place
from faena.compute.leases import Leases
from faena.compute.model import Cluster, Node
from faena.db import Database, Read
from faena.kernel.clock import Clock, seconds_between
from faena.kernel.errors import FaenaError
from faena.kernel.notifications import Notifications
from faena.workspaces.secrets import Secrets

if TYPE_CHECKING:
    from faena.compute.backends.ray.jobs import Jobs

_log = logging.getLogger(__name__)

_QUIET, _STEADY, _IN_MOTION = 60.0, 5.0, 1.0
_SILENT = 6.0
"""Seconds without a word of its bridge after which a cluster is looked at."""
_STARTING = 60.0
"""Seconds that a bridge may take to say its first word."""
_BETWEEN_LOOKS = 2.0
_LONGEST_REST = 30.0
_IDLE = 30.0
"""Seconds that a bridge stays when there is nothing to do."""
_LONGEST_HOLD = 10.0
_MOST_LOOKS = 5
_BRIDGE = Path(__file__).with_name("bridge.py")
_NOT_RAYS = (
    "The first `python` on the PATH that Ray was started with is not Ray's: start Ray with its own first."
)
_ENTRYPOINT = (
    'P=$(command -v python || command -v python3); exec "$P" -u -c '
    '\'import base64,json,os,zlib; m=json.loads(os.environ["RAY_JOB_CONFIG_JSON_ENV_VAR"])["metadata"]; '
    'os.environ.update({k: m[k] for k in m if k.startswith("FAENA_")}); '
    'exec(zlib.decompress(base64.b64decode(os.environ.pop("FAENA_BRIDGE_CODE"))))\''
)
"""What a bridge needs is in its job's metadata: a runtime environment would be inherited by its actors, and Ray would
start a new process for each of them."""

Address = Callable[[], Awaitable[tuple[str, str]]]
"""Where nodes reach the server, and the fingerprint of its certificate. Raises Conflict while it listens for none."""


@dataclass
class _Seen:
    """What is known of one cluster, in memory: a bridge says all of it again to the next server."""

    bridge: str = ""
    heard_at: float = float("-inf")
    began_at: float = float("-inf")
    """When its bridge was sent, or found."""
    busy_at: float = float("-inf")
    due: float = float("-inf")
    rest: float = _IN_MOTION
    trouble: str = ""
    failed: dict[str, float] = field(default_factory=dict)
    """Nodes that never joined, and when others are asked for in their place."""
    failures: int = 0
    failure: str = ""
    looks: int = 0
    """Bridges that were wanted only to hear what the cluster offers."""
    starts: bool = False
    """Whether a runner was started that has not joined yet."""


class RayKeeper:
    """Belongs to one event loop."""

    def __init__(
        self,
        database: Database,
        notifications: Notifications,
        clock: Clock,
        leases: Leases,
        tokens: Secrets,
        workspace: str,
        address: Address,
        runner: Callable[[], str],
    ) -> None:
        """`tokens`: of Ray clusters, by the names of ours. `runner`: the SHA-256 of the runner's file; blocks."""
        self._database = database
        self._notifications = notifications
        self._clock = clock
        self._leases = leases
        self._tokens = tokens
        self._workspace = workspace
        self._address = address
        self._runner = runner
        self._seen: dict[str, _Seen] = {}

    async def run_forever(self) -> None:
        with self._notifications.subscribe(CHANGED) as subscription:
            while True:
                await subscription.wait(await self.step())

    async def step(self) -> float:
        """Do what is due; seconds until the next look."""
        found = await self._database.read_first(_all)
        for name in set(self._seen) - {cluster.name for cluster, _ in found}:
            del self._seen[name]
            await asyncio.to_thread(self._tokens.delete, [name])
        pauses = [_QUIET]
        for cluster, nodes in found:
            try:
                pauses.append(await self._keep(cluster, nodes, self._seen.setdefault(cluster.name, _Seen())))
            except Exception:  # noqa: BLE001  a defect, or a full disk, must not end the care for all clusters
                _log.exception("the Ray cluster %s could not be looked after", cluster.name)
                pauses.append(_STEADY)
        return min(pauses)

    async def check(self, name: str, asked: AttachRequest) -> None:
        """Raises as `attach` does before it speaks with the Ray cluster, which need not be there yet."""
        checked(name, asked)
        await self._address()
        await self._database.read(lambda read: service.check_name(read, name))

    async def attach(self, name: str, asked: AttachRequest) -> None:
        """Raises ComputeTargetException for what cannot be, or where no Ray cluster answers; Conflict as `Address`."""
        settings = checked(name, asked)
        await self._address()
        if asked.token is None:
            token = await asyncio.to_thread(self._token, name)
        else:
            token = asked.token
        await asyncio.to_thread(_check_version, settings.address, token)
        if asked.token is not None:
            await asyncio.to_thread(self._keep_token, name, token)
        await self._database.write(
            lambda write: service.attach(write, name, asked, settings, self._clock.now())
        )
        self._seen.pop(name, None)

    async def answer(self, name: str, report: BridgeReport) -> Wanted:
        """What the bridge of a cluster hears: held until something changes."""
        seen = self._seen.setdefault(name, _Seen())
        runner = await asyncio.to_thread(self._runner)
        look = partial(service.wanted, name=name, runner=runner)
        until = self._clock.monotonic() + max(0.0, min(report.wait, _LONGEST_HOLD))
        with self._notifications.subscribe(CHANGED) as subscription:
            await self._take_in(name, seen, report)
            while True:
                found = await self._database.read_first(look)
                now = self._clock.monotonic()
                if self._may_leave(seen, report.bridge, found, now):
                    return Wanted((), found.mark, found.bundle, found.cores, leave=True)
                if found.mark != report.seen or now >= until:
                    seen.heard_at = now
                    return found
                await subscription.wait(until - now)

    def _may_leave(self, seen: _Seen, bridge: str, found: Wanted, now: float) -> bool:
        if seen.bridge != bridge:
            return True
        if found.gangs or seen.busy_at == float("-inf"):
            seen.busy_at = now
        if now - seen.busy_at < _IDLE:
            return False
        seen.bridge, seen.heard_at = "", float("-inf")
        return True

    async def _take_in(self, name: str, seen: _Seen, report: BridgeReport) -> None:
        seen.bridge = seen.bridge or report.bridge
        if seen.bridge != report.bridge:
            return
        seen.heard_at = self._clock.monotonic()
        seen.trouble, seen.rest = "", _IN_MOTION
        if report.offer is not None:
            await self._keep_offer(name, report.offer)
        nodes = await self._database.read_first(lambda read: compute.list_nodes(read, name))
        ends = service.ends(nodes, report.nodes)
        seen.starts = ends.starts
        if ends.left:
            await self._database.write(lambda write: service.see_off(write, ends.left, self._clock.now()))
        for node in ends.left:
            self._leases.forget(node)
        for node, why in ends.failed.items():
            if node not in seen.failed:
                rest = min(_LONGEST_REST, 2.0**seen.failures)
                seen.failed[node] = self._clock.monotonic() + rest
                seen.failures, seen.failure = seen.failures + 1, why
                self._notifications.notify({CHANGED})
        if any(node.gang and not node.is_to_come for node in nodes):
            seen.failures, seen.failure = 0, ""

    async def _keep(self, cluster: Cluster, nodes: Sequence[Node], seen: _Seen) -> float:
        coming = [node for node in nodes if node.is_to_come]
        for node in coming:
            self._leases.hear(node.id)
        await self._replace_failed(seen)
        settings = RaySettings.of(cluster)
        if not nodes:
            return await self._keep_empty(cluster, settings, seen)
        trouble = await self._see_to_bridge(cluster, seen)
        if not coming:
            await self._say(cluster, trouble)
            return _STEADY if not trouble else _IN_MOTION
        if settings.offer is not None and not trouble:
            trouble = refusal(settings.offer, settings.bundle, max(map(_gang_size, coming)))
        if seen.failure:
            trouble = trouble or f"a runner that Ray started has ended: {_line(seen.failure)}"
        elif seen.starts and not trouble:
            trouble = "Ray has given a node, whose runner starts"
        await self._say(cluster, trouble or await self._waits(cluster, coming))
        return _IN_MOTION

    async def _keep_empty(self, cluster: Cluster, settings: RaySettings, seen: _Seen) -> float:
        """What it offers is asked for once; of one that does not grow by itself it is soon another."""
        is_silent = self._clock.monotonic() - seen.heard_at >= _SILENT
        if settings.offer is None and seen.looks < _MOST_LOOKS:
            seen.looks += is_silent
            await self._say(cluster, await self._see_to_bridge(cluster, seen))
            return _IN_MOTION
        await self._say(cluster, "")
        if settings.offer is not None and not settings.offer.grows and is_silent:
            await self._keep_offer(cluster.name, Offer())
        return _QUIET

    async def _keep_offer(self, name: str, offer: Offer) -> None:
        """Of the Ray cluster that is attached now."""

        def kept(read: Read) -> Offer | None:
            cluster = compute.cluster(read, name)
            return None if cluster is None else RaySettings.of(cluster).offer

        if await self._database.read_first(kept) != offer:
            await self._database.write(lambda write: service.keep_offer(write, name, offer))

    async def _replace_failed(self, seen: _Seen) -> None:
        now = self._clock.monotonic()
        if due := [node for node, at in seen.failed.items() if at <= now]:
            await self._database.write(lambda write: service.withdraw(write, due, self._clock.now()))
            for node in due:
                del seen.failed[node]

    async def _see_to_bridge(self, cluster: Cluster, seen: _Seen) -> str:
        """What is wrong; empty: nothing that is known."""
        now = self._clock.monotonic()
        if now - seen.heard_at < _SILENT or now < seen.due:
            return seen.trouble
        seen.due = now + _BETWEEN_LOOKS
        try:
            url, fingerprint = await self._address()
            if await asyncio.to_thread(self._lacks_bridge, cluster, seen, url, now):
                token = await self._database.write(
                    lambda write: service.new_token(write, cluster.name, fingerprint, self._clock.now())
                )
                await asyncio.to_thread(self._send_bridge, cluster, seen, url, token, now)
        except FaenaError as error:
            seen.trouble = error.message
            seen.due = now + seen.rest
            seen.rest = min(2 * seen.rest, _LONGEST_REST)
        return seen.trouble

    def _lacks_bridge(self, cluster: Cluster, seen: _Seen, url: str, now: float) -> bool:
        """Whether none is there that may be about to say something. Blocks; raises FaenaError."""
        with self._jobs(cluster) as jobs:
            if not seen.bridge and (living := jobs.living(f"{self._namespace(cluster)}-")):
                seen.bridge, seen.began_at = living[-1], now
            if not seen.bridge:
                return True
            status, said = jobs.status(seen.bridge)
            if status in ("PENDING", "RUNNING"):
                if now - max(seen.began_at, seen.heard_at) < _STARTING:
                    return False
                jobs.stop(seen.bridge)
                said = f"it cannot reach the server at {url}: is that address, and a way to it, known in the cluster?"
        if said:
            seen.trouble = f"its bridge in the Ray cluster has ended: {why_it_ended(said)}"
        seen.due = now + seen.rest  # should the next one end as well
        seen.rest = min(2 * seen.rest, _LONGEST_REST)
        return True

    def _send_bridge(self, cluster: Cluster, seen: _Seen, url: str, token: str, now: float) -> None:
        """Blocks; raises FaenaError."""
        namespace = self._namespace(cluster)
        bridge = f"{namespace}-{os.urandom(4).hex()}"
        told = {
            "FAENA_BRIDGE_CODE": base64.b64encode(zlib.compress(_BRIDGE.read_bytes(), 9)).decode(),
            "FAENA_BRIDGE": bridge,
            "FAENA_CLUSTER": cluster.name,
            "FAENA_NAMESPACE": namespace,
            "FAENA_URL": url,
            "FAENA_TOKEN": token,
        }
        seen.bridge, seen.began_at = bridge, now  # it may ask before its submission is answered
        with self._jobs(cluster) as jobs:
            jobs.submit(bridge, _ENTRYPOINT, told)

    def _namespace(self, cluster: Cluster) -> str:
        return f"faena-{self._workspace}-{cluster.name}"

    def _jobs(self, cluster: Cluster) -> AbstractContextManager[Jobs]:
        return _jobs_of(RaySettings.of(cluster).address, self._token(cluster.name))

    async def _waits(self, cluster: Cluster, coming: Sequence[Node]) -> str:
        seconds = seconds_between(min(node.since for node in coming), self._clock.now())
        try:
            status = await asyncio.to_thread(self._status, cluster)
        except FaenaError as error:
            return error.message
        return waits(status, seconds, RaySettings.of(cluster).bundle)

    def _status(self, cluster: Cluster) -> object:
        with self._jobs(cluster) as jobs:
            return jobs.cluster_status()

    async def _say(self, cluster: Cluster, said: str) -> None:
        if said != cluster.waits:
            await self._database.write(lambda write: compute.set_waits(write, cluster.name, said))

    def _token(self, name: str) -> str:
        return self._tokens.get([name])[name] or ""

    def _keep_token(self, name: str, token: str) -> None:
        if token:
            self._tokens.put({name: token})
        else:
            self._tokens.delete([name])


def _all(read: Read) -> list[tuple[Cluster, list[Node]]]:
    return [(cluster, compute.list_nodes(read, cluster.name)) for cluster in service.of_kind(read)]


def _gang_size(node: Node) -> int:
    place = Place.of(node)
    return place.size if place else 1


def _check_version(address: str, token: str) -> None:
    with _jobs_of(address, token) as jobs:
        jobs.version()


def _jobs_of(address: str, token: str) -> AbstractContextManager[Jobs]:
    from faena.compute.backends.ray.jobs import Jobs  # few workspaces have a Ray cluster

    return closing(Jobs(address, token))


def why_it_ended(said: str) -> str:
    """Of a job that failed: how it ended, and the last that it said."""
    how = said.partition(", last available logs")[0].partition("\n")[0].strip()
    last = _line(said)
    why = how[:200] if last in how else f"{how[:200]}: {last}"
    return f"{why}. {_NOT_RAYS}" if last.endswith("No module named 'ray'") else why


def _line(said: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "nothing is known of why"
