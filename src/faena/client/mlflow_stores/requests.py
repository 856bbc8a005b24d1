"""Requests of MLflow's protocol: to a server at a URL, or to the workspace's own."""

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import msgspec

from faena.client.mlflow_stores.found import StoreDamaged
from faena.kernel.errors import ServerUnreachable, UserErrorException
from faena.kernel.transport import Transport
from faena.mlflow.moving.schemas import Points

_TRIES = 6
_FIRST_PAUSE_S = 0.5
_TIMEOUT_S = 300.0
_MOST_BODY = 1 << 30
_CHUNK = 1 << 20
_AGAIN = (408, 429, 500, 502, 503, 504)
Query = Mapping[str, Any]


class Refused(StoreDamaged):
    """What a server answered other than what was asked for."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.answered = status


class Requests(Protocol):
    address: str

    def get(self, path: str, query: Query | None = None) -> bytes:
        """Raises Refused, ServerUnreachable."""

    def post(self, path: str, body: Mapping[str, Any]) -> bytes: ...

    def download(self, path: str, query: Query, target: Path) -> None: ...

    def close(self) -> None: ...


class HttpRequests:
    """With the token or the password that MLflow's own variables hold, or that stand in the address."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if not parts.hostname:
            raise UserErrorException(
                f"{url[:200]!a} is no address of a server. Give one such as 'http://localhost:5000'."
            )
        try:
            port = parts.port
        except ValueError as error:
            raise UserErrorException(f"{url[:200]!a} is no address of a server: {error}.") from error
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, port
        self._prefix = parts.path.rstrip("/")
        host = parts.netloc.rpartition("@")[2]
        self.address = f"{parts.scheme}://{host}{self._prefix}"
        self._headers = {"Accept": "*/*", **_signed(parts.username, parts.password)}
        self._local = threading.local()
        self._opened: list[http.client.HTTPConnection] = []

    def get(self, path: str, query: Query | None = None) -> bytes:
        return self._ask("GET", path, query or {})

    def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        return self._ask("POST", path, {}, json.dumps(body).encode())

    def download(self, path: str, query: Query, target: Path) -> None:
        self._ask("GET", path, query, target=target)

    def close(self) -> None:
        while self._opened:
            self._opened.pop().close()

    def _ask(
        self, verb: str, path: str, query: Query, body: bytes = b"", target: Path | None = None
    ) -> bytes:
        where = f"{self._prefix}{path}{'?' + urlencode(query, doseq=True) if query else ''}"
        headers = {**self._headers, **({"Content-Type": "application/json"} if body else {})}
        pause, last = _FIRST_PAUSE_S, ""
        for attempt in range(_TRIES):
            if attempt:
                time.sleep(pause)
                pause *= 2
            try:
                status, data = self._once(verb, where, headers, body, target)
            except (OSError, http.client.HTTPException) as error:
                self._drop()
                last = str(error) or type(error).__name__
                continue
            if status == 200:
                return data
            last = data[:500].decode("utf-8", "replace").strip()
            if status in (401, 403):
                raise UserErrorException(
                    f"{self.address} answers {status} to {path}: {last[:300]}. Set MLFLOW_TRACKING_TOKEN, or "
                    "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
                )
            if status not in _AGAIN:
                raise Refused(f"{self.address}{path} answers {status}: {last[:300]}", status)
        raise ServerUnreachable(
            f"{self.address} does not answer as it should: {last[:300]}. Call again when it does."
        )

    def _once(
        self, verb: str, where: str, headers: Mapping[str, str], body: bytes, target: Path | None
    ) -> tuple[int, bytes]:
        connection = self._connection()
        connection.request(verb, where, body or None, dict(headers))
        answer = connection.getresponse()
        if answer.status == 200 and target is not None:
            with target.open("wb") as file:
                while part := answer.read(_CHUNK):
                    file.write(part)
            return 200, b""
        data = answer.read(_MOST_BODY)
        if answer.read(1):
            self._drop()
            raise UserErrorException(f"{self.address} sends more than {_MOST_BODY:,} bytes at once.")
        return answer.status, data

    def _drop(self) -> None:
        """Have the next request open a connection of its own."""
        if (found := getattr(self._local, "connection", None)) is not None:
            found.close()
            self._local.connection = None

    def _connection(self) -> http.client.HTTPConnection:
        """This thread's own."""
        found: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if found is None:
            if self._secure:
                context = ssl.create_default_context()
                if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() == "true":
                    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                found = http.client.HTTPSConnection(
                    self._host, self._port, timeout=_TIMEOUT_S, context=context
                )
            else:
                found = http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT_S)
            self._local.connection = found
            self._opened.append(found)
        return found


def _signed(user: str | None, password: str | None) -> dict[str, str]:
    if token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
        return {"Authorization": f"Bearer {token}"}
    user = user or os.environ.get("MLFLOW_TRACKING_USERNAME")
    password = password or os.environ.get("MLFLOW_TRACKING_PASSWORD")
    if user is None or password is None:
        return {}
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


class OwnRequests:
    """To the workspace's server, as it speaks MLflow's protocol."""

    def __init__(self, transport: Transport, address: str) -> None:
        self._transport = transport
        self.address = address

    def get(self, path: str, query: Query | None = None) -> bytes:
        return self._ask("GET", f"{path}?{urlencode(query, doseq=True)}" if query else path)

    def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        return self._ask("POST", path, json.dumps(body).encode())

    def download(self, path: str, query: Query, target: Path) -> None:
        self._transport.download(f"{path}?{urlencode(query, doseq=True)}" if query else path, target)

    def histories(self, run_id: str) -> dict[str, Points]:
        """All of a run's metrics at once, which MLflow's protocol tells a page at a time."""
        answer = self._transport.request("GET", f"/mlflow-imports/histories?{urlencode({'run_id': run_id})}")
        return msgspec.msgpack.decode(answer.data, type=dict[str, Points])

    def close(self) -> None:
        pass

    def _ask(self, verb: str, path: str, body: bytes | None = None) -> bytes:
        headers = {"Content-Type": "application/json"} if body else None
        return self._transport.request(verb, path, body, headers=headers, timeout=_TIMEOUT_S).data
