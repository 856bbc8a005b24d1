"""An endpoint and its revisions: frozen values and pure rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from faena.endpoints.schemas import FailureView, RevisionSpec, Settings
from faena.kernel.clock import Micros
from faena.kernel.errors import WebserviceException

_NAME = re.compile(r"[a-z][-a-z0-9]{1,30}[a-z0-9]", re.ASCII)
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]{0,30}://[^\s/?#@\\]{1,255}/?", re.ASCII | re.IGNORECASE)
_HEADER = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]{1,100}", re.ASCII)
_LEAST_MEMORY = 1 << 20
MOST_WORKERS = 256
_WHOLE = 100


class Stage(StrEnum):
    """How far the server has brought a revision; how it does after that, its front tells."""

    PREPARING = "preparing"
    """Its environment is found or built, its folder is made."""
    READY = "ready"
    """The front may start it."""
    FAILED = "failed"
    RETIRED = "retired"
    """It answered once; its folder is kept so that it can be rolled back to."""


@dataclass(frozen=True, slots=True)
class Revision:
    endpoint: str
    number: int
    request_id: str
    created_at: Micros
    spec: RevisionSpec
    stage: Stage
    failure: FailureView | None = None
    lock: str | None = None
    python: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`traffic`: weights of what answers now. `wanted`: of what is to answer, while that is on its way."""

    name: str
    created_at: Micros
    updated_at: Micros
    version: int
    settings: Settings
    latest: int
    """Number of the revision that was deployed last."""
    traffic: Mapping[int, int]
    wanted: Mapping[int, int] | None
    shadow: int | None
    state: str
    """What the front said last."""
    failure: FailureView | None
    port: int | None
    deleted_at: Micros | None
    machine: str = ""
    """The id of the machine that its front is on; empty: the server's host, or none yet."""

    @property
    def id(self) -> str:
        """Tells it from another one that had its name before."""
        return f"{self.name}.{self.created_at}"

    @property
    def used(self) -> frozenset[int]:
        """Numbers of the revisions that a front must have."""
        shadow = set() if self.shadow is None else {self.shadow}
        return frozenset({*self.traffic, *(self.wanted or {}), *shadow})


def is_name(name: str) -> bool:
    """Whether an endpoint can be called so."""
    return _NAME.fullmatch(name) is not None


def check_name(name: str) -> str:
    if not is_name(name):
        raise WebserviceException(
            f"{name[:80]!r} is not a valid service name. Use 3 to 32 lower-case letters, digits and '-', a letter "
            "first, no '-' last."
        )
    return name


def with_share(traffic: Mapping[int, int], number: int, percentage: int) -> dict[int, int]:
    """Weights in which `number` has its percentage, and the others share the rest as they did."""
    if not 1 <= percentage <= _WHOLE:
        raise WebserviceException(f"percentage is {percentage}. Use a whole number from 1 to {_WHOLE}.")
    others = {each: weight for each, weight in traffic.items() if each != number}
    total = sum(others.values())
    if percentage == _WHOLE or total == 0:
        return {number: _WHOLE}
    left = _WHOLE - percentage
    shares = {each: left * weight // total for each, weight in others.items()}
    shares[max(others, key=lambda each: others[each])] += left - sum(shares.values())
    return {**{each: share for each, share in shares.items() if share}, number: percentage}


def check_traffic(traffic: Mapping[str, int]) -> dict[int, int]:
    """Weights by revision. Raises WebserviceException where they are none."""
    try:
        weights = {int(number): weight for number, weight in traffic.items()}
    except ValueError:
        raise WebserviceException(
            f"traffic names {', '.join(map(repr, traffic))[:200]}. Use revisions by their numbers, such as "
            '{"1": 90, "2": 10}.'
        ) from None
    if not weights or any(weight < 0 for weight in weights.values()) or not sum(weights.values()):
        raise WebserviceException("traffic has no positive weight. Give one revision at least some.")
    return {number: weight for number, weight in weights.items() if weight}


def check_spec(spec: RevisionSpec) -> None:
    """Raises WebserviceException naming what cannot be."""
    workers = spec.workers
    bounds = {
        "workers": (workers.count, 1, MOST_WORKERS),
        "threads": (workers.threads, 0, 4096),
        "max_batch_size": (workers.max_batch_size, 1, 1_000_000),
        "max_requests": (workers.max_requests, 1, 1 << 53),
        "max_latency_ms": (workers.max_latency_ms, 0, 60_000),
    }
    for name, (given, low, high) in bounds.items():
        if given is not None and not low <= given <= high:
            raise WebserviceException(f"{name} is {given:,}. Use a number from {low:,} to {high:,}.")
    if workers.max_memory_bytes is not None and workers.max_memory_bytes < _LEAST_MEMORY:
        given_gb = workers.max_memory_bytes / (1 << 30)
        raise WebserviceException(f"max_memory_gb is {given_gb:g}. Use a number from 0.001 on.")
    if spec.kind is not None:
        if spec.entry or len(spec.models) != 1:
            raise WebserviceException(
                f"A model of the kind {spec.kind} is served alone and without a script; this names "
                f"{len(spec.models)} models and the script {spec.entry[:200]!r}."
            )
    elif not spec.entry.endswith(".py"):
        raise WebserviceException(f"The scoring script {spec.entry[:200]!r} is not a .py file.")


def check_settings(settings: Settings) -> None:
    """Raises WebserviceException naming what cannot be."""
    limits = settings.limits
    bounds = {
        "port": (settings.port, 0, 65_535),
        "keep_requests": (settings.keep_requests, 0, 1),
        "max_body_bytes": (limits.body_bytes, 1, 1 << 40),
        "header_bytes": (limits.header_bytes, 256, 1 << 24),
        "max_queue": (limits.queue, 1, 1_000_000),
        "connections": (limits.connections, 1, 1_000_000),
        "timeout_seconds": (limits.timeout_seconds, 0.001, 86_400),
        "init_timeout_seconds": (limits.init_timeout_seconds, 0.001, 86_400),
    }
    for name, (given, low, high) in bounds.items():
        if not low <= given <= high:
            raise WebserviceException(f"{name} is {given:,}. Use a number from {low:,} to {high:,}.")
    for origin in settings.cors_origins:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise WebserviceException(
                f"cors_origins names {origin[:200]!r}, which is no origin. Use a scheme with a host, such as "
                "'https://app.example.com' or 'http://localhost:3000', or '*' for all."
            )
    if settings.sticky_header and not _HEADER.fullmatch(settings.sticky_header):
        raise WebserviceException(
            f"The sticky header {settings.sticky_header[:200]!r} is no name of a header. Use one such as 'x-user'."
        )
