"""A page that a browser is handed as a file, and that signs it in: a process's arguments can be read by everybody."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from html import escape
from pathlib import Path

from faena.kernel.discovery import Rendezvous
from faena.kernel.errors import WorkspaceException

_PREFIX = "sign-in-"


@dataclass(frozen=True, slots=True)
class HandedPage:
    """One file of mode 0600. It goes when it was used, or its time is over."""

    path: Path

    def write(self, url: str) -> None:
        """Make it go to `url`. Raises WorkspaceException."""
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(_page(url))
        except OSError as error:
            raise WorkspaceException(
                f"The page that signs a browser in cannot be written to {self.path}: {error.strerror}. "
                "Use `faena ui --no-browser`."
            ) from error

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


class HandedPages:
    """Of one workspace, in its folder among sockets and locks, which is private."""

    def __init__(self, rendezvous: Rendezvous) -> None:
        self._rendezvous = rendezvous

    def new(self) -> HandedPage:
        return HandedPage(self._rendezvous.nodes / f"{_PREFIX}{secrets.token_hex(8)}.html")

    def clear(self) -> None:
        """Remove what is there: of a gateway that was shut, or of a server that was killed."""
        for path in self._rendezvous.nodes.glob(f"{_PREFIX}*.html"):
            path.unlink(missing_ok=True)


def _page(url: str) -> str:
    address = escape(url)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
        f'<meta http-equiv="refresh" content="0; url={address}"><title>Sign in</title>'
        f'<p><a href="{address}">Sign in</a></p></html>\n'
    )
