"""Asks an endpoint over HTTP, as any client would."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

from faena.kernel.errors import WebserviceException

_SHOWN = 2000
_PATIENCE = 3600.0
"""Seconds: the endpoint's own time limit answers earlier."""


def ask(
    address: str,
    data: Any,
    key: str | None,
    headers: Mapping[str, str],
    name: str,
    certificate: str | None = None,
    advice: str = "",
) -> Any:
    """The answer, decoded where it is JSON, else its bytes. `certificate`: its own, which may be self-signed.

    `advice`: a sentence, with a blank before it, for where nobody answers.

    Raises WebserviceException for a status other than 2xx, and where nobody answers.
    """
    body, kind = _body(data)
    given = {"Content-Type": kind, **({} if key is None else {"Authorization": f"Bearer {key}"}), **headers}
    secured = [] if certificate is None else [HTTPSHandler(context=_trusting(certificate))]
    opener = build_opener(ProxyHandler({}), *secured)  # an endpoint is near: no proxy knows it
    try:
        with opener.open(Request(address, body, given, method="POST"), timeout=_PATIENCE) as answer:
            return _decoded(answer)
    except HTTPError as error:
        said = error.read(_SHOWN).decode("utf-8", "replace")
        raise WebserviceException(
            f"Received bad response from service: status {error.code}\n{said}\nMore information can be found by "
            f"calling `.get_logs()` on the webservice object, or with `faena logs {name}`."
        ) from error
    except (URLError, HTTPException, OSError) as error:
        why = getattr(error, "reason", error)
        raise WebserviceException(f"Nothing answers at {address}: {why}.{advice}") from error


def _trusting(certificate: str) -> ssl.SSLContext:
    """What the system trusts, and the certificate that the endpoint was deployed with."""
    made = ssl.create_default_context()
    with suppress(OSError):  # it is on another machine, or may not be read: the system's have to do
        made.load_verify_locations(certificate)
    return made


def _body(data: Any) -> tuple[bytes, str]:
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data), "application/octet-stream"
    return (data if isinstance(data, str) else _text(data)).encode(), "application/json"


def _text(data: Any) -> str:
    try:
        return json.dumps(data, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise WebserviceException(
            f"input_data, of the type {type(data).__name__}, cannot be sent as JSON: {error}. Use text, bytes, or "
            "lists and dicts of numbers, text, arrays or data frames."
        ) from None


def _plain(value: Any) -> Any:
    """What JSON has no word for. Raises TypeError."""
    if _is_frame(value):
        return value.to_dict(orient="records")
    if callable(getattr(value, "tolist", None)):  # numpy's arrays and numbers, pandas' series and indexes
        return value.tolist()
    if callable(getattr(value, "isoformat", None)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return value.decode()
    if isinstance(value, (set, frozenset)):
        return list(value)
    raise TypeError(f"{type(value).__name__} is nothing that JSON has")


def _is_frame(value: Any) -> bool:
    return hasattr(value, "to_dict") and hasattr(value, "columns")


def _decoded(answer: HTTPResponse) -> Any:
    body = answer.read()
    if "json" not in answer.headers.get("Content-Type", ""):
        return body
    try:
        return json.loads(body)
    except ValueError:
        return body
