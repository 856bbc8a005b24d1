"""Somebody's browser on its way to an issuer and back."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.people.issuer import Issuer
from tests.people.shared import Caller, Shared
from tests.server.house import Answer

BEGIN, BACK = "/sign-in/issuer", "/sign-in/callback"


class Visit:
    """A browser of somebody who has an account at the issuer."""

    def __init__(self, shared: Shared, issuer: Issuer | None = None) -> None:
        self._issuer = issuer
        self.caller: Caller = shared.stranger()
        self.cookies: dict[str, str] = {}

    @property
    def issuer(self) -> Issuer:
        assert self._issuer is not None, "the one in this process"
        return self._issuer

    def get(self, path: str) -> Answer:
        cookies = self._cookies()
        answer = self.caller.ask("GET", path, Accept="text/html", **({"Cookie": cookies} if cookies else {}))
        if "set-cookie" in answer.headers:
            name, _, value = answer.cookie.partition("=")
            self.cookies[name] = value
        return answer

    def send(self, path: str, **form: str) -> Answer:
        """A form of a page."""
        shown = {"Cookie": self._cookies(), "Origin": self.caller.url, "Accept": "text/html"}
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.caller.ask("POST", path, urlencode(form).encode(), **shown, **kind)

    def _cookies(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def begin(self, to: str = "/ui/models?text=a") -> dict[str, str]:
        """What the issuer is asked."""
        answer = self.get(f"{BEGIN}?{urlencode({'to': to})}")
        assert answer.status == 303, answer.text
        assert answer.headers["location"].startswith(f"{self.issuer.url}/authorize?tenant=1&")
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    def come_back(self, **came: str) -> Answer:
        return self.get(f"{BACK}?{urlencode(came)}")

    def sign_in(self, to: str = "/ui/models?text=a") -> Answer:
        asked = self.begin(to)
        return self.come_back(code=self.issuer.code(asked), state=asked["state"])


def refused(answer: Answer) -> str:
    """What the sign-in page says, which is shown again."""
    assert answer.status in (401, 503), answer.status
    assert "Sign in to test" in answer.text
    return answer.text.partition('role="alert">')[2].partition("</p>")[0].replace("&#x27;", "'")
