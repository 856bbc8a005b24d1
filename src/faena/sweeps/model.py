"""Where a sweep and its trials are. No I/O."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from faena.kernel.clock import Micros
from faena.runs.submission_schemas import Submission
from faena.sweeps.endings import Streak
from faena.sweeps.policies import Decision
from faena.sweeps.progress import Reached
from faena.sweeps.schemas import SweepSpec
from faena.sweeps.space import Space


class SweepState(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    """No trial is started; those that run go on."""
    STOPPING = "stopping"
    """No trial is started any more; the sweep ends with the last that runs."""
    ENDED = "ended"


class TrialState(StrEnum):
    WAITING = "waiting"
    """Its parameters are known; it has no run yet."""
    FREE = "free"
    """It has its number; a model is about to choose its parameters."""
    OPEN = "open"
    """Its run has not ended."""
    ENDED = "ended"


class Source(StrEnum):
    SAMPLED = "sampled"
    GIVEN = "given"
    """By hand."""
    ADOPTED = "adopted"
    """A run that was there before, and that the sweep learns from."""


class Sweep(Struct, frozen=True):
    """`issued`: numbers of trials that were given out. `position`: where its sampling goes on."""

    run_id: str
    spec: SweepSpec
    space: Space
    submission: Submission
    state: SweepState
    revision: int
    """Grows with each change of the space."""
    position: int
    issued: int
    exhausted: bool
    deadline: Micros
    lock: str | None
    """The environment of its trials, once it is known, and its interpreter."""
    python: str | None
    streak: Streak
    """Trials in a row that brought nothing better."""
    changes: int
    """Grows with each change of a trial that a sampler learns from."""
    told: str
    reason: str
    """Why it stops, as the end of its run; empty: it does not, or completes."""

    @property
    def learns(self) -> bool:
        """Whether its sampling learns from trials that have ended."""
        return self.spec.sampling.kind in ("bayesian", "cmaes", "nsga2")


class Trial(Struct, frozen=True):
    sweep: str
    number: int
    run_id: str | None
    state: TrialState
    source: Source
    revision: int
    """That of the sweep when its parameters were chosen."""
    tries: int
    repeat: int
    parameters: dict[str, Any]
    coordinates: dict[str, float | int]
    attributes: bytes | None
    """What its sampler attached to it."""
    attempt: int
    """Of its run: the one whose values are counted below."""
    reached: Reached
    """How far that attempt is, where a policy watches it."""
    status: str | None
    value: float | None
    metrics: tuple[float | None, ...]
    allowed: bool
    """Whether it fulfils the conditions on metrics."""
    decision: Decision | None


def trial_run_id(sweep: str, number: int, tries: int) -> str:
    """v1's form; a trial that goes again has a run of its own."""
    return f"{sweep}_{number}" if tries == 0 else f"{sweep}_{number}_again{tries}"


@lru_cache(64)
def decoded(spec: bytes) -> tuple[SweepSpec, Space]:
    """Of sweeps that go on, each of whose trials needs them."""
    found = msgspec.json.decode(spec, type=SweepSpec)
    return found, Space.parse(found.space, found.constraints)


@lru_cache(64)
def submission_of(encoded: bytes) -> Submission:
    return msgspec.json.decode(encoded, type=Submission)


def trials_submission(submission: Submission) -> Submission:
    """What each trial is submitted with: tags and name are the sweep's own."""
    return msgspec.structs.replace(submission, tags={}, name="")
