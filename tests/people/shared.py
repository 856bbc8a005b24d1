"""A shared server in this process, and people who ask it by TLS."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from faena.client.api import ServerApi
from faena.client.workspaces import logins
from faena.people.model import Role
from faena.people.schemas import TokenIn
from faena.people.settings import Settings
from faena.server.team.listener import owner_token
from faena.testing.clock import ManualClock
from tests.server.house import Answer, Running

OWNER = "ada"


def connected(url: str) -> http.client.HTTPSConnection:
    parts = urlsplit(url)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection(str(parts.hostname), parts.port, context=context, timeout=60)


class Stream:
    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self._answer = answer

    def next(self) -> bytes:
        return self._answer.readline()

    def ends(self) -> bool:
        """Reads to its end, or to where it broke off."""
        with suppress(http.client.IncompleteRead, ConnectionError):
            self._answer.read()
        return True


class Caller:
    """Whoever asks with `token`, over one connection."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token
        self._connection = connected(url)
        self.api = ServerApi(logins.address(url, token or "none"))

    def close(self) -> None:
        self._connection.close()
        self.api.transport.close()

    def ask(self, verb: str, path: str, body: Any = None, **headers: str) -> Answer:
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        shown = {"Content-Type": "application/json"}
        if self.token:
            shown["Authorization"] = f"Bearer {self.token}"
        try:
            self._connection.request(verb, path, data, {**shown, **headers})
            answer = self._connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        except http.client.HTTPException:
            self._connection.close()
            raise

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def begin(self, verb: str, path: str, body: Any) -> Callable[[], Answer]:
        """All but the last byte of a request is sent; what is returned sends that."""
        data = json.dumps(body).encode()
        asking = connected(self.url)
        asking.putrequest(verb, path)
        for name, value in (("Content-Type", "application/json"), ("Content-Length", str(len(data)))):
            asking.putheader(name, value)
        asking.putheader("Authorization", f"Bearer {self.token}")
        asking.endheaders(data[:-1])

        def go_on() -> Answer:
            with closing(asking):
                asking.send(data[-1:])
                answer = asking.getresponse()
                found = {name.lower(): value for name, value in answer.getheaders()}
                return Answer(answer.status, found, answer.read())

        return go_on


class Browser:
    """That of somebody elsewhere, signed in where it has a cookie."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self.origin = caller.url
        self.cookie = ""

    def sign_in(self, token: str, to: str = "") -> Answer:
        answer = self.send("/sign-in", token=token, to=to)
        if "set-cookie" in answer.headers:
            self.cookie = answer.cookie
        return answer

    def get(self, path: str) -> Answer:
        return self._caller.ask("GET", path, **self._headers())

    def send(self, path: str, **form: str) -> Answer:
        """A form, or what a button asks for."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        shown = {**self._headers(), **({"Origin": self.origin} if self.origin else {}), **kind}
        return self._caller.ask("POST", path, urlencode(form).encode(), **shown)

    def _headers(self) -> dict[str, str]:
        return {"Accept": "text/html", **({"Cookie": self.cookie} if self.cookie else {})}


class Shared:
    def __init__(self, server: Running, clock: ManualClock) -> None:
        self.server = server
        self.clock = clock
        server.do(server.house.team.open(server.app))
        self.url = server.house.team.url
        self._callers: list[Caller] = []
        self.owner = self.stranger(owner_token(server.house.folder.path).read_text().strip())

    def close(self) -> None:
        for caller in self._callers:
            caller.close()

    @staticmethod
    def settings() -> Settings:
        return Settings(port=0, owner=OWNER)

    def person(self, name: str, role: Role) -> Caller:
        """Somebody new, or in a new role."""
        self.owner.api.people.put(name, role)
        return self.caller(name)

    def caller(self, name: str, asked: TokenIn | None = None) -> Caller:
        """With a new token."""
        return self.stranger(self.owner.api.people.new_token(name, asked or TokenIn()).token)

    @contextmanager
    def streaming(self, caller: Caller, path: str) -> Iterator[Stream]:
        """An answer that comes in parts."""
        connection = connected(self.url)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {caller.token}"})
            answer = connection.getresponse()
            assert answer.status == 200
            yield Stream(answer)
        finally:
            connection.close()

    def browser(self, token: str = "") -> Browser:
        """Signed in, where there is a token."""
        made = Browser(self.stranger())
        if token:
            assert made.sign_in(token).status == 303
        return made

    def stranger(self, token: str = "") -> Caller:
        made = Caller(self.url, token)
        self._callers.append(made)
        return made


@dataclass(frozen=True)
class Denied:
    """What somebody is told who may not."""

    status: int
    code: str

    @classmethod
    def of(cls, answer: Answer) -> Denied:
        return cls(answer.status, answer.json["code"])


UNKNOWN = Denied(401, "AuthenticationException")
NOT_ALLOWED = Denied(403, "NotAllowed")
