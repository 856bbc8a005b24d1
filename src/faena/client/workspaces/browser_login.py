"""Logging in at a shared server by a browser: we make a token, and our user lets the server know of it there."""

from __future__ import annotations

import getpass
import os
import socket
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from msgspec import Struct

from faena.client.workspaces.opened import OpenedWorkspace
from faena.kernel.errors import AuthenticationException, ServerUnreachable, UserErrorException
from faena.kernel.hidden import hiding
from faena.kernel.remote_server import greeted
from faena.people import program_login
from faena.people.model import digest, new_token
from faena.people.program_login import Asked
from faena.people.schemas import Me

_BETWEEN = 1.5
"""Seconds between looks whether the token is good."""


class BrowserLogin(Struct, frozen=True):
    url: str
    token: str
    """Good for nothing until somebody has let it in."""
    ca: str
    asked: Asked

    __repr__ = hiding("token")

    @property
    def address(self) -> str:
        """The page to open. Whoever sees it has no token, and cannot take this one."""
        return program_login.address(self.url, self.asked)

    @property
    def code(self) -> str:
        """What is typed there."""
        return self.asked.code

    def wait(self, pause: Callable[[float], None] = time.sleep) -> Me:
        """Until somebody who is signed in there has let the token in, for ten minutes at most.

        A server that does not answer meanwhile is waited for. Raises UserErrorException when the time is up.
        """
        opened = OpenedWorkspace.connect(self.url, self.token, ca=self.ca or None)
        ends = time.monotonic() + program_login.GOOD_FOR
        with closing(opened.api.transport):
            while time.monotonic() < ends:
                try:
                    return opened.api.people.me()
                except (AuthenticationException, ServerUnreachable):
                    pause(_BETWEEN)
        raise UserErrorException(
            f"Nobody let faena in at {self.url} within 10 minutes. Run faena login again, and type the code it shows."
        )


def begin(url: str, ca: str | os.PathLike[str] | None = None) -> BrowserLogin:
    """Ask to log in at the server at `url`, by TLS. `ca`: a file of certificates to trust in place of the system's.

    Where neither vouches for the server's certificate it is trusted if the page that the browser opens, which is told
    of it, is that server's. Raises ServerUnreachable, and UserErrorException for what is no such address.
    """
    if not url.startswith("https://"):
        raise UserErrorException(f"{url[:200]!a} is no address of a shared server: it begins with https://.")
    authorities = Path(ca).expanduser().absolute() if ca else None
    fingerprint, now = greeted(url, authorities)
    token = new_token(fingerprint)
    until = int(now) + program_login.GOOD_FOR
    asked = Asked(digest(token), f"faena of {_user()} on {socket.gethostname()}", fingerprint, until)
    return BrowserLogin(url.rstrip("/"), token, str(authorities or ""), asked)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # of no name, as in some containers
        return str(os.getuid())
