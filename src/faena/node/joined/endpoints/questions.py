"""Answers what the server asks about an endpoint on this machine: its logs, what it kept, and what its front says."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import time
from contextlib import closing
from typing import Any

from faena.endpoints.front_folder import FrontFolder
from faena.scoring.files import DESIRED

_MOST = 8 << 20
"""Bytes of kept requests, and of an answer."""
_ALL = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}


def answer(question: dict[str, Any], folder: FrontFolder) -> bytes:
    if question["what"] == "log":
        return _log(folder, question["revision"], question["most"])
    if question["what"] == "requests":
        return _kept(folder, question["most"])
    try:
        return json.dumps(_asked(question, folder)).encode()
    except (OSError, ValueError, http.client.HTTPException) as error:
        return json.dumps({"error": f"its front does not answer: {error}."}).encode()


def _log(folder: FrontFolder, revision: int | None, most: int) -> bytes:
    text = folder.front_log(most) if revision is None else folder.log_text(revision, most)
    return text.encode("utf-8", "replace")[-_MOST:]


def _kept(folder: FrontFolder, most: int) -> bytes:
    """Whole records, the newest first."""
    found: list[bytes] = []
    room = _MOST
    for record in folder.kept_requests():
        room -= len(record) + 1
        if len(found) >= most or room <= 0:
            break
        found.append(record)
    return b"\n".join(found)


def _asked(question: dict[str, Any], folder: FrontFolder) -> dict[str, Any]:
    """Raises OSError, ValueError, HTTPException. The port is that of the process which holds the endpoint's lock."""
    told = folder.told()
    if told is None or told.get("port") is None or told.get("pid") != folder.front_pid():
        return {"error": "no front lives there now."}
    front = json.loads((folder.path / DESIRED).read_bytes())
    host, port = _ALL.get(front["host"], front["host"]), int(told["port"])
    began = time.monotonic()
    with closing(_connection(host, port, question["seconds"], tls=front["tls"] is not None)) as connection:
        headers = {"Content-Type": "application/json"} if question["verb"] == "POST" else {}
        if keys := front["keys"]:
            headers["Authorization"] = f"Bearer {keys[0]}"
        connection.request(question["verb"], question["path"], base64.b64decode(question["body"]), headers)
        response = connection.getresponse()
        most = min(question["most"], _MOST)
        body = response.read(most)
        rest = response.read(1)
        length = response.headers.get("content-length", "")
        return {
            "status": response.status,
            "headers": {name.lower(): value for name, value in response.headers.items()},
            "body": base64.b64encode(body).decode(),
            "size": int(length) if length.isdecimal() else len(body) + len(rest),
            "is_whole": not rest,
            "seconds": time.monotonic() - began,
        }


def _connection(host: str, port: int, seconds: float, *, tls: bool) -> http.client.HTTPConnection:
    if not tls:
        return http.client.HTTPConnection(host, port, timeout=seconds)
    made = ssl.create_default_context()  # whose it is, is known by its lock
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=seconds, context=made)
