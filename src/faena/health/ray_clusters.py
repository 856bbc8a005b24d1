"""Clusters whose nodes a Ray cluster starts: whether it answers, and whether its nodes have reached the workspace."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator

from faena.compute.backends.ray.settings import RaySettings
from faena.compute.model import Cluster, ClusterKind
from faena.health import rows
from faena.health.finding import Finding, ok, problem, warning
from faena.health.subject import Subject
from faena.kernel.errors import ComputeTargetException, FaenaError
from faena.workspaces.secrets import RAY_TOKENS, Secrets

_WITHIN = 4.0
_LARGEST = 1 << 16
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
        release = _release(settings.address, _token(subject, name))
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


def _release(address: str, token: str) -> str:
    """Of the Ray that answers there. Raises ComputeTargetException."""
    asked = urllib.request.Request(f"{address}/api/version")
    if token:
        asked.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(asked, timeout=_WITHIN) as answer:
            return str(json.loads(answer.read(_LARGEST))["ray_version"])[:40]
    except urllib.error.HTTPError as error:
        refused = (
            "refuses the token that is kept for it" if error.code in (401, 403) else f"answers {error.code}"
        )
        raise ComputeTargetException(f"the Ray cluster at {address} {refused}") from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise ComputeTargetException(f"the Ray cluster at {address} cannot be reached: {reason}") from None
    except (ValueError, KeyError, TypeError):
        raise ComputeTargetException(f"what answers at {address} is no dashboard of a Ray cluster") from None


def _token(subject: Subject, name: str) -> str:
    if subject.folder is None or not (subject.folder / RAY_TOKENS).exists():
        return ""
    return Secrets(subject.folder, RAY_TOKENS).get([name])[name] or ""
