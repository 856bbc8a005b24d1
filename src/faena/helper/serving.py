"""Who asks, and where it is done: the main thread serves the caller's main thread, since signals interrupt that one;
each other connection has a thread.
"""

from __future__ import annotations

import os
import queue
import shutil
import signal
import socket
import threading
import time
from types import FrameType

from faena.helper import ends, folders, output
from faena.helper.conversation import Conversation
from faena.helper.state import controls

_PAUSE = 1.0
"""Seconds between two interrupts."""
_LAST_SECONDS = 3.0
"""That a call in the main thread has to end once nobody waits for it."""


class Service:
    """Every connection that is open, and whether the main thread is at work for one."""

    def __init__(self, listener: socket.socket, folder: str) -> None:
        self._listener = listener
        self._folder = folder
        self._ended = threading.Event()
        """What the main thread did."""
        self._lock = threading.Lock()
        self._open: set[Conversation] = set()
        self._for_main: queue.SimpleQueue[Conversation | None] = queue.SimpleQueue()
        self._main: Conversation | None = None

    def run(self) -> None:
        """Until the last connection has closed."""
        signal.signal(signal.SIGINT, self._interrupted)
        threading.Thread(target=self._accept, name="accept", daemon=True).start()
        while True:
            conversation = self._next()
            if conversation is None:
                return
            self._main = conversation
            self._converse(conversation)
            self._main = None
            self._ended.set()

    def _next(self) -> Conversation | None:
        while True:
            try:
                return self._for_main.get()
            except KeyboardInterrupt:  # it came too late
                continue

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        main = self._main
        if main is not None and main.at_work:
            main.interrupt()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            conversation = Conversation(connection)
            with self._lock:
                self._open.add(conversation)
            threading.Thread(target=self._begin, args=(conversation,), daemon=True).start()

    def _begin(self, conversation: Conversation) -> None:
        role = conversation.greeted()
        if role == "main" and self._main is None:
            self._for_main.put(conversation)
        elif role == "control":
            controls[conversation.pid] = conversation
            conversation.wait_for_end()
            controls.pop(conversation.pid, None)
            self._end_of(conversation)
        else:
            folders.of_this_thread()
            self._converse(conversation)

    def _converse(self, conversation: Conversation) -> None:
        try:
            conversation.run()
        finally:
            self._closed(conversation)

    def _end_of(self, control: Conversation) -> None:
        """A process is gone: what the main thread does for it is interrupted."""
        with self._lock:
            of_it = [each for each in self._open if each.pid == control.pid]
        for each in of_it:  # they are closed one after another
            each.wait_for_end()
        until = time.monotonic() + _LAST_SECONDS
        while (main := self._main) is not None and main.pid == control.pid:
            if time.monotonic() > until:
                self._leave_now()
            if main.at_work:
                os.kill(os.getpid(), signal.SIGINT)
            self._ended.wait(_PAUSE)
            self._ended.clear()
        self._closed(control)

    def _leave_now(self) -> None:
        """If nobody else is there: what the main thread does cannot be interrupted."""
        with self._lock:
            others = [each for each in self._open if not each.is_over()]
        if not others:
            shutil.rmtree(self._folder, ignore_errors=True)
            os._exit(1)

    def _closed(self, conversation: Conversation) -> None:
        conversation.close()
        with self._lock:
            self._open.discard(conversation)
            is_last = not self._open
        if is_last:
            self._for_main.put(None)


def serve(listener: socket.socket, folder: str) -> None:
    """`folder`: where the socket lies, which is removed at the end."""
    output.install()
    try:
        Service(listener, folder).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if ends.is_killed():
        os._exit(1)  # nothing that is done at an end in good order is done here, as it is not there
    ends.end_runs()
