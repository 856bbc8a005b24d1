"""Ships what the script writes, on a thread of its own, so that a server which is away holds up nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from faena.attempts.api import ServerApi
from faena.attempts.follow import Follower, Segment
from faena.attempts.key import AttemptKey
from faena.attempts.refusals import TRIES, Refusals
from faena.kernel.data_loss import Loss
from faena.kernel.errors import FaenaError, ServerUnreachable, is_refusal

_BATCH = 4 << 20
"""Bytes in a batch: more than the longest record, and the server's one writer is busy with it for 80 ms at most."""
_LOOK = 0.05
"""Seconds between looks at the files' sizes while somebody watches."""
_LOOK_FOR_FIRST = 0.02
_FIRST = 1.0
"""Seconds in which the first line of all is sent at once: who starts a run begins to watch before it is known here."""
_LOOK_UNWATCHED = 0.25
_WATCHED = 0.25
"""Seconds between batches while somebody watches: a line is on the screen within 0.3 s."""
_POINTS_WATCHED = 0.5
"""The same for spools, which nobody reads as they come."""
_UNWATCHED = 2.0
_BEAT = 2.0
"""Seconds between batches at least, also empty ones: they bring a cancel back."""
_DISCOVER = 0.5
_AFTER_REFUSAL = 1.0
_TELL_START = 0.25
"""Seconds after which it is told that the script started; one that ends sooner tells both at once."""
ASKED_PATIENCE_S = 60.0
"""Seconds that whoever asks for what was logged waits for a server that is being replaced."""


class Shipper:
    """Sends new bytes until it is told to finish; knows whether a cancel was asked for."""

    def __init__(
        self,
        api: ServerApi,
        key: AttemptKey,
        follower: Follower,
        *,
        watched: bool = True,
        started_at: Callable[[], int | None] = lambda: None,
    ) -> None:
        """`watched`: whether somebody watches as far as is known. `started_at`: when the script started, if it has."""
        self._api = api
        self._key = key
        self._follower = follower
        self._refusals = Refusals(api, key, follower)
        self._turn = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._ship_forever, name="ship", daemon=True)
        self._watched = watched
        self._started_at = started_at
        self._told_start = False
        self._began_at = time.monotonic()
        self._sent_at = 0.0 if watched else self._began_at
        self._points_sent_at = self._sent_at
        self._eager_until = 0.0
        self._discovered_at = 0.0
        self._trouble: str | None = None
        self.cancel_requested = threading.Event()

    def start(self) -> None:
        self._began_at = time.monotonic()
        self._eager_until = self._began_at + _FIRST
        self._thread.start()

    def flush(self, patience: float | None = ASKED_PATIENCE_S) -> None:
        """Ship all that is in the files now, waiting `patience` seconds for a server. Raises as ServerApi does."""
        with self._turn:
            self._follower.discover()
            if not self._told_start and self._started_at() is not None:  # whoever asks is the script
                self._send_batch(patience)
            while self._follower.grown() and self._send_batch(patience):
                pass

    def finish(self) -> None:
        """Stop the thread, then ship the rest; torn tails are given up, and what is refused again and again put aside.

        Raises as ServerApi does.
        """
        self._stop()
        self._flush_all()
        self._send_batch(None, closing=True)
        self._flush_all()
        self._refusals.keep_aside()

    def _flush_all(self) -> None:
        self.flush(patience=None)
        for _ in range(TRIES):
            if not self._refusals.are_pending:
                return
            time.sleep(_AFTER_REFUSAL)
            self.flush(patience=None)

    def tell_losses(self) -> None:
        """Tell of what is known to be lost of what the script wrote. Raises as ServerApi does."""
        for loss in self._losses():
            self._api.note(self._key, loss.code, loss.message, loss.about)

    def finish_with(self, outcome: dict[str, Any]) -> bool:
        """Ship the rest and end the run in one request. False, and the run is not ended, where bytes are missing.

        Raises as ServerApi does.
        """
        rest = self._rest()
        if self._refusals.are_there:
            return False
        try:
            return self._api.finish(self._key, rest, outcome)
        except FaenaError as error:
            if not is_refusal(error):
                raise
            return False

    def close(self, ending: dict[str, Any], node: str = "") -> dict[str, Any]:
        """Stop the thread, ship the rest and end the attempt in one request; what `node` is to do next.

        `ending`: the `outcome`, when the script `started_at`, and `notes`, to which those of what is lost are added.
        Raises as ServerApi does.
        """
        self._stop()
        told = [{"code": each.code, "message": each.message, "about": each.about} for each in self._losses()]
        ending = {**ending, "notes": [*ending["notes"], *told]}
        answer = self._close_at_once(ending, node)
        while answer is None:  # bytes are refused, or the server lost some, as one restored from a backup
            self.finish()
            answer = self._close_without_bytes(ending, node)
        return answer

    def _close_at_once(self, ending: dict[str, Any], node: str) -> dict[str, Any] | None:
        rest = self._rest()
        if self._refusals.are_there:
            return None
        try:
            return self._api.close(self._key, rest, ending, node)
        except FaenaError as error:
            if not is_refusal(error):
                raise
            return None

    def _close_without_bytes(self, ending: dict[str, Any], node: str) -> dict[str, Any] | None:
        try:
            return self._api.close(self._key, [], ending, node)
        except FaenaError as error:
            if not is_refusal(error):
                raise
        return self._api.close(self._key, [], {**ending, "notes": []}, node)  # how it ended is what counts

    def _stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _losses(self) -> list[Loss]:
        with self._turn:
            self._follower.discover()
            return self._follower.losses()

    def _rest(self) -> list[Segment]:
        """What is left to ship, once it is less than a batch."""
        with self._turn:
            self._follower.discover()
            left = self._follower.segments(_BATCH)
            while sum(len(part.data) for part in left) >= _BATCH and not self._refusals.are_there:
                self._send_batch(None)
                left = self._follower.segments(_BATCH)
            return left

    def _ship_forever(self) -> None:
        pause = _LOOK_FOR_FIRST
        while not self._stopping.wait(pause):
            now = time.monotonic()
            with self._turn:
                if now - self._discovered_at > _DISCOVER:
                    self._follower.discover()
                    self._discovered_at = now
                points = now - self._points_sent_at >= (_POINTS_WATCHED if self._watched else _UNWATCHED)
                if self._is_due(now, points):
                    self._try_batch(points=points)
            pause = self._pause()

    def _is_due(self, now: float, points: bool) -> bool:
        since = now - self._sent_at
        if since >= _BEAT or self._start_is_due(now):
            return True
        if now < self._eager_until and self._follower.grown(points=False):
            self._eager_until = 0.0
            return True
        return since >= (_WATCHED if self._watched else _UNWATCHED) and bool(
            self._follower.grown(points=points)
        )

    def _pause(self) -> float:
        """Seconds until the next look: none is made before a batch may be sent."""
        now = time.monotonic()
        since = now - self._sent_at
        if now < self._eager_until:
            look, due = _LOOK_FOR_FIRST, 0.0
        elif self._watched:
            look, due = _LOOK, _WATCHED - since
        else:
            look, due = _LOOK_UNWATCHED, _UNWATCHED - since if self._told_start else 0.0
        return max(look, due)

    def _start_is_due(self, now: float) -> bool:
        waited = not self._told_start and now - self._began_at >= _TELL_START
        return waited and self._started_at() is not None

    def _try_batch(self, *, points: bool) -> None:
        try:
            self._send_batch(0.0, points=points)
        except ServerUnreachable:
            self._sent_at = time.monotonic()  # the files keep everything; the next look tries again
        except FaenaError as error:
            if str(error) != self._trouble:
                print(f"shipping {self._key.path}: {error}", flush=True)
                self._trouble = str(error)
            self._sent_at = time.monotonic()

    def _send_batch(self, patience: float | None, *, closing: bool = False, points: bool = True) -> bool:
        """Whether the server took bytes that were new to it. Without `points`, spools wait."""
        segments = self._follower.segments(_BATCH, points=points)
        if points:
            self._points_sent_at = time.monotonic()
        try:
            return self._send(segments, patience, closing)
        except FaenaError as error:
            if not (segments and is_refusal(error)):
                raise
        return self._send_apart(segments, patience, closing)

    def _send_apart(self, segments: list[Segment], patience: float | None, closing: bool) -> bool:
        """As `_send_batch`, each stream by itself: one that is refused keeps neither the others nor a cancel back."""
        self._send([], patience, closing)
        taken = False
        for part in segments:
            try:
                taken = self._send([part], patience, closing) or taken
            except FaenaError as error:
                if not is_refusal(error):
                    raise
                self._refusals.refused(part.stream, error)
        return taken

    def _send(self, segments: list[Segment], patience: float | None, closing: bool) -> bool:
        started = None if self._told_start else self._started_at()
        answer = self._api.ship(self._key, segments, closing=closing, started_at=started, patience=patience)
        self._told_start = self._told_start or started is not None
        self._sent_at = time.monotonic()
        self._watched = answer.watched
        if answer.cancel:
            self.cancel_requested.set()
        before = {part.stream: part.offset for part in segments}
        for stream, offset in answer.offsets.items():
            self._follower.acknowledge(stream, offset)
            self._refusals.taken(stream)
        return any(answer.offsets.get(stream, offset) != offset for stream, offset in before.items())
