"""What waits for nodes of a cluster, and what it is given."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from faena.kernel.clock import Micros


class Gpu(StrEnum):
    """Whether a run wants GPUs."""

    NONE = "none"
    AUTO = "auto"
    """It gets what is free, and its GPU calls may be answered on the CPU."""
    REQUIRE = "require"
    """It waits until there is one for each of its nodes."""


class Waiting(Struct, frozen=True):
    """A run whose environment is ready and that wants nodes."""

    run_id: str
    experiment: str
    node_count: int
    queued_at: Micros
    reserved: bool = False
    gpu: Gpu = Gpu.NONE
    user: str = ""


class Given(Struct, frozen=True):
    """A node that a run gets, with the GPUs that are its own there."""

    node: str
    gpus: tuple[str, ...] = ()


class Wanted(Struct, frozen=True):
    """How many nodes the runs of a cluster want, those included whose environment is still being made."""

    nodes: int
    with_gpu: int = 0
    """For runs that must have a GPU; not among `nodes`."""


def by_time(run: Waiting) -> tuple[Micros, str]:
    """What runs of one experiment are sorted by."""
    return run.queued_at, run.run_id
