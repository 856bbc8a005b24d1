"""What the server and the sampler's process say to each other: frames of JSON, each with its length before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from faena.kernel.clock import Micros
from faena.sweeps.schemas import Objective, Sampling

LENGTH = 4
"""Bytes before a frame that say how long it is, the highest first."""
FRAME_LIMIT = 16 << 20
_TOGETHER = 1 << 20
"""Trials of about so many bytes are told in one frame."""


class Task(Struct, frozen=True, kw_only=True):
    """What is the same for all draws of a sweep. Where any of it changes, all trials are told anew."""

    sweep: str
    space: dict[str, Any]
    constraints: list[str] = []
    sampling: Sampling
    objectives: list[Objective]
    allow_duplicates: bool = False
    """Parameters may be drawn that a trial has already."""


class Told(Struct, frozen=True, omit_defaults=True):
    """What is known of a trial now. None among numbers: not a finite one."""

    number: int
    """Below zero: of an earlier sweep, which this one goes on from."""
    coordinates: dict[str, int | float]
    state: Literal["running", "completed", "stopped", "failed"]
    """`running`: its end is not known yet, whether it has begun or not. `stopped`: by a policy."""
    results: list[float | None] = []
    """One per objective."""
    intermediate: dict[int, float | None] = {}
    """Interval -> the first objective there. Of a stopped trial its last is learned from; an export takes all."""
    violations: dict[str, float] = {}
    """Constraint on a metric -> by how much it is violated; zero and less: it is kept."""
    attributes: bytes = b""
    """What came with its draw."""
    started_at: Micros | None = None
    ended_at: Micros | None = None


class Tell(Struct, frozen=True, tag=True):
    """A part of what changed since revision `base`; all that is known where that is 0."""

    task: Task
    base: int
    revision: int
    first: bool
    last: bool
    trials: list[Told | msgspec.Raw]


class Draw(Struct, frozen=True, tag=True):
    sweep: str
    revision: int
    number: int


class Forget(Struct, frozen=True, tag=True):
    sweep: str


class Prepare(Struct, frozen=True, tag=True):
    """What that sweep is drawn with is about to be needed."""

    task: Task


class Drawn(Struct, frozen=True, tag=True):
    """Where the next trial lies."""

    coordinates: dict[str, int | float]
    attributes: bytes = b""
    """To be kept with the trial as it is, and told with it."""
    note: str | None = None
    """What the reader of the sweep should know of this draw."""


class Exhausted(Struct, frozen=True, tag=True):
    """Every combination that the constraints allow has a trial."""

    message: str


class TellAll(Struct, frozen=True, tag=True):
    """The process does not know the sweep at that revision."""


class Refused(Struct, frozen=True, tag=True):
    code: str
    message: str


class ToldTell(Tell, frozen=True, tag="Tell"):
    """As it is read."""

    trials: list[Told]  # type: ignore[assignment]  # no raw ones among them


Request = ToldTell | Draw | Forget | Prepare
Answer = Drawn | Exhausted | TellAll | Refused

_requests: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_answers: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)


def frame(message: Tell | Draw | Forget | Prepare | Answer) -> bytes:
    body = msgspec.json.encode(message)
    return len(body).to_bytes(LENGTH, "big") + body


def length(head: bytes) -> int:
    """Of the frame that follows. Raises ValueError where it is more than there may be."""
    if (size := int.from_bytes(head, "big")) > FRAME_LIMIT:
        raise ValueError(f"a frame of {size:,} bytes; at most {FRAME_LIMIT:,} are read")
    return size


def request(body: bytes) -> Request:
    """Raises ValueError."""
    return _requests.decode(body)


def answer(body: bytes) -> Answer:
    """Raises ValueError."""
    return _answers.decode(body)


def telling(task: Task, base: int, revision: int, trials: Sequence[Told]) -> Iterator[bytes]:
    """Frames that tell `trials`, in their order."""
    part: list[Told | msgspec.Raw] = []
    size, first = 0, True
    for each in trials:
        encoded = msgspec.json.encode(_needed(each))
        part.append(msgspec.Raw(encoded))
        if (size := size + len(encoded)) >= _TOGETHER:
            yield frame(Tell(task, base, revision, first, False, part))
            part, size, first = [], 0, False
    yield frame(Tell(task, base, revision, first, True, part))


def _needed(trial: Told) -> Told:
    """Without the intermediate values that nothing is learned from."""
    if len(trial.intermediate) < 2:
        return trial
    if trial.state != "stopped":
        return msgspec.structs.replace(trial, intermediate={})
    finite = [(interval, value) for interval, value in trial.intermediate.items() if is_finite(value)]
    return msgspec.structs.replace(trial, intermediate=dict([max(finite)] if finite else []))


def is_finite(value: float | None) -> bool:
    return value is not None and abs(value) < float("inf")
