"""MLflow's protocol as its clients speak it: what is not answered, or answered by 429 or 5xx, is sent again."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

_PATIENCE_S = 240.0
"""Seconds for which MLflow's clients go on."""
_PAUSE_S = 0.2


class Asker:
    """Belongs to one thread."""

    def __init__(self, url: str, token: str) -> None:
        self._parts = urlsplit(url)
        self._token = token
        self._connection: http.client.HTTPSConnection | None = None

    def post(self, path: str, **fields: Any) -> Any:
        return json.loads(self.ask("POST", f"/api/2.0/mlflow/{path}", json.dumps(fields).encode()))

    def get(self, path: str) -> Any:
        return json.loads(self.ask("GET", f"/api/2.0/mlflow/{path}"))

    def put_file(self, run: str, name: str, data: bytes) -> None:
        self.ask("PUT", f"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/{name}", data)

    def file(self, run: str, name: str) -> bytes:
        return self.ask("GET", f"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/{name}")

    def new_run(self) -> str:
        return str(self.post("runs/create", experiment_id="0")["run"]["info"]["run_id"])

    def history(self, run: str, key: str) -> list[tuple[float, int]]:
        found: list[tuple[float, int]] = []
        token = ""
        while True:
            path = f"metrics/get-history?run_id={run}&metric_key={key}&max_results=20000"
            page = self.get(path + (f"&page_token={token}" if token else ""))
            found += [(each["value"], each["step"]) for each in page.get("metrics", [])]
            if not (token := page.get("next_page_token", "")):
                return found

    def ask(self, verb: str, path: str, body: bytes | None = None) -> bytes:
        """Raises AssertionError for what is refused, and after four minutes."""
        until = time.monotonic() + _PATIENCE_S
        while True:
            status, said = self._once(verb, path, body)
            if status < 400:
                return said
            shown = said[:300].decode(errors="replace")
            assert status == 429 or status >= 500, f"{verb} {path}: {status} {shown}"
            assert time.monotonic() < until, f"{verb} {path}: no answer in {_PATIENCE_S:g} s, {shown}"
            time.sleep(_PAUSE_S)

    def _once(self, verb: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}
        try:
            if self._connection is None:
                self._connection = self._connected()
            self._connection.request(verb, path, body or b"", headers)
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return 599, repr(error).encode()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> http.client.HTTPSConnection:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection(
            str(self._parts.hostname), self._parts.port, context=context, timeout=120
        )
