"""Ships what the script writes, on a thread of its own, so that a server which is away holds up nothing."""

from __future__ import annotations

import threading
import time
from typing import Any

from faena.attempts.api import ServerApi
from faena.attempts.follow import Follower
from faena.attempts.key import AttemptKey
from faena.kernel.errors import FaenaError, ServerUnreachable

_BATCH = 4 << 20
"""Bytes in a batch: more than the longest record, and the server's one writer is busy with it for 80 ms at most."""
_LOOK = 0.05
"""Seconds between looks at the files' sizes."""
_LOOK_UNWATCHED = 0.25
_WATCHED = 0.15
"""Seconds between batches while somebody watches: a line is on the screen within 0.3 s."""
_UNWATCHED = 2.0
_BEAT = 2.0
"""Seconds between batches at least, also empty ones: they bring a cancel back."""
_DISCOVER = 0.5
ASKED_PATIENCE_S = 60.0
"""Seconds that whoever asks for what was logged waits for a server that is being replaced."""


class Shipper:
    """Sends new bytes until it is told to finish; knows whether a cancel was asked for."""

    def __init__(self, api: ServerApi, key: AttemptKey, follower: Follower) -> None:
        self._api = api
        self._key = key
        self._follower = follower
        self._turn = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._ship_forever, name="ship", daemon=True)
        self._watched = True
        self._sent_at = 0.0
        self._discovered_at = 0.0
        self._trouble: str | None = None
        self.cancel_requested = threading.Event()

    def start(self) -> None:
        self._thread.start()

    def flush(self, patience: float | None = ASKED_PATIENCE_S) -> None:
        """Ship all that is in the files now, waiting `patience` seconds for a server. Raises as ServerApi does."""
        with self._turn:
            self._follower.discover()
            while self._follower.grown() and self._send_batch(patience):
                pass

    def finish(self) -> None:
        """Stop the thread, then ship the rest; torn tails are given up. Raises as ServerApi does."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self.flush(patience=None)
        self._send_batch(None, closing=True)

    def tell_losses(self) -> None:
        """Tell of what is known to be lost of what the script wrote. Raises as ServerApi does."""
        with self._turn:
            self._follower.discover()
            found = self._follower.losses()
        for loss in found:
            self._api.note(self._key, loss.code, loss.message, loss.about)

    def finish_with(self, outcome: dict[str, Any]) -> bool:
        """Ship the rest and end the run in one request. False, and the run is not ended, where bytes are missing.

        Raises as ServerApi does.
        """
        with self._turn:
            self._follower.discover()
            left = self._follower.segments(_BATCH)
            while sum(len(part.data) for part in left) >= _BATCH:
                self._send_batch(None)
                left = self._follower.segments(_BATCH)
            return self._api.finish(self._key, left, outcome)

    def _ship_forever(self) -> None:
        while not self._stopping.wait(_LOOK if self._watched else _LOOK_UNWATCHED):
            now = time.monotonic()
            with self._turn:
                if now - self._discovered_at > _DISCOVER:
                    self._follower.discover()
                    self._discovered_at = now
                since = now - self._sent_at
                due = since >= (_WATCHED if self._watched else _UNWATCHED) and bool(self._follower.grown())
                if due or since >= _BEAT:
                    self._try_batch()

    def _try_batch(self) -> None:
        try:
            self._send_batch(0.0)
        except ServerUnreachable:
            self._sent_at = time.monotonic()  # the files keep everything; the next look tries again
        except FaenaError as error:
            if str(error) != self._trouble:
                print(f"shipping {self._key.path}: {error}", flush=True)
                self._trouble = str(error)
            self._sent_at = time.monotonic()

    def _send_batch(self, patience: float | None, *, closing: bool = False) -> bool:
        """Whether the server took bytes that were new to it."""
        segments = self._follower.segments(_BATCH)
        answer = self._api.ship(self._key, segments, closing=closing, patience=patience)
        self._sent_at = time.monotonic()
        self._watched = answer.watched
        if answer.cancel:
            self.cancel_requested.set()
        before = {part.stream: part.offset for part in segments}
        for stream, offset in answer.offsets.items():
            self._follower.acknowledge(stream, offset)
        return any(answer.offsets.get(stream, offset) != offset for stream, offset in before.items())
