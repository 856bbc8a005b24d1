"""What the gateway itself answers, and what it tells browsers with every answer."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from html import escape

import msgspec
from litestar.types import Message, Send

from faena.server.errors import ErrorBody
from faena.server.pages.browser_rights import PAGES

_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_DATA_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
_OF_MLFLOW = ("/api/", "/ajax-api/")
_MLFLOW_CODES = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED"}
_STYLE = (
    ":root{color-scheme:light dark}body{font:16px/1.6 system-ui,sans-serif;max-width:34rem;margin:18vh auto;"
    "padding:0 1.25rem}h1{font-size:1.25rem}code{font-family:ui-monospace,monospace}"
)
_STYLE_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_ANSWER_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'; frame-ancestors 'none'"


@dataclass(frozen=True, slots=True)
class Said:
    status: int
    code: str
    title: str
    message: str


UNKNOWN = Said(
    401,
    "AuthenticationException",
    "Sign in",
    "This page needs a sign-in. Run `faena ui` in the workspace's folder: it opens the page, signed in.",
)
WRONG_TOKEN = Said(
    401,
    "AuthenticationException",
    "Wrong token",
    "The token is not this workspace's: it is in `.faena/token` of the workspace's folder, once `faena ui` has opened "
    "its page.",
)
SPENT = Said(
    401,
    "AuthenticationException",
    "This link cannot be used any more",
    "A sign-in link works once, within a minute; a notebook's for an hour, for its own user. Run `faena ui` again, or "
    "the notebook's cell, for a new one.",
)
NOT_A_PAGES = Said(
    403,
    "AuthenticationException",
    "Refused",
    "A browser that is signed in does what the pages do, no more. Programs send the token in `.faena/token`.",
)
NOT_A_RUNS = Said(
    403,
    "AuthenticationException",
    "Refused",
    "The token of a run is good for what MLflow's clients ask of that run, no more. Programs send the token in "
    "`.faena/token`.",
)
FOREIGN = Said(
    403, "UserErrorException", "Refused", "Another site may not change anything in this workspace."
)
NOT_A_PAGES_ELSEWHERE = Said(
    403,
    "AuthenticationException",
    "Refused",
    "A browser that is signed in does what the pages do, no more. Programs send a token: `faena token new` makes one.",
)
SIGNED_IN = Said(200, "", "Signed in", "The page opens now.")
SIGNED_OUT = Said(200, "", "Signed out", "Run `faena ui` in the workspace's folder to sign in again.")


def wrong_address(host: str) -> Said:
    return Said(403, "UserErrorException", "Wrong address", f"This server answers at http://{host} only.")


async def answer(
    send: Send,
    said: Said,
    *,
    to_browser: bool,
    head: bool = False,
    go_on: str = "",
    more: dict[str, str] | None = None,
    path: str = "",
) -> None:
    """As a page to a browser, as an error to others. `go_on`: where a browser goes by itself."""
    if to_browser:
        kind = "text/html; charset=utf-8"
        body = _page(said, go_on)
    else:
        kind = "application/json"
        body = error_body(path, said.status, said.code, said.message)
    headers = {"content-type": kind, "cache-control": "no-store", **(more or {})}
    if said.status == 401:
        headers["www-authenticate"] = "Bearer"
    await respond(send, said.status, body, headers, head=head)


def error_body(path: str, status: int, code: str, message: str) -> bytes:
    """The error of our API; on MLflow's paths as its clients read it, which would show another one as theirs."""
    if path.startswith(_OF_MLFLOW) and status in _MLFLOW_CODES:
        return msgspec.json.encode({"error_code": _MLFLOW_CODES[status], "message": message})
    return msgspec.json.encode(ErrorBody(code, message))


async def respond(
    send: Send,
    status: int,
    body: bytes,
    headers: dict[str, str],
    *,
    head: bool = False,
    policy: str = _ANSWER_POLICY,
    has_form: bool = False,
) -> None:
    sent = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    sent += [(b"content-length", str(len(body)).encode()), *_security(policy, _referrer(has_form))]
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": b"" if head else body, "more_body": False})


def secured(send: Send, path: str) -> Send:
    """Adds what tells a browser to run nothing but our own scripts, and to show nothing of ours elsewhere."""
    is_page = path.startswith(PAGES)
    policy = _PAGE_POLICY if is_page else _DATA_POLICY
    referrer = _referrer(is_page)

    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *_security(policy, referrer)]
        await send(message)

    return add


def _referrer(has_form: bool) -> str:
    """A form of a page must say that it comes from there, which a browser that may tell nobody says to nobody."""
    return "same-origin" if has_form else "no-referrer"


def _page(said: Said, go_on: str) -> bytes:
    text = escape(said.message).split("`")
    shown = "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(text))
    refresh = f'<meta http-equiv="refresh" content="0; url={escape(go_on)}">' if go_on else ""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width">{refresh}<title>{escape(said.title)}</title><style>{_STYLE}</style>'
        f"<h1>{escape(said.title)}</h1><p>{shown}</p></html>\n"
    ).encode()


@cache
def _security(policy: str, referrer: str = "no-referrer") -> tuple[tuple[bytes, bytes], ...]:
    headers = {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": referrer,
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
    return tuple((name.encode(), value.encode()) for name, value in headers.items())
