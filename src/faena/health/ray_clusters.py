"""Clusters whose nodes a Ray cluster starts: whether it answers, and whether its nodes have reached the workspace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from faena.compute.backends.ray.jobs import Jobs
from faena.compute.backends.ray.settings import RaySettings
from faena.compute.model import Cluster, ClusterKind
from faena.health import rows
from faena.health.finding import Finding, ok, problem, warning
from faena.health.subject import Subject
from faena.kernel.errors import FaenaError
from faena.workspaces.secrets import RAY_TOKENS, Secrets

_CLUSTERS = "SELECT name, settings, waits FROM clusters WHERE kind = 'ray' ORDER BY name"


def check_ray_clusters(subject: Subject) -> Iterator[Finding]:
    """Of each: it, its release, and whether a bridge of ours in it has ever reached the server."""
    for name, settings, waits in rows.read(subject, _CLUSTERS):
        yield _of(subject, str(name), str(settings), str(waits))


def _of(subject: Subject, name: str, kept: str, waits: str) -> Finding:
    called = f"Ray cluster {name}"
    again = f"faena cluster attach-ray {name} ADDRESS"
    try:
        settings = RaySettings.of(Cluster(name, 0, 1, 0.0, None, 0, 0, ClusterKind.RAY, kept))
        with closing(Jobs(settings.address, _token(subject, name))) as jobs:
            release = jobs.version()
    except FaenaError as error:
        return problem(called, error.message, again)
    there = f"Ray {release} at {settings.address}"
    if settings.offer is None:
        reach = "faena node open --address ADDRESS, one that its nodes reach"
        return warning(
            called, f"{there}; none of its nodes has reached this workspace: {waits or 'yet'}", reach
        )
    if waits:
        return warning(called, f"{there}; runs wait: {waits}", f"faena cluster show {name}")
    return ok(called, f"{there}; its nodes reach this workspace")


def _token(subject: Subject, name: str) -> str:
    if subject.folder is None or not (subject.folder / RAY_TOKENS).exists():
        return ""
    return Secrets(subject.folder, RAY_TOKENS).get([name])[name] or ""
