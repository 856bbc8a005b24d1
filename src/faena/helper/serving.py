"""Who asks, and where it is done: the main thread serves the caller's main thread, since signals interrupt that one;
each other connection has a thread.
"""

from __future__ import annotations

import os
import queue
import signal
import socket
import sys
import threading
from types import FrameType

from faena.helper import folders, output
from faena.helper.conversation import Conversation
from faena.helper.state import controls

_LAST_SECONDS = 3.0
"""That a call in the main thread has to end once nobody waits for it."""


class Service:
    """Every connection that is open, and whether the main thread is at work for one."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
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
            self._closed(conversation)
        else:
            folders.of_this_thread()
            self._converse(conversation)

    def _converse(self, conversation: Conversation) -> None:
        try:
            conversation.run()
        finally:
            self._closed(conversation)

    def _closed(self, conversation: Conversation) -> None:
        conversation.close()
        with self._lock:
            self._open.discard(conversation)
            left = [each for each in self._open if not each.is_over()]
        if left:
            return
        self._for_main.put(None)
        main = self._main
        if main is not None and main is not conversation and main.at_work:
            os.kill(os.getpid(), signal.SIGINT)
            threading.Timer(_LAST_SECONDS, os._exit, (1,)).start()


def serve(listener: socket.socket) -> None:
    """Raises nothing that anybody would see."""
    output.install()
    service = Service(listener)
    service.run()
    sys.stdout.flush()
