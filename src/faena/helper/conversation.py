"""One connection: requests, each done before the next is read, with what it printed and what it asked meanwhile."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from faena.helper import folders, marshal, operations, output
from faena.helper.state import current, here, objects
from faena.kernel import asker
from faena.script.proxies import values
from faena.script.proxies.frames import Stream, TooLarge

_GONE = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)


class Conversation:
    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.stream = Stream(connection)
        self.pid = 0
        self.at_work = False
        """Whether an interrupt is for what it does."""
        self._turn = threading.RLock()
        self._exchanges = 0
        self._is_interrupted = False

    def greeted(self) -> str:
        """The role that the other side says it has; empty for one that says nothing."""
        try:
            said, _ = self.stream.receive()
            self.pid = int(said[2]["pid"])
            asker.serve(str(said[2]["python"]), str(said[2]["minor"]))
            return str(said[1])
        except (OSError, EOFError, ValueError, LookupError, TypeError):
            return ""

    def run(self) -> None:
        """Until the other side has closed it."""
        while True:
            try:
                said, pieces = self.stream.receive()
                if said[0] == "sync":
                    self.stream.send(["ok", None])
                    continue
                answer, beside = self._done(said, pieces)
                self._send(answer, beside)
            except (OSError, EOFError):
                return

    def _send(self, answer: Any, beside: list[Any]) -> None:
        try:
            self.stream.send(answer, beside)
        except TooLarge as error:
            encoder = values.Encoder(marshal.say)
            self.stream.send(["error", marshal.error(error, encoder)], encoder.pieces)

    def _done(self, said: Any, pieces: list[bytes]) -> tuple[Any, list[Any]]:
        decoder = marshal.decoder(pieces, self.pid)
        before, here.conversation = current(), self
        was_at_work = self.at_work
        try:
            try:
                operation, arguments, told = said
                if told is not None:
                    for number, count in told.get("released", ()):
                        objects.release(number, count)
                    folders.follow(told)
                given = [decoder.decode(each) for each in arguments]
                self.at_work = True
                self._is_interrupted = False
                found = operations.ALL[operation](*given)
                encoder = values.Encoder(marshal.say, marshal.live if operation == "attribute" else None)
                answer = ["ok", encoder.encode(found)]
            finally:
                self.at_work = was_at_work
        except BaseException as error:  # noqa: BLE001  whatever it is, it is raised where it was asked
            encoder = values.Encoder(marshal.say)
            answer = ["error", marshal.error(error, encoder)]
        finally:
            output.end(self)
            here.conversation = before
        return answer, encoder.pieces

    def interrupt(self) -> None:
        """Raises KeyboardInterrupt, by and by where a message is on its way: half of one would end all talk."""
        if self._exchanges:
            self._is_interrupted = True
        else:
            raise KeyboardInterrupt

    @contextmanager
    def _exchange(self) -> Iterator[None]:
        self._exchanges += 1
        try:
            with self._turn:
                yield
        finally:
            self._exchanges -= 1
        if self._is_interrupted and not self._exchanges:
            self._is_interrupted = False
            raise KeyboardInterrupt

    def printed(self, number: int, text: str) -> None:
        with self._exchange():
            self.stream.send(["out", number, text])

    def ask(self, number: int, name: str, arguments: Any, named: Any) -> Any:
        """An object of the other side's. Raises what it raises; EOFError, OSError where that is gone."""
        encoder = values.Encoder(marshal.say)
        request = ["call", number, name, encoder.encode(list(arguments)), encoder.encode(named)]
        with self._exchange():
            self.stream.send(request, encoder.pieces)
            while True:
                said, pieces = self.stream.receive()
                if said[0] in ("ok", "error"):
                    break
                self._send(*self._done(said, pieces))  # what it asks to be able to answer
        found = marshal.decoder(pieces, self.pid).decode(said[1])
        if said[0] == "error":
            raise found
        return found

    def is_over(self) -> bool:
        """Whether the other side has closed it."""
        return self._poll(0)

    def wait_for_end(self) -> None:
        self._poll(None)

    def _poll(self, milliseconds: int | None) -> bool:
        poll = select.poll()
        try:
            poll.register(self.socket, _GONE & ~(select.POLLHUP | select.POLLERR))
        except (OSError, ValueError):
            return True
        return bool(poll.poll(milliseconds))

    def close(self) -> None:
        self.socket.close()
