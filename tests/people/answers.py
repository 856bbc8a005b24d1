"""What an issuer may answer that is none of its answers; each has `is_meant`'s form in tests/people/issuer.py."""

from __future__ import annotations

from contextlib import suppress
from http.server import BaseHTTPRequestHandler

from tests.people.issuer import send


def endless(handler: BaseHTTPRequestHandler) -> bool:
    handler.send_response(200)
    handler.end_headers()
    with suppress(OSError):
        while True:
            handler.wfile.write(b" " * 10_000)
    return True


def silence(handler: BaseHTTPRequestHandler) -> bool:
    handler.connection.recv(1)  # until the other side has enough of it
    return True


def elsewhere(handler: BaseHTTPRequestHandler) -> bool:
    handler.send_response(302)
    handler.send_header("Location", "http://127.0.0.1:9/")
    handler.send_header("Content-Length", "0")
    handler.end_headers()
    return True


def fifty_megabytes(handler: BaseHTTPRequestHandler) -> bool:
    handler.send_response(200)
    handler.send_header("Content-Length", str(50 << 20))
    handler.end_headers()
    with suppress(OSError):
        for _ in range(50):
            handler.wfile.write(b'"' * (1 << 20))
    return True


def half(handler: BaseHTTPRequestHandler) -> bool:
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b"{}")
    return True


def nested(handler: BaseHTTPRequestHandler) -> bool:
    body = b"[" * 100_000
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
    return True


def other_json(handler: BaseHTTPRequestHandler) -> bool:
    send(handler, 200, {"keys": 1, "id_token": None, "issuer": []})
    return True


def broken(handler: BaseHTTPRequestHandler) -> bool:
    send(handler, 500, {"error": "<b>"})
    return True


ALL = (endless, silence, elsewhere, fifty_megabytes, half, nested, other_json, broken)
