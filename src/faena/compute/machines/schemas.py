"""Wire types of machines and of what their runners say."""

from __future__ import annotations

from msgspec import Struct, field

from faena.kernel.hidden import hiding


class JoinRequest(Struct, frozen=True):
    """A runner that wants to be a node. `open`: the attempts that lie on its machine, by name.

    Fields that are not known are those of a later Faena, which is told by its version.
    """

    name: str
    version: str
    wire: int
    orders: int
    python: str
    platform: str
    cores: int
    gpus: tuple[str, ...] = ()
    memory_bytes: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    address: str = ""
    """Where other nodes of a run reach it; empty: as the server sees it."""
    open: tuple[str, ...] = ()
    temporary: bool = False
    """Whether it is to be forgotten when it leaves: its name does not come back."""


class LeaseView(Struct, frozen=True):
    """In seconds, as `faena.compute.leases.Terms`."""

    beat_seconds: float
    fence_seconds: float
    lost_seconds: float


class JoinedWorkspace(Struct, frozen=True):
    id: str
    name: str


class Joined(Struct, frozen=True):
    node: str
    token: str
    """The machine's own, to keep; empty where it was used."""
    workspace: JoinedWorkspace
    lease: LeaseView
    adopt: tuple[str, ...]
    """Of the attempts that lie on the machine, those that are to be brought to their end."""
    forget: tuple[str, ...]
    """The others: all of them is here."""

    __repr__ = hiding("token")


class Beat(Struct, frozen=True, forbid_unknown_fields=True):
    running: str = ""
    """The attempt whose script runs, by name."""


class Leaving(Struct, frozen=True, forbid_unknown_fields=True):
    """`done`: the runner has brought all that it had; else it only wants no more work."""

    done: bool


class BeatAnswer(Struct, frozen=True):
    beat_seconds: float
    fence_seconds: float
    lost: bool = False
    """The node is none any more: its script is to be stopped, and the runner joins again."""
    endpoints: bool = False
    """Its machine is to hold endpoints, or to end some: it is to ask which."""


class JoinTokenRequest(Struct, frozen=True, forbid_unknown_fields=True):
    cluster: str
    days: float = 1.0
    """For which machines can join with it."""


class JoinTokenView(Struct, frozen=True):
    """What a machine joins with. It is shown once."""

    url: str
    token: str
    cluster: str
    expires_at: int

    __repr__ = hiding("token")


class MachineView(Struct, frozen=True, gc=False):
    name: str
    cluster: str
    state: str
    """preparing, idle, running, leaving, draining, silent or away."""
    cores: int
    gpus: tuple[str, ...]
    memory_bytes: int
    labels: dict[str, str]
    address: str
    python: str
    platform: str
    version: str
    joined_at: int
    heard_at: int
    run_id: str | None = None
    node: str | None = None
    endpoints: tuple[str, ...] = ()
    """Names of those that are on it."""


class ListenerRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Where to listen for nodes. `port` 0: a free one. `names`: by which other hosts know this one."""

    address: str = "127.0.0.1"
    port: int = 0
    names: tuple[str, ...] = ()
    tls: bool = True


class ListenerView(Struct, frozen=True):
    url: str
    fingerprint: str
    """SHA-256 of its certificate; empty where it has none."""
