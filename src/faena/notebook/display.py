"""One output of a notebook, which can be replaced: the messages of IPython's display protocol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from faena.kernel import ids
from faena.notebook.still import html
from faena.notebook.views.blocks import View


def still(view: View, key: str = "", at: str = "") -> dict[str, Any]:
    """`key`: by which the live form finds it in a page. `at`: of when it is, where it goes on."""
    return {"text/plain": view.line, "text/html": html.page(view, key, at)}


elsewhere: Callable[[dict[str, Any], str, bool], None] | None = None
"""Shows a bundle under an id, or puts it in the place of what has that, where the notebook's kernel is not this
process but the one that it helps."""


class Display:
    """In the cell that runs when it is made."""

    def __init__(self) -> None:
        self.id = f"faena-{ids.new_request_id()}"

    def show(self, bundle: dict[str, Any]) -> None:
        if elsewhere is not None:
            elsewhere(bundle, self.id, False)
            return
        from IPython.display import display

        display(bundle, raw=True, display_id=self.id)  # type: ignore[no-untyped-call]  # it has no types

    def replace(self, bundle: dict[str, Any]) -> None:
        if elsewhere is not None:
            elsewhere(bundle, self.id, True)
            return
        from IPython.display import update_display

        update_display(bundle, raw=True, display_id=self.id)  # type: ignore[no-untyped-call]  # it has no types
