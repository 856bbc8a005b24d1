"""Ray's Jobs API over HTTP: the one thing by which the server speaks with a Ray cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import urllib3

from faena.kernel.errors import ComputeTargetException

_PATIENCE = urllib3.Timeout(total=4.5)
_LARGEST = 8 << 20
OLDEST = (2, 40)
"""Of Ray, which the bridge was made for."""


class Jobs:
    """Each method is one request, and blocks for some seconds at most. Raises ComputeTargetException."""

    def __init__(self, address: str, token: str) -> None:
        self._address = address
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._pool = urllib3.PoolManager(1, retries=False, timeout=_PATIENCE)

    def version(self) -> str:
        """Of Ray: one that is too old is an error."""
        found = self._ask("GET", "/api/version")
        version = found.get("ray_version") if isinstance(found, dict) else None
        if not isinstance(version, str):
            raise ComputeTargetException(
                f"What answers at {self._address} says nothing of Ray's version: give the address of its dashboard, "
                "by default port 8265."
            )
        if _parts(version) < OLDEST:
            raise ComputeTargetException(
                f"The cluster at {self._address} has Ray {version[:40]}. Use one with Ray "
                f"{'.'.join(map(str, OLDEST))} or later."
            )
        return version

    def submit(self, job: str, entrypoint: str, metadata: Mapping[str, str]) -> None:
        """`metadata`: the cluster's users can see it."""
        body = {
            "entrypoint": entrypoint,
            "submission_id": job,
            "metadata": dict(metadata),
        }
        self._ask("POST", "/api/jobs/", body)

    def status(self, job: str) -> tuple[str, str]:
        """PENDING, RUNNING, STOPPED, SUCCEEDED or FAILED, and what Ray says of it; `("", "")`: there is none."""
        found = self._ask("GET", f"/api/jobs/{job}", missing={})
        if not isinstance(found, dict):
            return "", ""
        return str(found.get("status") or ""), str(found.get("message") or "")

    def living(self, prefix: str) -> list[str]:
        """Ids of jobs that begin so and have not ended, in the order in which Ray has them."""
        found = self._ask("GET", "/api/jobs/")
        jobs = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
        return [
            str(each["submission_id"])
            for each in jobs
            if str(each.get("submission_id") or "").startswith(prefix)
            and each.get("status") in ("PENDING", "RUNNING")
        ]

    def logs(self, job: str) -> str:
        """What it has printed so far."""
        found = self._ask("GET", f"/api/jobs/{job}/logs")
        return str(found.get("logs") or "") if isinstance(found, dict) else ""

    def stop(self, job: str) -> None:
        self._ask("POST", f"/api/jobs/{job}/stop", missing={})

    def cluster_status(self) -> Any:
        return self._ask("GET", "/api/cluster_status")

    def close(self) -> None:
        self._pool.clear()

    def _ask(self, verb: str, path: str, body: Any = None, missing: Any = None) -> Any:
        """`missing`: the answer where there is no such thing; None: that is an error."""
        headers = dict(self._headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
        data = None if body is None else msgspec.json.encode(body)
        try:
            answer = self._pool.request(
                verb, self._address + path, body=data, headers=headers, redirect=False, preload_content=False
            )
            try:
                read = answer.read(_LARGEST + 1)
            finally:
                answer.release_conn()
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise ComputeTargetException(
                f"The Ray cluster at {self._address} cannot be reached: {_reason(error)}."
            ) from None
        if answer.status == 404 and missing is not None:
            return missing
        if answer.status in (401, 403):
            raise ComputeTargetException(
                f"The Ray cluster at {self._address} refuses {'the' if self._headers else 'who has no'} token. Attach "
                "it again with the token that its own clients use."
            )
        if answer.status != 200:
            said = " ".join(read[:300].decode("utf-8", "replace").split())
            raise ComputeTargetException(
                f"The Ray cluster at {self._address} answered {answer.status}: {said}"
            )
        try:
            return msgspec.json.decode(read)
        except msgspec.DecodeError:
            raise ComputeTargetException(
                f"What answers at {self._address} is no dashboard of a Ray cluster."
            ) from None


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(each) if each.isdecimal() else 0 for each in version.split(".")[:2])


def _reason(error: Exception) -> str:
    """Without the parts that name objects of a library."""
    return str(error).rpartition(": ")[2][:200] or type(error).__name__
