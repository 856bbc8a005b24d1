"""Streams whose bytes the server refuses: tried again, and at last put aside, so that the run comes to its end."""

from __future__ import annotations

from faena.attempts.api import ServerApi
from faena.attempts.follow import Follower
from faena.attempts.key import AttemptKey
from faena.attempts.outputs import keep
from faena.kernel.errors import FaenaError, is_refusal

TRIES = 5
_SHOWN = 300


class Refusals:
    """Of one attempt, whose files `follower` follows."""

    def __init__(self, api: ServerApi, key: AttemptKey, follower: Follower) -> None:
        self._api = api
        self._key = key
        self._follower = follower
        self._tries: dict[str, int] = {}
        self._aside: dict[str, str] = {}
        """Why, by stream."""

    @property
    def are_pending(self) -> bool:
        """Whether there is a stream that is to be tried again."""
        return bool(self._tries)

    @property
    def are_there(self) -> bool:
        """Whether there is one, or one that was put aside and is not kept yet."""
        return bool(self._tries or self._aside)

    def taken(self, stream: str) -> None:
        self._tries.pop(stream, None)

    def refused(self, stream: str, error: FaenaError) -> None:
        self._tries[stream] = self._tries.get(stream, 0) + 1
        if self._tries[stream] >= TRIES:
            del self._tries[stream]
            self._aside[stream] = error.message[:_SHOWN]
            self._follower.put_aside(stream)
            print(f"{self._key.path}: {stream} is put aside: {error.message}", flush=True)

    def keep_aside(self) -> None:
        """Keep what was put aside as files of the run, and tell of it. Raises as ServerApi does."""
        for stream, why in list(self._aside.items()):
            path, offset = self._follower.path_of(stream)
            name = f"refused/{stream}"
            message = (
                f"The server refused what {stream} says from byte {offset:,} on, again and again: {why} The whole "
                f"of it is kept as the file {name}."
            )
            try:
                if path.exists():
                    keep(self._api, self._key, {name: path}, take=False)
                self._api.note(self._key, "refused", message, f"The server refused what {stream} says ")
            except FaenaError as error:
                if not is_refusal(error):
                    raise
                print(f"{self._key.path}: {stream} cannot be kept: {error.message}", flush=True)
            del self._aside[stream]
