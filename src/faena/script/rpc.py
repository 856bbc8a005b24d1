"""What needs an answer: one JSON line each way over the runner's Unix socket, opened at the first question."""

from __future__ import annotations

import json
import os
import socket
import time
from _thread import RLock

from faena.script import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RECONNECT_S = 10.0
"""How long a runner that does not answer may take to be replaced by the next one."""

_RETRY_S = 0.05
_MAX_LINE = 64 << 20


class RunnerClient:
    """Asks the runner of this run. Safe from threads (they take turns) and after a fork (the child connects anew)."""

    def __init__(self, path: str | None, patience: float = RECONNECT_S) -> None:
        """`path` of the socket; `patience` in seconds to find somebody who listens there."""
        self._path = path
        self._patience = patience
        self._lock = RLock()
        self._connection: socket.socket | None = None
        os.register_at_fork(after_in_child=self._after_fork)

    def call(self, verb: str, arguments: dict[str, Any], timeout: float) -> Any:
        """The runner's answer to `verb`, within `timeout` seconds. A question cut off half-way is asked once more.

        Raises the error that the runner answers with; ServerUnreachable when it is gone; ServiceException when it
        does not answer in time.
        """
        try:
            question = json.dumps({"verb": verb, "arguments": arguments}).encode() + b"\n"
        except TypeError as error:
            raise errors.UserErrorException(
                "{} was given something that JSON cannot hold: {}. Use str, numbers, bool, None, lists and "
                "dicts.".format(verb, error)
            ) from None
        deadline = time.monotonic() + timeout
        with self._lock:
            try:
                answer = self._exchange(question, deadline)
            except socket.timeout:
                self._close()  # a late answer must not be taken for the next one
                raise errors.ServiceException(
                    "The runner did not answer '{}' within {:g} s. Call again with more time, or see the run's "
                    "runner log.".format(verb, timeout)
                ) from None
            except OSError as error:
                self._close()
                raise errors.ServerUnreachable(
                    "The runner of this run is gone: {} ({}). Metrics logged so far are safe in the spool; "
                    "'{}' was not done.".format(self._path, error.strerror or error, verb)
                ) from None
        return _unpacked(answer, verb)

    def close(self) -> None:
        """Let go of the connection; the next question opens another one."""
        with self._lock:
            self._close()

    def _exchange(self, question: bytes, deadline: float) -> bytes:
        try:
            return self._ask(question, deadline)
        except socket.timeout:
            raise
        except OSError:  # the runner was replaced, or went while it worked: every verb may be repeated
            self._close()
            return self._ask(question, deadline)

    def _ask(self, question: bytes, deadline: float) -> bytes:
        if self._connection is None:
            self._connection = self._connect(deadline)
        connection = self._connection
        connection.settimeout(_left(deadline))
        connection.sendall(question)
        answer = bytearray()
        while not answer.endswith(b"\n"):
            connection.settimeout(_left(deadline))
            part = connection.recv(1 << 16)
            if not part:
                raise ConnectionResetError("it closed the connection without an answer")
            answer += part
            if len(answer) > _MAX_LINE:
                raise OSError("its answer is longer than {} bytes".format(_MAX_LINE))
        return bytes(answer)

    def _connect(self, deadline: float) -> socket.socket:
        if not self._path:
            raise OSError("FAENA_SOCKET is not set")
        give_up = min(deadline, time.monotonic() + self._patience)
        while True:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.settimeout(_left(deadline))
                connection.connect(self._path)
                return connection
            except (ConnectionRefusedError, FileNotFoundError, BlockingIOError):
                connection.close()
                if time.monotonic() + _RETRY_S >= give_up:
                    raise
                time.sleep(_RETRY_S)
            except OSError:
                connection.close()
                raise

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _after_fork(self) -> None:
        self._lock = RLock()  # another thread of the parent may have held it
        self._close()


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise socket.timeout("timed out")
    return left


def _unpacked(answer: bytes, verb: str) -> Any:
    try:
        found = json.loads(answer.decode())
    except ValueError:
        found = None
    if isinstance(found, dict) and "ok" in found:
        return found["ok"]
    error = found.get("error") if isinstance(found, dict) else None
    if isinstance(error, dict) and isinstance(error.get("code"), str):
        raise errors.from_wire(error["code"], str(error.get("message", "")))
    raise errors.ServiceException(
        "The runner's answer to '{}' cannot be read: {!r}. Faena's versions in the run and on the node may "
        "differ.".format(verb, answer[:80])
    )
