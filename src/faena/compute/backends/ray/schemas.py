"""Wire types of Ray clusters: how one is attached, and what its bridge says and hears."""

from __future__ import annotations

from msgspec import Struct, field

from faena.kernel.hidden import hiding


class Shape(Struct, frozen=True, forbid_unknown_fields=True):
    """What each node asks Ray for."""

    cpus: float = 1.0
    gpus: float = 0.0
    memory_bytes: int = 0
    """0: as much as there is."""
    resources: dict[str, float] = field(default_factory=dict)
    """Custom ones, by the names that the Ray cluster gives them."""


class MadeBy(Struct, frozen=True):
    """A Ray cluster that `ray up` started, and `ray down` ends: paths on the host of whoever made it."""

    config: str
    command: str
    """The program `ray`."""


class AttachRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """`token`: of the Ray cluster, where it asks for one; None: the one that is kept stays. So does `made_by`, where it
    is attached again at the same address."""

    address: str
    token: str | None = None
    shape: Shape = field(default_factory=Shape)
    max_nodes: int = 4
    min_nodes: int = 0
    idle_seconds_before_scaledown: float = 120.0
    made_by: MadeBy | None = None

    __repr__ = hiding("token")


class GangNode(Struct, frozen=True):
    rank: int
    name: str
    """By which its runner joins."""
    joined: bool


class Gang(Struct, frozen=True):
    """Nodes that are placed together."""

    id: str
    size: int
    nodes: tuple[GangNode, ...]
    """Those that are still wanted."""


class NodeReport(Struct, frozen=True):
    """Of a runner that the bridge started, or did not find. `state`: starting, running, ended or gone."""

    gang: str
    rank: int
    state: str
    said: str = ""
    """Why it ended: the last that it said, or what Ray says of it."""


class NodeType(Struct, frozen=True):
    """That the Ray cluster's autoscaler may start. `most`: nodes of it; less than 0: as many as are wanted."""

    name: str
    resources: dict[str, float] = field(default_factory=dict)
    """Empty: not known before one is there."""
    most: int = -1
    head: bool = False


class LiveNodes(Struct, frozen=True):
    """Nodes of the Ray cluster that are there, and are alike."""

    resources: dict[str, float]
    count: int


class Offer(Struct, frozen=True):
    """What nodes of a Ray cluster can have."""

    grows: bool | None = None
    """Whether it has an autoscaler; None: not known."""
    types: tuple[NodeType, ...] = ()
    most: int = -1
    """Nodes that it starts beside its head; less than 0: as many as are wanted."""
    nodes: tuple[LiveNodes, ...] = ()


class BridgeReport(Struct, frozen=True):
    """`seen`: the mark of what the bridge has heard last; it is answered when there is more, or `wait` is over."""

    bridge: str
    seen: str = ""
    wait: float = 0.0
    ray: str = ""
    nodes: tuple[NodeReport, ...] = ()
    offer: Offer | None = None


class Wanted(Struct, frozen=True):
    gangs: tuple[Gang, ...]
    mark: str
    bundle: dict[str, float]
    """What each node asks for, by Ray's names."""
    cores: int
    runner: str = ""
    """SHA-256 of the runner, which is at /runner.zip."""
    leave: bool = False
    """There is nothing to do, or another bridge does it."""
