"""What runs inside a Ray cluster, as one job of it: asks the server which nodes are wanted, and has Ray start them.

It is sent as this one file, needs the standard library and the cluster's own Ray, and imports nothing of Faena's. A
gang is a placement group, a node an actor whose only work is to start a runner and hold its pipe; both are detached
and have names, so that the next bridge finds them when this one died.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import socket
import ssl
import sys
import tempfile
import time
from urllib.parse import quote, urlsplit

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from typing import Any, Protocol

    class Cluster(Protocol):
        """What the bridge wants of Ray. Names are those of gangs, without what Ray adds."""

        def gangs(self) -> dict[str, bool]:
            """Those that there are: whether all of one is placed."""

        def make(self, gang: str, bundles: list[dict[str, float]]) -> None:
            """Silent where there is one of that name."""

        def remove(self, gang: str) -> None:
            """With all that runs in it."""

        def nodes(self) -> dict[tuple[str, int], Any]:
            """Actors by gang and rank, those of an earlier bridge included."""

        def start(self, gang: str, rank: int, what: Start) -> Any:
            """An actor in its place of a gang that is placed."""

        def look(self, actors: dict[tuple[str, int], Any]) -> dict[tuple[str, int], tuple[str, str]]:
            """What became of each runner: its state, and what it said last."""

        def offer(self) -> dict[str, Any]:
            """What its nodes can have: as the server's `Offer`."""


BEAT, IN_MOTION = 2.0, 0.3
"""Seconds that a question is held for: while nothing changes, and while something does."""
_PLACED = 0.02
_AWAY = 1.0
_OFFER = 10.0
"""Seconds for which what the cluster offers is not asked for again."""
_FORGOTTEN = 3600.0
"""Seconds without a server after which it is not waited for any more."""
_LARGEST = 64 << 20
_TAIL = 1500
_MOST_KINDS, _MOST_NAMES = 500, 100
"""Of nodes that are told of, and of resources of each: of a cluster that has more nothing is said."""
_NOT_ASKED_FOR = re.compile("node:|object_store_memory$|bundle_group_|.*_group_([0-9]+_)?[0-9a-f]{20,}$")
"""Resources that a node has, and no runner asks for."""
SCRUBBED = (
    "PYTHONPATH",
    "PYTHONBREAKPOINT",
    "OMP_NUM_THREADS",
    "LD_PRELOAD",
    "FAENA_TOKEN",
    "FAENA_BRIDGE_CODE",
)
STARTING, RUNNING, ENDED, GONE = "starting", "running", "ended", "gone"


class Start:
    """What a runner is started with."""

    def __init__(self, url: str, token: str, name: str, cores: int, gpus: float, archive: Any) -> None:
        self.url, self.token, self.name = url, token, name
        self.cores, self.gpus, self.archive = cores, gpus, archive


class Refused(Exception):
    """The server knows the bridge no more."""


class Bridge:
    """Makes what the cluster has what the server wants. `start`: what a node of a name is started with."""

    def __init__(self, cluster: Cluster, start: Any) -> None:
        self._cluster = cluster
        self._start = start
        self._actors: dict[tuple[str, int], Any] = dict(cluster.nodes())
        self._told: dict[tuple[str, int], tuple[str, str]] = {}

    def look(self) -> list[dict[str, Any]]:
        """What is to be told of the runners."""
        self._told.update(self._cluster.look(self._actors))
        return [
            {"gang": gang, "rank": rank, "state": state, "said": said}
            for (gang, rank), (state, said) in sorted(self._told.items())
        ]

    def offer(self) -> dict[str, Any]:
        return self._cluster.offer()

    @property
    def is_at_work(self) -> bool:
        """Whether a runner lives, as far as is known."""
        return any(state in (STARTING, RUNNING) for state, _ in self._told.values())

    def follow(self, wanted: dict[str, Any]) -> bool:
        """Whether something is in motion, so that it is soon looked at again."""
        gangs = {gang["id"]: gang for gang in wanted["gangs"]}
        there = self._cluster.gangs()
        for gang in set(there) - set(gangs):  # nobody's: of an earlier server, or not wanted any more
            self._cluster.remove(gang)
        kept = {(gang["id"], node["rank"]) for gang in gangs.values() for node in gang["nodes"]}
        for which in (set(self._actors) | set(self._told)) - kept:
            self._actors.pop(which, None)
            self._told.pop(which, None)
        if self._make(gangs, there, wanted["bundle"] if gangs else {}):
            time.sleep(_PLACED)  # where there is room it is placed at once
            there = self._cluster.gangs()
        moving = False
        for name, gang in gangs.items():
            moving |= self._follow_gang(gang, there.get(name), wanted)
        return moving

    def _make(self, gangs: dict[str, Any], there: dict[str, bool], bundle: dict[str, float]) -> bool:
        """Whether a gang was made."""
        made = False
        for name, gang in gangs.items():
            if name not in there and any(not node["joined"] for node in gang["nodes"]):
                self._cluster.make(name, [bundle] * gang["size"])
                made = True
        return made

    def _follow_gang(self, gang: dict[str, Any], is_placed: bool | None, wanted: dict[str, Any]) -> bool:
        name = gang["id"]
        moving = False
        for node in gang["nodes"]:
            which = name, node["rank"]
            if which in self._actors:
                moving |= not node["joined"]
            elif node["joined"]:  # it was started once, and is not to be started twice
                self._told[which] = (GONE, "Ray has no actor of it any more")
            elif self._told.get(which, ("", ""))[0] in (ENDED, GONE):
                moving = True  # the server hears of it first
            elif is_placed:
                self._told[which] = (STARTING, "")
                self._actors[which] = self._cluster.start(
                    name, node["rank"], self._start(node["name"], wanted)
                )
                moving = True
            else:
                moving = True
        return moving


class Holder:
    """The actor: one runner, and the pipe that ends it when this process does."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._log = ""
        self._failure = ""

    def start(self, what: Any) -> None:
        try:
            self._begin(what)
        except Exception as error:  # noqa: BLE001  whatever it is, the server hears of it
            self._failure = f"{type(error).__name__}: {error}"

    def _begin(self, what: Any) -> None:
        import subprocess

        if sys.version_info < (3, 11):
            raise RuntimeError(
                f"The Ray cluster has Python {sys.version.split()[0]}. Nodes need 3.11 or later: use an image with one."
            )
        url, token, name, cores, gpus, archive = what
        folder = os.path.join(tempfile.gettempdir(), f"faena-runners-{os.getuid()}")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if os.stat(folder).st_uid != os.getuid():
            raise RuntimeError(
                f"{folder} is somebody else's. Remove it, or set TMPDIR for the cluster's nodes."
            )
        self._log = os.path.join(folder, f"{name}.log")
        runner = _kept(folder, archive)
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, runner, "join", url, "--name", name, "--cores", str(cores), *_gpus(gpus)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd="/",
                env=environment(os.environ, token, gpus),
            )

    def look(self) -> tuple[str, str]:
        if self._failure:
            return ENDED, self._failure
        if self._process is None:
            return STARTING, ""
        code = self._process.poll()
        if code is None:
            return RUNNING, ""
        with open(self._log, "rb") as log:
            log.seek(max(0, os.path.getsize(self._log) - _TAIL))
            said = log.read(_TAIL).decode("utf-8", "replace").strip()
        return ENDED, f"exit code {code}: {said}" if code else ""


def environment(own: Any, token: str, gpus: float) -> dict[str, str]:
    """The runner's: that of an actor, without what Ray has put there for its own workers."""
    kept = {
        name: value for name, value in own.items() if name not in SCRUBBED and not name.startswith("RAY_")
    }
    if not gpus:
        kept["CUDA_VISIBLE_DEVICES"] = ""  # Ray leaves it unset: such an actor would see all
    return {**kept, "FAENA_TOKEN": token, "FAENA_HELD_BY_PIPE": "1"}


def _gpus(gpus: float) -> list[str]:
    given = os.environ.get("CUDA_VISIBLE_DEVICES", "") if gpus else ""
    return ["--gpus", given] if given else []


def _kept(folder: str, archive: bytes) -> str:
    """The runner's file, which several actors of a host share."""
    path = os.path.join(folder, f"runner-{hashlib.sha256(archive).hexdigest()[:16]}.zip")
    if not os.path.exists(path):
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            file.write(archive)
        os.replace(file.name, path)
    return path


class Ray:
    """Fulfils `Cluster`. `namespace`: of one cluster of one workspace."""

    def __init__(self, namespace: str) -> None:
        import ray

        self._ray = ray
        self._prefix = f"{namespace}/"
        ray.init(address="auto", namespace=namespace, log_to_driver=False)
        self.version = ray.__version__

    def gangs(self) -> dict[str, bool]:
        from ray.util import placement_group_table

        found = placement_group_table().values()
        return {
            group["name"][len(self._prefix) :]: group["state"] == "CREATED"
            for group in found
            if group["name"].startswith(self._prefix) and group["state"] != "REMOVED"
        }

    def make(self, gang: str, bundles: list[dict[str, float]]) -> None:
        from ray.util import placement_group

        try:
            placement_group(bundles, strategy="SPREAD", name=self._prefix + gang, lifetime="detached")
        except Exception as error:
            if "already exists" not in str(error):
                raise

    def remove(self, gang: str) -> None:
        from ray.util import get_placement_group, remove_placement_group

        try:
            remove_placement_group(get_placement_group(self._prefix + gang))
        except ValueError:  # it went meanwhile
            return

    def nodes(self) -> dict[tuple[str, int], Any]:
        found = {}
        for name in self._ray.util.list_named_actors():
            gang, _, rank = name.rpartition("/")
            if rank.isdecimal():
                try:
                    found[gang, int(rank)] = self._ray.get_actor(name)
                except ValueError:  # it went meanwhile
                    continue
        return found

    def start(self, gang: str, rank: int, what: Start) -> Any:
        from ray.util import get_placement_group
        from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

        group = get_placement_group(self._prefix + gang)
        bundle = dict(group.bundle_specs[rank])
        actor = (
            self._ray.remote(Holder)
            .options(
                name=f"{gang}/{rank}",
                lifetime="detached",
                max_restarts=0,
                max_concurrency=4,
                num_cpus=bundle.pop("CPU", 0),
                num_gpus=bundle.pop("GPU", 0),
                memory=bundle.pop("memory", None),
                resources=bundle,
                scheduling_strategy=PlacementGroupSchedulingStrategy(group, rank),
            )
            .remote()
        )
        actor.start.remote((what.url, what.token, what.name, what.cores, what.gpus, what.archive))
        return actor

    def offer(self) -> dict[str, Any]:
        counted: dict[str, int] = {}
        for node in self._ray.nodes():
            if node["Alive"]:
                kind = json.dumps(_amounts(node["Resources"]), sort_keys=True)
                counted[kind] = counted.get(kind, 0) + 1
        there = [{"resources": json.loads(kind), "count": count} for kind, count in counted.items()]
        declared: dict[str, Any] = {"grows": None, "types": [], "most": -1}
        for find in (_reported, self._configured):
            try:
                if found := find():
                    declared = found
                    break
            except Exception as error:  # noqa: BLE001  it is Ray's own, which each release has another way
                print(f"what the cluster's node types are is not known: {type(error).__name__}: {error}")
        kinds = declared["types"] + there
        if len(kinds) > _MOST_KINDS or any(len(kind["resources"]) > _MOST_NAMES for kind in kinds):
            return {"grows": None, "types": [], "most": -1, "nodes": []}
        return {**declared, "nodes": there}

    def _configured(self) -> dict[str, Any] | None:
        """As its autoscaler's own file has them, which is on the head, where jobs run; None: there is no autoscaler
        here."""
        session = self._ray._private.worker.global_worker.node.session_name
        for process in filter(str.isdecimal, os.listdir("/proc")):
            try:
                with open(f"/proc/{process}/cmdline", "rb") as file:
                    words = file.read().decode("utf-8", "replace").split("\0")
            except OSError:  # it has ended
                continue
            if not any(word.endswith("/monitor.py") for word in words[:4]):
                continue
            if not any(word.startswith("--logs-dir=") and session in word for word in words):
                continue
            prefix = "--autoscaling-config="
            for word in words:
                if word.startswith(prefix) and word != prefix:
                    return _of_file(word[len(prefix) :])
            return {"grows": False, "types": [], "most": -1}
        return None

    def look(self, actors: dict[tuple[str, int], Any]) -> dict[tuple[str, int], tuple[str, str]]:
        asked = {actor.look.remote(): which for which, actor in actors.items()}
        if not asked:
            return {}
        ready, _ = self._ray.wait(list(asked), num_returns=len(asked), timeout=1.0)
        return {asked[each]: self._state(each) for each in ready}

    def _state(self, answer: Any) -> tuple[str, str]:
        try:
            state, said = self._ray.get(answer)
        except Exception as error:  # noqa: BLE001  whatever Ray says of it
            return GONE, " ".join(str(error).split())[:_TAIL]
        return state, said


def _amounts(resources: Any) -> dict[str, float]:
    """Of a node, as far as somebody may ask for them."""
    found = {str(name): float(amount) for name, amount in dict(resources).items()}
    return {name: found[name] for name in sorted(found) if not _NOT_ASKED_FOR.match(name)}


def _reported() -> dict[str, Any] | None:
    """As the second autoscaler tells the cluster; None: it does not run."""
    from ray.experimental.internal_kv import _internal_kv_get

    told = _internal_kv_get(b"__autoscaler_cluster_config", namespace=b"__autoscaler")
    if not told:
        return None
    from ray.core.generated import autoscaler_pb2

    config = autoscaler_pb2.ClusterConfig.FromString(told)
    types = [_type(kind.name, kind.resources, kind.max_count) for kind in config.node_group_configs]
    return {"grows": True, "types": types, "most": -1}


def _of_file(path: str) -> dict[str, Any]:
    import yaml  # Ray needs it

    with open(os.path.expanduser(path), encoding="utf-8") as file:
        config = yaml.safe_load(file)
    most = config.get("max_workers", -1)
    head = config.get("head_node_type")
    types = [
        _type(
            name,
            kind.get("resources") or {},
            1 if name == head else kind.get("max_workers", most),
            name == head,
        )
        for name, kind in config["available_node_types"].items()
    ]
    return {"grows": True, "types": types, "most": most}


def _type(name: str, resources: Any, most: Any, is_head: bool = False) -> dict[str, Any]:
    return {"name": name, "resources": _amounts(resources), "most": most, "head": is_head}


class Server:
    """The server, where it listens for nodes. One certificate is trusted: the one that the token names."""

    def __init__(self, url: str, token: str) -> None:
        self._parts = urlsplit(url)
        self._token = token
        self._fingerprint = token.split("-")[1]
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, verb: str, path: str, body: Any = None) -> bytes:
        """Raises Refused, OSError, http.client.HTTPException."""
        try:
            if self._connection is None:
                self._connection = self._connected()
            headers = {"Authorization": f"Bearer {self._token}"}
            data = None if body is None else json.dumps(body).encode()
            if data is not None:
                headers["Content-Type"] = "application/json"
            self._connection.request(verb, path, data, headers)
            answer = self._connection.getresponse()
            read = answer.read(_LARGEST)
        except BaseException:
            self.close()
            raise
        if answer.status in (401, 403):
            raise Refused(read[:500].decode("utf-8", "replace"))
        if answer.status >= 300:
            raise OSError(f"{answer.status}: {read[:500].decode('utf-8', 'replace')}")
        return read

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _connected(self) -> http.client.HTTPConnection:
        host, port = str(self._parts.hostname), self._parts.port
        if self._parts.scheme == "http":
            plain = http.client.HTTPConnection(host, port or 80, timeout=15)
            plain.connect()
            _keep_alive(plain.sock)
            return plain
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, port or 443, timeout=15, context=context)
        connection.connect()
        shown = connection.sock.getpeercert(binary_form=True) or b""
        if hashlib.sha256(shown).hexdigest() != self._fingerprint:
            connection.close()
            raise OSError("the certificate at the server's address is another one than the token names")
        _keep_alive(connection.sock)
        return connection


def _keep_alive(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 2), ("TCP_KEEPINTVL", 1), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def main() -> int:
    """0: nothing is to be done any more."""
    url, token = os.environ["FAENA_URL"], os.environ.pop("FAENA_TOKEN")
    server = Server(url, token)
    ray = Ray(os.environ["FAENA_NAMESPACE"])
    archives: dict[str, Any] = {}

    def start(name: str, wanted: dict[str, Any]) -> Start:
        if wanted["runner"] not in archives:
            archives.clear()
            archives[wanted["runner"]] = server.ask("GET", "/runner.zip")
        archive = archives[wanted["runner"]]
        return Start(url, token, name, wanted["cores"], wanted["bundle"].get("GPU", 0), archive)

    path, own = f"/ray/{quote(os.environ['FAENA_CLUSTER'])}/gangs", os.environ["FAENA_BRIDGE"]

    def ask(report: dict[str, Any]) -> bytes:
        return server.ask("POST", path, report)

    bridge = Bridge(ray, start)
    print(f"bridge {own} of {url}: Ray {ray.version}, Python {sys.version.split()[0]}")
    try:
        return serve(bridge, ask, {"bridge": own, "ray": ray.version}, time.monotonic, time.sleep)
    except Refused as error:
        print(f"the server knows this bridge no more: {error}")
        return 3


def serve(bridge: Bridge, ask: Any, own: dict[str, str], monotonic: Any, sleep: Any) -> int:
    """Until there is nothing to do any more. `own`: what each report says of this bridge. Raises Refused."""
    seen, wait, heard = "", 0.0, monotonic()
    offer, looked = bridge.offer(), monotonic()
    while True:
        if monotonic() - looked > _OFFER:
            offer, looked = bridge.offer(), monotonic()
        report = {**own, "seen": seen, "wait": wait, "nodes": bridge.look(), "offer": offer}
        try:
            wanted = json.loads(ask(report))
            heard = monotonic()
            if wanted["leave"]:
                return 0
            moving = bridge.follow(wanted)
        except Refused:  # its cluster was deleted, or its token is too old: what runs goes on
            if not bridge.is_at_work:
                bridge.follow({"gangs": []})
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            print(f"the server is away: {error}")
            if monotonic() - heard > _FORGOTTEN:
                bridge.follow({"gangs": []})
                return 4
            sleep(_AWAY)
            continue
        seen, wait = wanted["mark"], IN_MOTION if moving else BEAT


if __name__ == "__main__":
    sys.exit(main())
