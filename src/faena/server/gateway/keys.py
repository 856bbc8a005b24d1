"""Who may pass the gateway: codes and links for signing in, sessions of browsers, the token of other clients.

All are kept as digests: nobody who reads the server's memory, or the file that brings sessions to the next one, finds
one that could be used. Codes and links end with the server.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from faena.kernel.clock import Clock
from faena.kernel.errors import WorkspaceException
from faena.mlflow.run_tokens import RunOfToken, RunTokens
from faena.server.gateway.sessions import Session

CODE_SECONDS = 60.0
"""For which a code can be used, once."""
LINK_SECONDS = 3600.0
"""For which a link can be used, as often as its user likes."""
SESSION_SECONDS = 30 * 86400.0
_MOST = 1000
"""Codes, links or sessions that are kept; the oldest go first."""


class Keys:
    """Belongs to one event loop. `token`: what clients that are not browsers send."""

    def __init__(self, clock: Clock, token: str, sessions: Mapping[str, Session]) -> None:
        """`sessions`: of an earlier server, by their digests."""
        self._clock = clock
        self._token = _digest(token)
        self.runs = RunTokens(token)
        self._codes: dict[str, float] = {}
        self._when_used: dict[str, Callable[[], None]] = {}
        self._links: dict[str, float] = {}
        self._sessions = dict(sessions)

    def new_code(self, when_used: Callable[[], None] | None = None) -> str:
        """A code that signs one browser in, within `CODE_SECONDS`."""
        code = self._issue(self._codes, CODE_SECONDS)
        if when_used is not None:
            self._when_used[_digest(code)] = when_used
        return code

    def new_link(self) -> str:
        """What signs in browsers of the server's own user, and nobody else, within `LINK_SECONDS`."""
        return self._issue(self._links, LINK_SECONDS)

    def redeem(self, code: str) -> bool:
        """Whether the code was not used and has not expired; it cannot be used again."""
        until = self._codes.pop(_digest(code), None)
        if used := self._when_used.pop(_digest(code), None):
            used()
        return until is not None and self._clock.monotonic() < until

    def new_session(self, *, own: bool) -> str:
        """`own`: begun by a process of the server's own user."""
        secret = secrets.token_urlsafe(32)
        self._sessions[_digest(secret)] = Session(self._clock.now() + int(SESSION_SECONDS * 1e6), own)
        _shorten(self._sessions)
        return secret

    def is_link(self, link: str) -> bool:
        return self._is_known(self._links, link)

    def session(self, session: str) -> Session | None:
        found = self._sessions.get(_digest(session))
        return found if found is not None and self._clock.now() < found.until else None

    @property
    def sessions(self) -> dict[str, Session]:
        """By digest."""
        return dict(self._sessions)

    def is_token(self, token: str) -> bool:
        return hmac.compare_digest(_digest(token), self._token)

    def run_of(self, token: str) -> RunOfToken | None:
        """Whose token it is, where it is that of a run."""
        return self.runs.read(token)

    def end_session(self, session: str) -> None:
        self._sessions.pop(_digest(session), None)

    def has_links(self) -> bool:
        """Whether somebody may still click one."""
        return any(self._clock.monotonic() < until for until in self._links.values())

    def _issue(self, kept: dict[str, float], seconds: float) -> str:
        secret = secrets.token_urlsafe(32)
        kept[_digest(secret)] = self._clock.monotonic() + seconds
        _shorten(kept)
        return secret

    def _is_known(self, kept: dict[str, float], secret: str) -> bool:
        until = kept.get(_digest(secret))
        return until is not None and self._clock.monotonic() < until


def _shorten(kept: dict[str, Any]) -> None:
    while len(kept) > _MOST:
        del kept[next(iter(kept))]


def _digest(secret: str) -> str:
    """Found by digest, a secret cannot be guessed letter by letter from how long the search takes."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def read_token(path: Path) -> str:
    """The token in a file of mode 0600, which is made when there is none.

    Raises WorkspaceException when others can read the file, or it cannot be made.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return _existing(path)
    except OSError as error:
        raise WorkspaceException(f"The token file {path} cannot be made: {error.strerror}.") from error
    with os.fdopen(descriptor, "w") as file:
        token = secrets.token_urlsafe(32)
        file.write(f"{token}\n")
    return token


def _existing(path: Path) -> str:
    try:
        mode, token = path.stat().st_mode, path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WorkspaceException(f"The token file {path} cannot be read: {error}. Remove it.") from error
    if mode & 0o077 or len(token) < 32:
        raise WorkspaceException(
            f"The token file {path} can be read by others, or holds no token. Remove it: the next `faena ui` makes "
            "a new one."
        )
    return token
