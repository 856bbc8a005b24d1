"""What a node elsewhere may count on: until when the server gives its run to nobody else.

It asks at the pace that the server sets. What counts is when it *sent* the last request that was answered, since the
server's own term began later, and by a clock that goes on while the machine sleeps. Other requests renew nothing: the
server may not know whose they are, and would wait for less long than the node.
"""

from __future__ import annotations

import random
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from faena.kernel.errors import AuthenticationException, FaenaError, NotFound
from faena.kernel.transport import Transport, segment
from faena.node import boot_clock, fence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from faena.node.launch import GuardProcess

_ANSWERING, _ANSWERING_SOON = 5.0, 1.5
"""Seconds that an answer may take; the second where the one before came soon: the connection may be one that is cut."""
_SLOW = 1.0
_JITTER = 0.2
_LEAST_PAUSE, _PAUSE_AFTER_FAILURE = 0.05, 0.1
_CONNECTING, _CONNECTING_FAR = 0.5, 4.0
"""Seconds in which the server's host must answer. A lost request to connect is repeated by the kernel after 1, 3 and 7,
so that many short tries find out soonest that a link works again; now and then one is for a host that is far away."""
_SHORT_TRIES = 8
_LATE = 1.0
"""Seconds after which a guard that should have ended its script is one that stands still."""


class Lease:
    """Of one node, from when it joined until it leaves. `transport`: its own, so that nothing holds its requests up."""

    def __init__(
        self,
        transport: Transport,
        node: str,
        *,
        beat_seconds: float,
        fence_seconds: float,
        called: Callable[[], None] = lambda: None,
    ) -> None:
        """`called`: each time the server says that there is more for the node than runs."""
        self._transport = transport
        self._node = node
        self._beat_seconds = beat_seconds
        self._fence_seconds = fence_seconds
        self._called = called
        self._changed = threading.Condition()
        self._answered_at: float | None = None
        self._is_lost = False
        self._running = ""
        self._guard: GuardProcess | None = None
        self._ended = threading.Event()
        self._trouble = ""
        self._failures = 0
        self._is_slow = False
        self._thread = threading.Thread(target=self._beat_forever, name="lease", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._transport.close()

    @property
    def is_lost(self) -> bool:
        """Whether the server has said that it gave the node up: it may join again, as another one."""
        return self._is_lost

    @property
    def ends_at(self) -> float:
        """By `boot_clock`: when a script of this node is to be ended, if nothing is heard until then."""
        return 0.0 if self._answered_at is None else self._answered_at + self._fence_seconds

    def holds(self) -> bool:
        """Whether a script may be started; waits until the server says so, or that it gave the node up."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_lost or boot_clock.now() < self.ends_at)
            return not self._is_lost

    def fence(self) -> dict[str, float]:
        """As a script's guard is to have it at its start."""
        return fence.described(self.ends_at, self._fence_seconds)

    @contextmanager
    def running(self, attempt: str, guard: GuardProcess) -> Iterator[None]:
        """While it does, the guard is told how long it may go on."""
        with self._changed:
            self._running, self._guard = attempt, guard
            self._tell()
        try:
            yield
        finally:
            with self._changed:
                self._running, self._guard = "", None

    def look(self) -> None:
        """Now and then while something runs: a guard that stands still cannot end its script, and is killed."""
        guard, late = self._guard, boot_clock.now() - self.ends_at
        if guard is not None and late > fence.grace_of(self._fence_seconds) + _LATE:
            guard.kill()

    def _tell(self) -> None:
        if self._guard is None:
            return
        if self._is_lost:
            self._guard.ask_to_stop(b"l")
        else:
            self._guard.move_fence(self.ends_at)

    def _beat_forever(self) -> None:
        pause = 0.0
        while not self._ended.wait(pause):
            try:
                self._beat()
                pause = self._beat_seconds * random.uniform(1 - _JITTER, 1 + _JITTER)
                self._trouble, self._failures = "", 0
            except (NotFound, AuthenticationException) as error:
                self._lose(error.message)
            except FaenaError as error:
                self._tell_trouble(error.message)
                self._failures += 1
                pause = min(_PAUSE_AFTER_FAILURE, self._beat_seconds)
            except Exception:  # noqa: BLE001  an answer of no form that is known: the next one may be better
                traceback.print_exc()
                pause = self._beat_seconds
            if self._is_lost:
                return

    def _beat(self) -> None:
        sent = boot_clock.now()
        path = f"/nodes/{segment(self._node)}/beat"
        answer: dict[str, Any] = self._transport.json(
            "POST",
            path,
            {"running": self._running},
            timeout=_ANSWERING if self._failures or self._is_slow else _ANSWERING_SOON,
            patience=0.0,
            connecting=_CONNECTING_FAR if self._failures % _SHORT_TRIES == _SHORT_TRIES - 1 else _CONNECTING,
        )
        self._is_slow = boot_clock.now() - sent > _SLOW
        if answer["lost"]:
            self._lose("nothing was heard of this node for too long")
            return
        with self._changed:
            self._answered_at = sent
            self._beat_seconds = max(_LEAST_PAUSE, float(answer["beat_seconds"]))
            self._fence_seconds = float(answer["fence_seconds"])
            self._tell()
            self._changed.notify_all()
        if answer.get("endpoints"):
            self._called()

    def _lose(self, why: str) -> None:
        print(f"the server gave this node up: {why}", flush=True)
        with self._changed:
            self._is_lost = True
            self._tell()
            self._changed.notify_all()

    def _tell_trouble(self, message: str) -> None:
        """Once for each silence."""
        if not self._trouble:
            print(f"{time.strftime('%F %T')} no word from the server: {message}", flush=True)
            self._trouble = message
