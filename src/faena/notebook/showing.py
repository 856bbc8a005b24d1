"""A display that follows what it shows, until that is over: a thread that follows, and one that draws."""

from __future__ import annotations

import contextlib
import contextvars
import threading
import time
from collections.abc import Callable
from typing import Any

from faena.kernel.errors import FaenaError
from faena.notebook import open_views
from faena.notebook.display import Display, still
from faena.notebook.views.blocks import View
from faena.notebook.views.leaving import left, now
from faena.notebook.watching.contract import Watch

LEAST_PAUSE = 0.15
"""Seconds between two looks at least: points come every half second."""
_SHARE = 0.006
"""Of a core, for looking and drawing."""
_MOST_PAUSE = 5.0
_TICK = 5.0
"""Seconds after which what takes time is shown to take it, where nothing happens."""
_LAST_WORD = 6.0
"""Seconds that the end of a cell waits for the last state of what has ended."""
_RENEWAL = 15.0
"""Seconds after which the still form behind a live one, which is what the notebook's file has, is renewed."""


class Widget:
    """The live form, as a display needs it."""

    @property
    def key(self) -> str:
        """Of the still form whose place it takes."""
        raise NotImplementedError

    def is_shown(self) -> bool:
        """Whether a page shows it, as far as pages have told."""
        raise NotImplementedError

    def send(self, view: View, *, last: bool = False) -> None:
        """`last`: nothing comes after it. Pages that have not said that they are there are sent nothing."""
        raise NotImplementedError


class Showing:
    """`widget`: makes the live form, which calls what it is given when a page comes or goes; None: still throughout."""

    def __init__(
        self, watch: Watch, widget: Callable[[View, Callable[[], None]], Widget] | None = None
    ) -> None:
        self._watch = watch
        self._make_widget = widget
        self._widget: Widget | None = None
        self._display = Display()
        self._changed = threading.Event()
        self._stopped = threading.Event()
        self._is_ending = threading.Event()
        self._drawing = threading.Lock()
        self._shown: View | None = None
        self._is_live = False
        self._renew_at = 0.0
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Show it as it is now, and go on. Raises FaenaErrors where it cannot be seen at all."""
        view = self._watch.look()
        self._shown = view
        if view.ended:
            self._stopped.set()
        elif self._make_widget is not None:
            self._widget = self._make_widget(view, self._changed.set)
        self._display.show(still(view) if view.ended else self._still(view))
        if view.ended:
            return
        open_views.add(self)
        self._begin(self._follow, "follow")
        self._begin(self._draw, "draw")

    def _begin(self, work: Callable[[], None], name: str) -> None:
        # A context of its own: what it shows belongs to whichever cell runs, as those need that read a kernel's output.
        context = contextvars.Context()
        thread = threading.Thread(target=lambda: context.run(work), name=f"faena-view-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    @property
    def is_open(self) -> bool:
        return not self._stopped.is_set()

    def close(self) -> None:
        """Leave the still form of what is known now, and follow no more. Again it does nothing."""
        if self.is_open:
            self._stopped.set()
            self._changed.set()
            self._is_ending.set()
            with self._drawing:
                if self._shown is not None:
                    self._leave(left(self._shown))

    def settle(self) -> None:
        """At the end of a cell: what has come is shown, and of what has ended the last state."""
        deadline = time.monotonic() + _LAST_WORD
        if self._watch.is_behind() or self._watch.has_ended():
            with contextlib.suppress(FaenaError):
                self._look(last=False)
        while self.is_open and self._watch.has_ended() and time.monotonic() < deadline:
            self._is_ending.set()
            self._changed.set()
            self._stopped.wait(0.02)

    def _follow(self) -> None:
        try:
            self._watch.follow(self._changed.set, self._stopped.is_set)
        finally:
            self._changed.set()

    def _draw(self) -> None:
        while not self._stopped.is_set():
            self._changed.wait(_TICK)
            self._changed.clear()
            if self._stopped.is_set():
                return
            began = time.thread_time()
            with contextlib.suppress(FaenaError):
                self._look(last=True)
            cost = time.thread_time() - began
            # Cut short at the end: on a busy machine it is as long as a cell's end waits.
            self._is_ending.wait(min(_MOST_PAUSE, max(LEAST_PAUSE, cost / _SHARE)))

    def _look(self, *, last: bool) -> None:
        """`last`: where it has ended this is the last look."""
        with self._drawing:
            if self._stopped.is_set():
                return
            try:
                view = self._watch.look()
            except FaenaError as error:
                old = self._watch.trouble(error.message)
                if old is None:
                    raise
                view = old
            if view.ended and last:
                self._stopped.set()
                self._leave(view)
            else:
                self._put(view)

    def _put(self, view: View) -> None:
        is_live = self._widget is not None and self._widget.is_shown()
        if view == self._shown and self._is_live == is_live:
            return
        self._shown = view
        if self._widget is not None:
            self._widget.send(view)
        if is_live and self._is_live and time.monotonic() < self._renew_at:
            return
        # Behind a live form it is read when there is no kernel any more.
        key = "" if self._widget is None else self._widget.key
        self._display.replace(still(left(view), key) if is_live else self._still(view))
        self._is_live, self._renew_at = is_live, time.monotonic() + _RENEWAL

    def _still(self, view: View) -> dict[str, Any]:
        """Of a view that goes on: a kernel may end without a word, and this is what is left then."""
        return still(view, "" if self._widget is None else self._widget.key, now())

    def _leave(self, view: View) -> None:
        self._shown = view
        if self._widget is not None:
            self._widget.send(view, last=True)
        self._display.replace(still(view))
        self._is_live = False
        open_views.discard(self)

    def __repr__(self) -> str:
        return "" if self._shown is None else self._shown.line
