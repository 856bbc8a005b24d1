"""What this process has of its helper: connections, one for each thread, and the objects that are there."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import weakref
from collections import deque

from faena.script import reports, started
from faena.script.proxies import asking, displays, marshal, process, values
from faena.script.proxies.connection import Connection
from faena.script.proxies.errors import HelperGone
from faena.script.proxies.frames import TooLarge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Deque, Dict, List, Optional, Tuple

VERSION = 1
_ENDS = "faena.helper.ends"
_LEAVES = 10.0
"""Seconds that the end of this process waits for the helper's."""


class Session:
    """One helper and all that is known of it."""

    def __init__(self) -> None:
        """Raises ClientMissing where no helper can be started."""
        self._helper = process.Helper()
        self._pid = os.getpid()
        self.pid = self._pid
        """Of the process that this is now: a fork has another one than whoever started the helper."""
        self._local = threading.local()
        self._connections: List[Connection] = []
        self._control: Optional[Connection] = None
        self._serving = None  # type: threading.Thread | None
        self._lock = threading.RLock()
        self.live: Any = weakref.WeakValueDictionary()
        """Proxies by the number of their object."""
        self.released: Deque[Tuple[int, int]] = deque()
        """Numbers of objects whose proxies are gone, and how often each had come."""
        self.given: Dict[int, Any] = {}
        """Objects of this process that the helper knows, by number."""
        self.is_gone = False
        self._connect("control")

    # ── calls ──

    def ask(self, operation: str, *arguments: Any) -> Any:
        """The helper's answer, decoded. `arguments` are values, or numbers and names as they are.

        Raises the error that the helper answers with; HelperGone.
        """
        encoder = values.Encoder(marshal.say)
        encoded = [encoder.encode(each) for each in arguments]
        said, pieces = self._exchange(operation, encoded, encoder.pieces)
        decoder = marshal.decoder(self, pieces)
        if said[0] == "error":
            raise marshal.error(decoder, said[1])
        return decoder.decode(said[1])

    def _exchange(self, operation: str, encoded: List[Any], pieces: List[Any]) -> Tuple[Any, List[bytes]]:
        connection = self._connection()
        try:
            request = [operation, encoded, self._surroundings(connection)]
            return connection.exchange(request, pieces, self._answer)
        except TooLarge:
            raise
        except (OSError, EOFError) as error:
            raise self._gone(error) from None
        except BaseException:
            self._drop(connection)  # half a message may be on its way
            raise

    def _answer(self, said: Any, pieces: List[bytes]) -> Tuple[Any, List[Any]]:
        """Of this process, to what the helper asks of one of its objects."""
        return marshal.answered(self, said, pieces)

    # ── connections ──

    def _connection(self) -> Connection:
        found: Optional[Connection] = getattr(self._local, "connection", None)
        if found is None:
            is_main = threading.current_thread() is threading.main_thread() and self._pid == os.getpid()
            found = self._local.connection = self._connect("main" if is_main else "thread")
        return found

    def _connect(self, role: str) -> Connection:
        try:
            with self._lock:
                if role != "control" and self._control is None:  # after a fork
                    self._connect("control")
                connection = Connection(self._helper.connect(), self._helper.pid)
                self._connections.append(connection)
                connection.begin(role, _hello())
                if role == "control":
                    self._control = connection
                return connection
        except OSError as error:
            raise self._gone(error) from None

    def _drop(self, connection: Connection) -> None:
        connection.close()
        with self._lock:
            if connection in self._connections:
                self._connections.remove(connection)
            if getattr(self._local, "connection", None) is connection:
                del self._local.connection

    def _gone(self, error: Exception) -> Exception:
        self.is_gone = True
        words = self._helper.last_words() if self._pid == os.getpid() else ""
        self.close()
        text = "The helper process, which has Faena's objects of this one, is gone ({})".format(
            getattr(error, "strerror", None) or str(error) or "it closed the connection"
        )
        return HelperGone(
            "{}. The next call starts another one; open the workspace again.{}".format(
                text, "\nIts last words:\n" + words if words else ""
            )
        )

    def _surroundings(self, connection: Connection) -> Any:
        """What the helper has to know before the call: the folder and variables where they changed, what is released.

        None where there is nothing.
        """
        variables: Any = getattr(os.environ, "_data", None)
        folder = os.getcwd()
        released = self.released
        before = connection.state
        told: Dict[str, Any] = {}
        if before is None or before[0] != folder:
            told["folder"] = folder
        if before is None or before[1] != variables:
            told["variables"] = process.passed_on(dict(os.environ))
        if told:
            connection.state = (folder, dict(variables) if variables is not None else None)
        if released:
            gone = []
            while released:
                gone.append(list(released.popleft()))
            told["released"] = gone
        return told or None

    # ── what the helper asks of its own accord ──

    def serve(self) -> None:
        """Have a thread answer what the helper asks while this process asks nothing."""
        with self._lock:
            if self._serving is None and self._control is not None:
                self._serving = threading.Thread(
                    target=self._serve, args=(self._control,), name="faena-helper", daemon=True
                )
                self._serving.start()

    def _serve(self, connection: Connection) -> None:
        try:
            while True:
                said, pieces = connection.stream.receive()
                if said[0] == "call":
                    connection.stream.send(*self._answer(said, pieces))
        except (OSError, EOFError, ValueError):
            return

    # ── ends ──

    def close(self) -> None:
        """All connections: the helper ends with its last one."""
        self.is_gone = True
        with self._lock:
            for connection in self._connections:
                _shut(connection)
            self._connections = []
            self._control = None
        if self._pid == os.getpid():
            self._helper.discard()

    def leave(self) -> None:
        """At the end of this process, for whose objects the helper does what this process would have.

        A process that is killed does not come here: its runs fail.
        """
        if self._pid == os.getpid():
            self._say_goodbye()
        with self._lock:
            for connection in self._connections:
                _shut(connection)
        if self._pid == os.getpid():
            self._helper.wait(_LEAVES)
            self._helper.discard()

    def _say_goodbye(self) -> None:
        error = started.uncaught()
        told = "" if error is None else reports.reported(error, None)[: reports.LONGEST]
        try:
            self.ask("function", _ENDS, "goodbye", [told], {})
        except HelperGone:
            pass

    def after_fork(self) -> None:
        """In a child, which has connections of its own, and leaves to its parent what is the parent's."""
        self._lock = threading.RLock()
        self.pid = os.getpid()
        for connection in self._connections:
            connection.close()
        self._connections = []
        self._control = None
        self._serving = None
        self._local = threading.local()
        self.released.clear()


def _hello() -> Dict[str, Any]:
    minor = "{}.{}".format(*sys.version_info[:2])
    return {"version": VERSION, "pid": os.getpid(), "python": sys.executable, "minor": minor}


def _shut(connection: Connection) -> None:
    import socket

    try:
        connection.stream.socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads it
    except OSError:
        pass
    connection.close()


def _leave() -> None:
    found = asking.if_started()
    if found is None:
        return
    for tell in asking.before_leaving:
        tell()
    found.leave()


def current() -> Session:
    """That of this process, started where there is none. Raises ClientMissing."""
    found: Session = asking.current()
    return found


asking.start = Session
asking.after_start.append(displays.offer)
atexit.register(_leave)
os.register_at_fork(after_in_child=asking.after_fork)
