"""Addresses of pages that stay good while something is shown: a link signs in for an hour."""

from __future__ import annotations

import time
from urllib.parse import quote

from faena.client.api import ServerApi
from faena.client.workspaces import links
from faena.client.workspaces.session import Session
from faena.kernel.errors import FaenaError

_GOOD_FOR = 45 * 60.0


class Page:
    """`path`: on the server, such as `/ui/runs/mnist_1`."""

    def __init__(self, session: Session, api: ServerApi, *parts: str) -> None:
        """`api`: one that does not wait for long."""
        self._session = session
        self._api = api
        self._path = "/ui/" + "/".join(quote(part, safe="") for part in parts)
        self._address = ""
        self._until = 0.0

    def address(self) -> str:
        """Empty where none can be had: outside notebooks, and while the server is away."""
        if self._session.url:
            return f"{self._session.url}{self._path}"
        if time.monotonic() >= self._until:
            self._address = self._link() if links.in_notebook() else ""
            self._until = time.monotonic() + (_GOOD_FOR if self._address else 30.0)
        return self._address

    def below(self, *parts: str) -> str:
        """The address of one below it, by the same link; empty where there is none."""
        page = self.address()
        if not page:
            return ""
        path = "/".join([self._path, *(quote(part, safe="") for part in parts)])
        return f"{self._session.url}{path}" if self._session.url else links.to_other_page(page, path)

    def _link(self) -> str:
        try:
            return self._api.gateway.link(self._path)
        except FaenaError:
            return ""
