"""Ships what the script writes, on a thread of its own, so that a server which is away holds up nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from faena.attempts.api import ServerApi, Shipped
from faena.attempts.follow import Follower, Segment
from faena.attempts.held_request import HeldRequest
from faena.attempts.key import AttemptKey
from faena.attempts.pace import Pace
from faena.attempts.refusals import TRIES, Refusals
from faena.kernel.data_loss import Loss
from faena.kernel.errors import FaenaError, ServerUnreachable, is_refusal

_BATCH = 4 << 20
"""Bytes in a batch: more than the longest record, and the server's one writer is busy with it for 80 ms at most."""
_DISCOVER = 0.5
_AFTER_REFUSAL = 1.0
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
        rank: int = 0,
        node_count: int = 1,
        watched: bool = True,
        started_at: Callable[[], int | None] = lambda: None,
        asked: Callable[[Iterable[dict[str, Any]]], None] = lambda questions: None,
    ) -> None:
        """`watched`: whether somebody watches as far as is known. `started_at`: when the script started, if it has.

        `asked`: called with what the server asks about the script's files.
        """
        self._api = api
        self._key = key
        self._follower = follower
        self._refusals = Refusals(api, key, follower)
        self._turn = threading.Lock()
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._held = HeldRequest(lambda seconds: api.signals(key, seconds), self._hear_news)
        self._thread = threading.Thread(target=self._ship_forever, name="ship", daemon=True)
        self._pace = Pace(watched, rank=rank, node_count=node_count)
        self._started_at = started_at
        self._asked = asked
        self._discovered_at = 0.0
        self._trouble: str | None = None
        self.cancel_requested = threading.Event()

    def assume_started(self, at: int) -> None:
        """The script has no record of its start, and may have begun."""
        self._started_at = lambda: at

    def start(self) -> None:
        self._pace.begin()
        self._thread.start()

    def flush(self, patience: float | None = ASKED_PATIENCE_S) -> None:
        """Ship all that is in the files now, waiting `patience` seconds for a server. Raises as ServerApi does."""
        with self._turn:
            self._follower.discover()
            if not self._pace.told_start and self._started_at() is not None:  # whoever asks is the script
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
        """What the thread is sending is waited for by whoever takes its turn; a request that is held, by nobody."""
        self._stopping.set()
        self._woken.set()
        self._follower.ends()

    def _losses(self) -> list[Loss]:
        with self._turn:
            self._follower.discover()
            return self._follower.losses()

    def _rest(self) -> list[Segment]:
        """What is left to ship, once it is less than a batch."""
        with self._turn:
            self._follower.discover()
            left = self._follower.segments(_BATCH)
            enough = _BATCH - self._follower.held_back
            while sum(len(part.data) for part in left) >= enough and not self._refusals.are_there:
                self._send_batch(None)
                left = self._follower.segments(_BATCH)
            return left

    def _ship_forever(self) -> None:
        while not self._wait(self._pace.pause()):
            with self._turn:
                if self._stopping.is_set():
                    return
                now = time.monotonic()
                self._pace.looks()
                if now - self._discovered_at > _DISCOVER:
                    self._follower.discover()
                    self._discovered_at = now
                points = self._pace.points_are_due(now)
                if self._is_due(now, points):
                    self._try_batch(points=points)

    def _wait(self, seconds: float) -> bool:
        """Whether to stop. While nobody watches, the wait is cut short when somebody begins to, or cancels."""
        if self._pace.told_start and not (self._pace.watched or self.cancel_requested.is_set()):
            self._held.begin()
        self._woken.wait(seconds)
        self._woken.clear()
        return self._stopping.is_set()

    def _hear_news(self, answer: Shipped) -> bool:
        """Whether the thread that ships is to go on with it."""
        self._hear(answer)
        if is_news := answer.watched or answer.cancel:
            self._woken.set()
        return is_news or self._stopping.is_set()

    def _hear(self, answer: Shipped) -> None:
        self._pace.hears(answer)
        if answer.asked:
            self._asked(answer.asked)
        if answer.cancel:
            self.cancel_requested.set()

    def _is_due(self, now: float, points: bool) -> bool:
        pace = self._pace
        if (pace.beat_is_due(now) and not self._held.is_there) or (
            pace.start_is_due(now) and self._started_at() is not None
        ):
            return True
        if pace.is_eager(now) and pace.takes_first(now, is_there=bool(self._follower.grown(points=False))):
            return True
        return pace.batch_is_due(now) and bool(self._follower.grown(points=points))

    def _try_batch(self, *, points: bool) -> None:
        try:
            self._send_batch(0.0, points=points)
        except ServerUnreachable:
            self._pace.sent()  # the files keep everything; the next look tries again
        except FaenaError as error:
            if str(error) != self._trouble:
                print(f"shipping {self._key.path}: {error}", flush=True)
                self._trouble = str(error)
            self._pace.sent()

    def _send_batch(self, patience: float | None, *, closing: bool = False, points: bool = True) -> bool:
        """Whether the server took bytes that were new to it. Without `points`, spools wait."""
        segments = self._follower.segments(_BATCH, points=points)
        if points:
            self._pace.sends_points()
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
        started = None if self._pace.told_start else self._started_at()
        answer = self._api.ship(self._key, segments, closing=closing, started_at=started, patience=patience)
        # a cancel may be answered although a full disk let nothing be kept: the start goes along once more
        self._pace.told_start = self._pace.told_start or (started is not None and not answer.cancel)
        self._pace.sent()
        self._hear(answer)
        before = {part.stream: part.offset for part in segments}
        for stream, offset in answer.offsets.items():
            self._follower.acknowledge(stream, offset)
            self._refusals.taken(stream)
        return any(answer.offsets.get(stream, offset) != offset for stream, offset in before.items())
