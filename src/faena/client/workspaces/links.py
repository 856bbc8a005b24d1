"""Addresses that open where they are shown. A notebook's page opens no file, but what the workspace's server serves."""

from __future__ import annotations

import os
import sys
from functools import cached_property
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from faena.client.workspaces.session import Session
from faena.kernel.errors import FaenaError


def in_notebook() -> bool:
    """Whether a Jupyter kernel shows what this process prints; a run's own notebook is read later and elsewhere."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None and "FAENA_RUN_ID" not in os.environ


def to_page(session: Session, path: str) -> str | None:
    """The address of the page at `path` for whoever clicks in a notebook; None elsewhere, and where none can be had.

    It signs in the server's own user on this host, for an hour. To others that read the notebook it is worth nothing.
    """
    if not in_notebook():
        return None
    try:
        return session.api.gateway.link(path)
    except FaenaError:
        return None


def of_endpoint(session: Session, name: str) -> str | None:
    """The address of the endpoint's page on the workspace's server; None where no browser can be let in."""
    path = f"/ui/endpoints/{quote(name, safe='')}"
    return f"{session.url}{path}" if session.url else to_page(session, path)


class Pages:
    """Addresses of several pages by one link: what an output shows together."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def address(self, *parts: str, **query: str) -> str | None:
        """Of the page whose address has these parts below `/ui`; None where it cannot be opened."""
        path = "/ui/" + "/".join(quote(part, safe="") for part in parts)
        path += f"?{urlencode(query)}" if query else ""
        if self._session.url:
            return f"{self._session.url}{path}"
        return None if self._base is None else to_other_page(self._base, path)

    @cached_property
    def _base(self) -> str | None:
        return to_page(self._session, "/ui/runs")


def to_other_page(link: str, path: str) -> str:
    """A link that signs in, to another page."""
    parts = urlsplit(link)
    given = [(name, path if name == "to" else value) for name, value in parse_qsl(parts.query)]
    return urlunsplit(parts._replace(query=urlencode(given)))
