"""Artifacts by HTTP, for clients of MLflow that are older than the way in which servers take them (1.23)."""

from __future__ import annotations

import os
import time
from urllib.parse import quote

import requests
from mlflow.entities import FileInfo
from mlflow.store.artifact.artifact_repo import ArtifactRepository

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Optional

_FILES = "/api/2.0/mlflow-artifacts/artifacts"
_LONGEST = 600.0
_PATIENCE = 60.0
"""Seconds for which a file is sent anew, where a server or the way to it is away."""
_PART = 1 << 20


class Repository(ArtifactRepository):  # type: ignore[misc]  # of whatever version the run's environment has
    """`artifact_uri`: `mlflow-artifacts:/…`, of the server that this process was given."""

    def __init__(self, artifact_uri: str) -> None:
        super().__init__(artifact_uri)
        self._below = artifact_uri.partition(":")[2].strip("/")

    def log_artifact(self, local_file: str, artifact_path: Optional[str] = None) -> None:
        name = "/".join(part for part in (artifact_path, os.path.basename(local_file)) if part)
        until = time.time() + _PATIENCE
        while True:
            try:
                with open(local_file, "rb") as file:
                    # an empty file has no body, and requests would send it in chunks
                    self._ask("PUT", name, data=file if os.path.getsize(local_file) else b"").close()
                return
            except (requests.ConnectionError, requests.HTTPError) as error:
                is_passing = error.response is None or error.response.status_code == 503
                if not is_passing or time.time() > until:
                    raise
            time.sleep(1)

    def log_artifacts(self, local_dir: str, artifact_path: Optional[str] = None) -> None:
        for folder, _, names in os.walk(local_dir):
            below = os.path.relpath(folder, local_dir).replace(os.sep, "/")
            parts = [part for part in (artifact_path, below) if part and part != "."]
            for name in names:
                self.log_artifact(os.path.join(folder, name), "/".join(parts) or None)

    def list_artifacts(self, path: Optional[str] = None) -> List[Any]:
        whole = "/".join(part for part in (self._below, path) if part)
        with self._ask("GET", None, params={"path": whole}) as answer:
            found = answer.json().get("files", [])
        start = path + "/" if path else ""
        return [FileInfo(start + each["path"], each["is_dir"], each.get("file_size")) for each in found]

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        with self._ask("GET", remote_file_path) as answer, open(local_path, "wb") as file:
            for part in answer.iter_content(_PART):
                file.write(part)

    def _ask(self, verb: str, name: Optional[str], **given: Any) -> Any:
        """Raises requests.HTTPError for what is refused."""
        address = os.environ["MLFLOW_TRACKING_URI"].rstrip("/") + _FILES
        if name is not None:
            address += "/{}/{}".format(self._below, quote(name))
        headers = {"Authorization": "Bearer " + os.environ.get("MLFLOW_TRACKING_TOKEN", "")}
        answer = requests.request(verb, address, headers=headers, stream=True, timeout=_LONGEST, **given)
        answer.raise_for_status()
        return answer
