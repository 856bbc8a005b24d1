"""The id of a request, by which its lines in the logs are found: the client's, or a new one."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Mapping

from faena.scoring.exchange import Answer, Request
from faena.scoring.http.responses import refusal

LONGEST = 100
"""Characters, as with v1."""
_GIVEN = (b"x-request-id", b"x-ms-request-id")
"""v1's header, and the name that it had before."""
_CLIENT = b"x-ms-client-request-id"


class RequestIds:
    def __init__(self) -> None:
        self._prefix = str(uuid.uuid4())[:-12]
        """Of this process; what follows is counted, since a new random one costs more than the rest of a request."""
        self._numbers = itertools.count(1)

    def give(self, request: Request, found: Mapping[bytes, bytes]) -> Answer | None:
        """Set the request's id and the header lines that tell it; an answer refuses those that were given."""
        refused = None
        name = b""
        for header in _GIVEN:
            if header in found:
                name = found[header]
                if (refused := _refuse(header, name)) is not None:
                    name = b""
                break
        if not name:
            name = f"{self._prefix}{next(self._numbers):012x}".encode()
        request.request_id = name.decode()
        request.lines = b"x-request-id: %b\r\nx-ms-request-id: %b\r\n" % (name, name)
        if _CLIENT in found:
            client = found[_CLIENT]
            refused = refused or _refuse(_CLIENT, client)
            if refused is None:
                request.lines += b"x-ms-client-request-id: %b\r\n" % client
        return refused


def _refuse(header: bytes, value: bytes) -> Answer | None:
    if len(value) > LONGEST:
        return refusal(431, f"{header.decode()} has {len(value)} characters, and {LONGEST} is the most.")
    if not value or not value.isascii() or not value.decode().isprintable():
        return refusal(400, f"{header.decode()} is no id: use up to {LONGEST} printable ASCII characters.")
    return None
