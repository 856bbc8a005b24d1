"""When what a script writes is sent: seldom while nobody watches, soon while somebody does."""

from __future__ import annotations

import random
import time

from faena.attempts.api import Shipped

_LOOK_UNWATCHED = 0.25
_LOOK = 0.05
"""Seconds between looks at the files' sizes while somebody watches."""
_LOOK_FOR_FIRST = 0.02
_FIRST = 1.0
"""Seconds in which the first line of all is sent at once: who starts a run begins to watch before it is known here."""
_WATCHED = 0.28
"""Seconds between batches while somebody watches: a line is on the screen within 0.3 s. What watching costs is paid
for each batch."""
_POINTS_WANTED = 0.25
"""Between batches with spools while somebody waits for points: they are there within half a second."""
_UNWATCHED = 2.0
"""The same while nobody watches, unless the server says more; of spools also while somebody follows the log alone."""
_BEAT = 2.0
"""Seconds between words of the server at least, where no request is held: they bring a cancel back."""
_BEAT_WATCHED = 0.5
"""The same on another machine while somebody watches: who looks at a page may ask it for files, too."""
_TELL_START = 0.25
"""Seconds after which it is told that the script started; one that ends sooner tells both at once."""
_STARTS = 500.0
"""Ranks of a run that tell so in a second. The first one, which says that the run does, waits for no other."""


class Pace:
    """Of one attempt on one node. `watched`: whether somebody watches as far as is known."""

    def __init__(self, watched: bool, *, rank: int = 0, node_count: int = 1) -> None:
        self.watched = watched
        self.told_start = False
        self._tells_start_after = _TELL_START + (random.uniform(0, node_count / _STARTS) if rank else 0.0)
        self._points_wanted = False
        self._unwatched = _UNWATCHED
        self._is_elsewhere = False
        self._began_at = time.monotonic()
        self._sent_at = 0.0 if watched else self._began_at
        self._points_sent_at = self._sent_at
        self._heard_at = self._looked_at = self._sent_at
        self._eager_until = 0.0

    def begin(self) -> None:
        self._began_at = time.monotonic()
        self._eager_until = self._began_at + _FIRST

    def looks(self) -> None:
        """At what the script has written."""
        self._looked_at = time.monotonic()

    def sends_points(self) -> None:
        self._points_sent_at = time.monotonic()

    def sent(self) -> None:
        """Or tried to."""
        self._sent_at = self._heard_at = time.monotonic()

    def hears(self, answer: Shipped) -> None:
        self._heard_at = time.monotonic()
        self.watched, self._points_wanted = answer.watched, answer.points
        self._unwatched = max(_UNWATCHED, answer.pace)
        self._is_elsewhere = answer.pace > 0

    def points_are_due(self, now: float) -> bool:
        return now - self._points_sent_at >= self._between_points()

    def _between_points(self) -> float:
        return _POINTS_WANTED if self._points_wanted else self._unwatched

    def batch_is_due(self, now: float) -> bool:
        """Where there is something to send."""
        return now - self._sent_at >= (_WATCHED if self.watched else self._unwatched)

    def beat_is_due(self, now: float) -> bool:
        """Whatever there is to send."""
        beat = _BEAT_WATCHED if self.watched and self._is_elsewhere else max(_BEAT, self._unwatched)
        return now - self._heard_at >= beat

    def start_is_due(self, now: float) -> bool:
        return not self.told_start and now - self._began_at >= self._tells_start_after

    def takes_first(self, now: float, *, is_there: bool) -> bool:
        """Whether the first line of all is to be sent at once, if it is there."""
        if not is_there or now >= self._eager_until:
            return False
        self._eager_until = 0.0
        return True

    def is_eager(self, now: float) -> bool:
        return now < self._eager_until

    def pause(self) -> float:
        """Seconds until the next look: none is made before a batch may be sent."""
        now = time.monotonic()
        if self.is_eager(now):
            return _LOOK_FOR_FIRST
        if self.watched:
            return max(_LOOK, self._sent_at + _WATCHED - now)
        if not self.told_start:
            return _LOOK_UNWATCHED
        return max(_LOOK_UNWATCHED, max(self._heard_at, self._looked_at) + self._unwatched - now)
