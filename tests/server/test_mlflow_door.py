"""MLflow's requests have a way of their own, which costs nobody anything who does not speak MLflow."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faena
from faena import Workspace
from faena.server.middleware import look_first
from faena.server.mlflow_door import MlflowDoor

_LOADED = """
import sys
import faena.server.app, faena.server.application
loaded = [name for name in sys.modules if name.startswith("faena.mlflow")]
print(*sorted(set(loaded) - {"faena.mlflow", "faena.mlflow.paths", "faena.mlflow.run_tokens", "faena.mlflow.services"}))
"""


def test_a_server_loads_nothing_for_it_until_somebody_speaks_it() -> None:
    done = subprocess.run([sys.executable, "-c", _LOADED], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_version_is_ours_on_the_socket_and_mlflows_by_tcp(common_workspace: Workspace) -> None:
    assert common_workspace.api.version().package == faena.__version__
    found = common_workspace.api.gateway.open_to_programs()
    host, port = found.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        head = f"GET /version HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {found.token}\r\n"
        connection.sendall(f"{head}Connection: close\r\n\r\n".encode())
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 200") and b"{" not in answer


def test_a_workspace_that_is_gone_is_told_in_mlflows_words() -> None:
    """A client tries again then, where the workspace may be by then."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    folder: Any = SimpleNamespace(name="w", path=Path("/w/.faena"))
    layers = [look_first(lambda: folder, lambda: True)]
    scope: Any = {"type": "http", "method": "GET", "path": "/api/2.0/mlflow/runs/get"}
    app: Any = MlflowDoor(lambda: None, layers)(scope)  # type: ignore[arg-type, return-value]  # nothing of it is asked
    asyncio.run(app(scope, None, send))
    assert sent[0]["status"] == 503
    assert json.loads(sent[1]["body"])["error_code"] == "TEMPORARILY_UNAVAILABLE"
