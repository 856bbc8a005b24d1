"""An issuer of OpenID Connect in this process: right at first, then wrong in what a test wants."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "faena", "s3cret & more"


@cache
def key(name: str) -> rsa.RSAPrivateKey:
    """The same one for each name: to make one takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def jwk(name: str, **more: str) -> dict[str, Any]:
    """Its public half."""
    made = jwt.algorithms.RSAAlgorithm.to_jwk(key(name).public_key(), as_dict=True)
    return {**made, "kid": name, "use": "sig", **more}


@dataclass
class Issuer:
    url: str = ""
    person: dict[str, Any] = field(
        default_factory=lambda: {"sub": "1", "email": "bob@example.org", "email_verified": True}
    )
    """What it knows of whoever signs in."""
    changes: dict[str, Any] = field(default_factory=dict)
    """What its ID tokens say in the place of what is right; None: nothing."""
    description: dict[str, Any] = field(default_factory=dict)
    """Likewise, of what it says of itself."""
    keys: list[dict[str, Any]] = field(default_factory=lambda: [jwk("first")])
    signing: str = "first"
    sign: Callable[[dict[str, Any]], str] | None = None
    answer: Callable[[BaseHTTPRequestHandler], bool] = lambda _: False
    """Answers a request in its place, if it is one that is meant."""
    asked: list[str] = field(default_factory=list)
    in_token: bool = True
    """Whether its ID tokens say more than whose they are."""
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def reset(self) -> None:
        fresh = Issuer(self.url)
        vars(self).update({**vars(fresh), "_codes": self._codes})

    def code(self, asked: dict[str, str]) -> str:
        """For whoever signs in by what a browser was sent with."""
        assert asked["response_type"] == "code" and asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        made = secrets.token_hex(8)
        self._codes[made] = asked
        return made

    def token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce}
        claims |= self.person if self.in_token else {"sub": self.person["sub"]}
        claims = {name: value for name, value in {**claims, **self.changes}.items() if value is not None}
        if self.sign is not None:
            return self.sign(claims)
        return jwt.encode(claims, key(self.signing), "RS256", headers={"kid": self.signing})

    def redeem(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """None: the code is good for nothing."""
        asked = self._codes.pop(form["code"], None)
        challenge = (
            urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        )
        if (
            asked is None
            or asked["code_challenge"] != challenge
            or asked["redirect_uri"] != form["redirect_uri"]
        ):
            return None
        assert authorization.startswith("Basic ")
        return {"id_token": self.token(asked["nonce"]), "access_token": "a", "token_type": "Bearer"}


@contextmanager
def issuing() -> Iterator[Issuer]:
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            issuer.asked.append(path)
            if issuer.answer(self):
                return
            if path == "/.well-known/openid-configuration":
                said = {
                    "issuer": issuer.url,
                    "authorization_endpoint": f"{issuer.url}/authorize?tenant=1",
                    "token_endpoint": f"{issuer.url}/token",
                    "jwks_uri": f"{issuer.url}/keys",
                    "userinfo_endpoint": f"{issuer.url}/userinfo",
                }
                send(self, 200, {**said, **issuer.description})
            elif path == "/keys":
                send(self, 200, {"keys": issuer.keys})
            elif path == "/userinfo":
                send(self, 200, issuer.person)
            else:
                send(self, 404, {})

        def do_POST(self) -> None:
            issuer.asked.append(self.path)
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            if issuer.answer(self):
                return
            shown = {name: values[0] for name, values in form.items()}
            found = issuer.redeem(shown, self.headers.get("Authorization", ""))
            send(self, 400, {"error": "invalid_grant"}) if found is None else send(self, 200, found)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def send(handler: BaseHTTPRequestHandler, status: int, said: object) -> None:
    body = json.dumps(said).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
