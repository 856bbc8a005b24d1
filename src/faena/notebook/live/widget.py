"""The live form: an anywidget, which a page draws and which is sent what changed.

Whether a page shows widgets is not known before one says so: nbclient and papermill take what a widget says and show
nothing. The widget is made first and displayed when its script, running in a page, has said that it is there.
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
        self._is_wanted = False
        self._made = load()(key=ids.new_request_id(), view=_whole(view, 0))
        self._made.on_msg(self._heard)

    @property
    def model_id(self) -> str:
        return str(self._made.model_id)

    def is_shown(self) -> bool:
        return self._is_wanted

    def send(self, view: View) -> None:
        with self._lock:
            found = changes(self._sent, view)
            self._sent = view
            if found == []:
                return
            self._number += 1
            if found is None:
                self._made.view = _whole(view, self._number)
            else:
                self._made.send({"number": self._number, "changes": found})

    def close(self) -> None:
        self._made.close()

    def _heard(self, _widget: object, content: Any, _buffers: object) -> None:
        """From a page, on a thread of the kernel's."""
        said, page = (
            (content.get("said"), str(content.get("page"))) if isinstance(content, dict) else ("", "")
        )
        if said == "here":
            self._is_wanted = True
        elif said == "shown":
            self._pages.add(page)
            self._is_wanted = True
        elif said == "hidden":
            self._pages.discard(page)
            self._is_wanted = bool(self._pages)
        if said in ("here", "shown", "behind"):
            with self._lock:
                self._number += 1
                self._made.view = _whole(self._sent, self._number)
        self._changed()


def _whole(view: View, number: int) -> dict[str, Any]:
    return {"number": number, "blocks": msgspec.to_builtins(view.blocks), "ended": view.ended}


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
