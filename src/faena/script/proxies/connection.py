"""A connection to the helper: one call after another, each with its answer; Ctrl-C goes to the helper."""

from __future__ import annotations

import os
import signal
import sys
import threading

from faena.script.proxies.frames import Stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import Any, Callable, List, Tuple

_handler_of: Any = getattr(signal.getsignal, "__wrapped__", signal.getsignal)
_handle_by: Any = getattr(signal.signal, "__wrapped__", signal.signal)
"""Without enumerations, which take as long as all else of a call."""
_INTERRUPT = int(signal.SIGINT)
_PATIENCE = 3
"""The Ctrl-C that waits for the helper no longer."""


class Given:
    """An interrupt that came while the helper was at work, and how often."""

    def __init__(self) -> None:
        self.error = None  # type: BaseException | None
        self.times = 0


class Connection:
    """To be used by one thread at a time."""

    def __init__(self, connection: socket.socket, helper: int) -> None:
        self.stream = Stream(connection)
        self.state: Any = None
        """The folder and variables that the helper was last told of here."""
        self._helper = helper
        self._is_main = False

    def begin(self, role: str, hello: Any) -> None:
        """`role`: 'main' for the thread that is interrupted, 'thread', 'control'."""
        self._is_main = role == "main"
        self.stream.send(["hello", role, hello])

    def exchange(
        self, request: Any, pieces: List[Any], answer: Callable[[Any, List[bytes]], Tuple[Any, List[Any]]]
    ) -> Tuple[Any, List[bytes]]:
        """The helper's answer. `answer`: to what it asks meanwhile. Raises OSError, EOFError where it is gone.

        An interrupt (KeyboardInterrupt, or what the handler of SIGINT raises) is passed on to the helper, whose own
        answer decides: an error of the call that was interrupted comes first, else the interrupt is raised.
        """
        if not self._is_main or threading.current_thread() is not threading.main_thread():
            return self._talk(request, pieces, answer)
        before = _handler_of(_INTERRUPT)
        if not callable(before):
            return self._talk(request, pieces, answer)
        given = Given()

        def interrupted(number: int, frame: Any) -> None:
            try:
                before(number, frame)
            except BaseException as error:
                given.error = error
                given.times += 1
                if given.times >= _PATIENCE:
                    raise
                os.kill(self._helper, signal.SIGINT)

        _handle_by(_INTERRUPT, interrupted)
        try:
            said = self._talk(request, pieces, answer)
            if given.error is not None:
                self._talk(["sync"], [], answer)  # an interrupt that came too late hits nobody
        finally:
            _handle_by(_INTERRUPT, before)
        if given.error is not None and said[0][0] == "ok":
            raise given.error.with_traceback(None)
        return said

    def _talk(
        self, request: Any, pieces: List[Any], answer: Callable[[Any, List[bytes]], Tuple[Any, List[Any]]]
    ) -> Tuple[Any, List[bytes]]:
        self.stream.send(request, pieces)
        while True:
            said, beside = self.stream.receive()
            kind = said[0]
            if kind == "out":
                _write(said[1], said[2])
            elif kind == "call":
                self.stream.send(*answer(said, beside))
            else:
                return said, beside

    def close(self) -> None:
        self.stream.close()


def _write(number: int, text: str) -> None:
    """What the helper printed, here."""
    out = sys.stderr if number == 2 else sys.stdout
    if out is None:
        return
    try:
        out.write(text)
    except UnicodeEncodeError:
        encoding = getattr(out, "encoding", None) or "ascii"
        out.write(text.encode(encoding, "replace").decode(encoding))
    out.flush()
