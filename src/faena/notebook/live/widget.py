"""The live form: an anywidget, which is sent what changed and draws in the place of the still form that has its key.

Whether a page shows widgets is not known before one says so: nbclient and papermill take what a widget says and show
nothing. It is displayed nowhere: a page runs its script when it hears of it, and the script looks for the still form.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from faena.kernel import ids
from faena.notebook.live.increments import changes
from faena.notebook.showing import Widget
from faena.notebook.still.html import style
from faena.notebook.views.blocks import View


class LiveWidget(Widget):
    """`changed`: called when a page comes or goes."""

    def __init__(self, view: View, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._lock = threading.Lock()
        self._sent = view
        self._number = 0
        self._pages: set[str] = set()
        self._is_heard = False
        self._key = ids.new_request_id()
        self._made = load()(key=self._key, view=_whole(view, 0))
        self._made.on_msg(self._heard)
        hear_every_page(self._made.comm)

    @property
    def key(self) -> str:
        return self._key

    def is_shown(self) -> bool:
        return bool(self._pages)

    def send(self, view: View, *, last: bool = False) -> None:
        if not self._is_heard:
            return
        with self._lock:
            found = changes(self._sent, view)
            self._sent = view
            if found == [] and not last:
                return
            self._number += 1
            if found is None or last:
                self._made.view = _whole(view, self._number, last)
            else:
                self._made.send({"number": self._number, "changes": found})

    def _heard(self, _widget: object, content: Any, _buffers: object) -> None:
        """From a page, on a thread of the kernel's."""
        said, page = (
            (content.get("said"), str(content.get("page"))) if isinstance(content, dict) else ("", "")
        )
        if said == "shown":
            self._pages.add(page)
        elif said == "hidden":
            self._pages.discard(page)
        if said in ("here", "behind"):
            with self._lock:
                self._is_heard = True
                self._number += 1
                self._made.view = _whole(self._sent, self._number)
        self._changed()


def hear_every_page(comm: Any) -> None:
    """ipykernel 7.4 hands what pages say to the subshell of whoever the kernel heard of last: once that page is gone
    it refuses all that others say. Each page's words go where it sends them instead.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda _data, asked: asked


def _whole(view: View, number: int, last: bool = False) -> dict[str, Any]:
    return {"number": number, "blocks": msgspec.to_builtins(view.blocks), "ended": view.ended or last}


@cache
def load() -> Any:
    """The kind of widget, made when it is first needed: anywidget takes 70 ms to load.

    Raises ImportError where it is not installed.
    """
    import anywidget
    import traitlets

    class FaenaView(anywidget.AnyWidget):
        _esm = files("faena.notebook.live").joinpath("view.js").read_text("utf-8")
        _css = style()
        key = traitlets.Unicode().tag(sync=True)
        view = traitlets.Dict().tag(sync=True)

    return FaenaView
