"""The log as JSON: an object a line, and a line for each request.

Nothing that was shown to the server is in it: no token, no body, no query; of paths their templates.
"""

from __future__ import annotations

import logging
import re
import sys
import uuid
from datetime import UTC, datetime
from itertools import count
from typing import Any

import msgspec

REQUEST_ID = b"x-request-id"
_FIELDS = "fields"
_WELL_FORMED = re.compile(rb"[\x21-\x7e]{1,100}")
_log = logging.getLogger("faena.requests")


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, _FIELDS, {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


class RequestIds:
    """Those of clients where they are well-formed; else new ones, which are counted: a random one costs more."""

    def __init__(self) -> None:
        self._prefix = str(uuid.uuid4())[:-12]
        self._numbers = count(1)

    def of(self, headers: Any) -> bytes:
        for name, value in headers:
            if name == REQUEST_ID and _WELL_FORMED.fullmatch(value):
                found: bytes = value
                return found
        return f"{self._prefix}{next(self._numbers):012x}".encode()


def tell_requests() -> None:
    """Write a line for each request from now on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    _log.addHandler(handler)
    _log.propagate = False
    _log.setLevel(logging.INFO)


def are_told() -> bool:
    return bool(_log.handlers)


def tell(method: str, route: str, status: int, seconds: float, request_id: bytes, person: str) -> None:
    """`seconds`: to the end of the answer."""
    fields = {
        "request_id": request_id.decode(),
        "person": person,
        "method": method,
        "route": route,
        "status": status,
        "seconds": round(seconds, 6),
    }
    _log.info("%s %s %d", method, route, status, extra={_FIELDS: fields})
