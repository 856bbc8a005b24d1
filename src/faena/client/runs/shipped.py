"""Records of a run that another process writes, or that has ended: sent one by one, as they are logged."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Protocol

from faena.script import events, values
from faena.script.frames import EVENT, definition, frame, hello, point_frame
from faena.script.spool import file_stem

if TYPE_CHECKING:
    from faena.client.api import ServerApi
    from faena.runs.schemas import RunView


class Receiver(Protocol):
    """The handle of the run that takes them."""

    id: str
    _api: ServerApi

    @property
    def _view(self) -> RunView: ...


class ShippedSink:
    """Stands where a run that this process writes has its `SpoolWriter`. A record is at the server when a call returns.

    Raises UserErrorException for a run that has not begun, and what a request raises.
    """

    __slots__ = ("_offset", "_pid", "_run", "_stem", "fd", "folder", "names")

    def __init__(self, run: Receiver) -> None:
        self._run = run
        self._pid = 0
        self.fd = -1  # so that `log` takes its long way
        self.folder = ""
        self.names: dict[str, int] = {}

    def point(self, name: str, value: float, step: int | None = None) -> None:
        """One point of a metric; `value` is a float or an int within 64 bits."""
        self._begin()
        known = self.names.get(name)
        name_id = known or len(self.names) + 1
        defined = b"" if known else definition(name, name_id)
        self._send(defined + point_frame(name_id, value, step))
        self.names[name] = name_id

    def emit(self, op: str, fields: dict[str, Any]) -> None:
        """An event of JSON values."""
        self._begin()
        self._send(b"".join(frame(EVENT, payload) for payload in events.encode(op, fields)))

    def _begin(self) -> None:
        """A stream of this process's own, as a spool would be."""
        if self._pid != os.getpid():
            self._pid, self._stem, self._offset = os.getpid(), file_stem(), 0
            self.names.clear()

    def _send(self, data: bytes) -> None:
        from faena.attempts.api import ServerApi
        from faena.attempts.follow import Segment
        from faena.attempts.key import AttemptKey
        from faena.runs.submission_schemas import HYPERDRIVE

        view = self._run._view
        if view.attempt == 0 and view.type != HYPERDRIVE:
            raise values.refuse(
                f"Run {self._run.id} has not begun, so that nothing can be logged to it yet. Log in its script."
            )
        if self._offset == 0:
            data = hello() + data
        segment = Segment(f"spool/{self._stem}", self._offset, data)
        sent = ServerApi(self._run._api.transport).ship(AttemptKey(self._run.id, view.attempt, 0), [segment])
        self._offset = sent.offsets[segment.stream]
