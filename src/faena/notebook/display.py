"""One output of a notebook, which can be replaced: the messages of IPython's display protocol."""

from __future__ import annotations

from typing import Any

from faena.kernel import ids
from faena.notebook.still import html
from faena.notebook.views.blocks import View

WIDGET = "application/vnd.jupyter.widget-view+json"


def still(view: View) -> dict[str, Any]:
    return {"text/plain": view.line, "text/html": html.page(view)}


def with_widget(view: View, model_id: str) -> dict[str, Any]:
    """For a page that shows widgets; other readers take the still form."""
    reference = {"version_major": 2, "version_minor": 1, "model_id": model_id}
    return {**still(view), WIDGET: reference}


class Display:
    """In the cell that runs when it is made."""

    def __init__(self) -> None:
        self.id = f"faena-{ids.new_request_id()}"

    def show(self, bundle: dict[str, Any]) -> None:
        from IPython.display import display

        display(bundle, raw=True, display_id=self.id)  # type: ignore[no-untyped-call]  # it has no types

    def replace(self, bundle: dict[str, Any]) -> None:
        from IPython.display import update_display

        update_display(bundle, raw=True, display_id=self.id)  # type: ignore[no-untyped-call]  # it has no types
