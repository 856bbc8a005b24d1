"""Addresses that open where they are shown. A notebook's page opens no file, but what the workspace's server serves."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from html import escape
from urllib.parse import quote

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


def anchor(address: str) -> str:
    """HTML of a link to a page of ours, for a notebook."""
    shown = "open, as of now" if address.startswith("file:") else "open"
    return f'<a href="{escape(address)}" target="_blank" rel="noopener">{shown}</a>'


def table(cells: Mapping[str, str]) -> str:
    """A row of HTML `cells` under their names, for a notebook."""
    head = "".join(f"<th>{escape(name)}</th>" for name in cells)
    return f"<table><tr>{head}</tr><tr>{''.join(f'<td>{cell}</td>' for cell in cells.values())}</tr></table>"
