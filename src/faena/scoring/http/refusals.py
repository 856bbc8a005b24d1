"""Why a connection's request is refused: each answer names the limit, or what was sent."""

from __future__ import annotations

from faena.scoring.exchange import Answer
from faena.scoring.http.bounds import Bounds
from faena.scoring.http.responses import refusal

CONNECT = refusal(405, "This is no proxy: CONNECT is not served.")
AUTHORIZATIONS = refusal(400, "The request has several Authorization headers. Send one.")
INTERNAL = refusal(500, "The endpoint could not read the request. Its log tells why.")
LEFT = Answer(499, b"")
"""The client has closed its connection before anybody worked on its request; nobody is sent this."""
_AGAIN = ((b"retry-after", b"1"),)


def head_too_large(most: int) -> Answer:
    return refusal(431, f"The request line and headers have more than {most} bytes (limits.header_bytes).")


def too_many_headers(most: int) -> Answer:
    return refusal(431, f"The request has more than {most} headers.")


def body_too_large(most: int) -> Answer:
    return refusal(413, f"The body has more than {most} bytes (max_body_bytes). Send less at once.")


def bodies_too_large(most: int) -> Answer:
    return refusal(503, f"The bodies that are sent and answered now have {most} bytes together.", _AGAIN)


def too_much_framing(most: int) -> Answer:
    return refusal(431, f"The extensions and trailers of the body's chunks have more than {2 * most} bytes.")


def head_too_late(seconds: float) -> Answer:
    return refusal(408, f"The request's headers did not end within {seconds:g} s (limits.head_s).")


def body_too_late(bounds: Bounds) -> Answer:
    return refusal(
        408,
        f"Of the body, {bounds.progress_bytes} bytes or its end did not come within {bounds.body_seconds:g} s "
        "(limits.body_s).",
    )


def too_many_connections(most: int) -> Answer:
    return refusal(
        503, f"The endpoint has {most} connections, which is all it takes (limits.connections).", _AGAIN
    )


def malformed(reason: str) -> Answer:
    return refusal(400, f"What was sent is no HTTP/1.1 request: {reason}.")


def version(given: str) -> Answer:
    return refusal(505, f"HTTP/{given} is not served. Use HTTP/1.1.")


def hosts(count: int) -> Answer:
    return refusal(400, f"The request has {count} Host headers. Send one.")


def encoding(value: bytes) -> Answer:
    return refusal(501, f"Transfer-Encoding {_shown(value)} is not served. Use chunked.")


def expectation(value: bytes) -> Answer:
    return refusal(417, f"Expect: {_shown(value)} cannot be met. Use 100-continue, or nothing.")


def _shown(value: bytes) -> str:
    return ascii(value[:80].decode("latin-1"))
