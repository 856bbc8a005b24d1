"""An error as a page, where a person looks: a browser that goes to an address below `PAGES`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.datastructures import State

from faena.server.errors import ErrorBody
from faena.server.pages.browser_rights import PAGES
from faena.server.pages.rendering import page, render
from faena.workspaces.model import WorkspaceFolder

Answer = Callable[[Request[None, None, State], Any], Response[Any]]


def as_page(answer: Answer, folder: Callable[[], WorkspaceFolder]) -> Answer:
    """`answer`: gives the error of our API, which all others get."""

    def shown(request: Request[None, None, State], error: Any) -> Response[Any]:
        found = answer(request, error)
        if not request.url.path.startswith(PAGES) or "text/html" not in request.headers.get("accept", ""):
            return found
        said = msgspec.json.decode(found.content, type=ErrorBody)
        now = folder()
        title = "Nothing here" if found.status_code == 404 else "That did not work"
        text = render(
            "failure.html",
            title=title,
            message=said.message,
            workspace=now.name,
            place=now.path.parent,
            here="",
        )
        return page(text, found.status_code or 500)

    return shown
