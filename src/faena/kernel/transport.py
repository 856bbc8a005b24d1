"""HTTP over the workspace's Unix socket, for clients and runners alike.

Every request may be repeated without a second effect (ids are made by the client), so a connection that breaks is
opened anew, and a server that is not there is started, until the caller's patience ends.
"""

from __future__ import annotations

import json
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import quote

import urllib3
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from faena.kernel import file_names, settings
from faena.kernel.discovery import Rendezvous
from faena.kernel.errors import (
    FaenaError,
    ProtocolMismatch,
    ServerUnreachable,
    UserErrorException,
    WorkspaceException,
    WorkspaceGone,
    from_wire,
)
from faena.kernel.moved_folders import Whereabouts
from faena.kernel.startup_errors import REFUSED, ServerStart
from faena.kernel.unresponsive import Silence

WIRE_HEADER = "Faena-Wire"
_BETWEEN_STARTS = 2.0
_ELECTED = 0.25
"""The same after one that was not needed."""
_LONGEST_BETWEEN_STARTS = 30.0
_UNEXPLAINED = 2
"""Servers that end without a word, one after the other, until that counts as an answer."""
_LONGEST_SEGMENT = 500
_PART = 1 << 20
_SHORT = 120.0
"""Seconds that an answer may take of which nothing is told before it comes."""


class AnswerBroken(ServerUnreachable):
    """An answer broke off before its end."""


class _Connection(HTTPConnection):
    def __init__(self, rendezvous: Rendezvous, **options: Any) -> None:
        super().__init__("localhost", **options)
        self._rendezvous = rendezvous

    def _new_conn(self) -> socket.socket:
        timeout = self.timeout if isinstance(self.timeout, (int, float)) else None
        try:
            return self._rendezvous.connect(timeout)
        except OSError as error:
            raise urllib3.exceptions.NewConnectionError(self, str(error)) from error


class _Pool(HTTPConnectionPool):
    def __init__(self, rendezvous: Rendezvous) -> None:
        super().__init__("localhost", maxsize=8)
        self._rendezvous = rendezvous

    def _new_conn(self) -> HTTPConnection:
        timeout = self.timeout.connect_timeout if self.timeout else None
        return _Connection(self._rendezvous, timeout=timeout)


class Transport:
    """Requests to the server of a workspace folder. Safe to use from several threads.

    Each raises at once what a server says that was started and cannot be one: WorkspaceException for a workspace of a
    newer Faena, DatabaseDamaged, StorageFull, …

    `patience`: seconds for which a request goes on trying when no server answers. `start`: whether a missing
    server is started. `persevering`: also a server that cannot start is tried again, until patience ends.
    `tells`: on stderr, within five seconds, of a server that does not answer and of a full disk.
    """

    def __init__(
        self,
        folder: Path,
        *,
        patience: float = 60.0,
        start: bool = True,
        persevering: bool = False,
        tells: bool = False,
    ) -> None:
        self._given = folder
        self._whereabouts = Whereabouts(folder)
        self.rendezvous = Rendezvous(folder)
        self.silence = Silence(lambda: self.rendezvous) if tells else None
        """Tells who waits here that nothing comes."""
        self._patience = patience
        self._start = start
        self._persevering = persevering
        self._pool = _Pool(self.rendezvous)
        self._lock = threading.Lock()
        self._starting: ServerStart | None = None
        self._started_at = -_BETWEEN_STARTS
        self._refusals = 0
        self._refusal: FaenaError | None = None
        """Why no server could start, when it was tried last."""

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        headers: dict[str, str] | None = None,
        timeout: float = 120.0,
        patience: float | None = None,
        start: bool | None = None,
    ) -> urllib3.BaseHTTPResponse:
        """The answer, its body read. `timeout`: seconds that an answer may take; the others as for all requests.

        Raises ServerUnreachable, or the FaenaError that the server's answer names.
        """
        with self._told(timeout):
            answer = self._send(method, path, body, headers, timeout, patience, start, preload=True)
        _raise_for(answer)
        return answer

    @contextmanager
    def stream(
        self, method: str, path: str, body: bytes | None = None, *, timeout: float = 60.0
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """The answer with its body still to be read. `timeout`: seconds of silence that are allowed.

        Raises as `request` does, and AnswerBroken where the body breaks off.
        """
        with self._told(timeout):
            answer = self._send(method, path, body, None, timeout, None, None, preload=False)
        try:
            if answer.status >= 400:
                raise _error(answer.status, answer.read())
            yield answer
        except (urllib3.exceptions.HTTPError, ConnectionError) as error:
            raise AnswerBroken(
                f"The server of workspace {self.rendezvous.folder} broke off its answer ({error}). Ask again; its log "
                f"is {self.rendezvous.log}."
            ) from error
        finally:
            answer.close()

    def json(self, method: str, path: str, value: Any = None, **options: Any) -> Any:
        """Send and receive JSON; None when the answer is empty. Raises UserErrorException for what is no text."""
        try:
            body = None if value is None else json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            found = ascii(error.object[error.start])  # alone: what is sent may be a secret
            raise UserErrorException(
                f"What is sent holds {found}, which is not Unicode text. Leave it out."
            ) from None
        return self.json_answer(method, path, body, **options)

    def json_answer(self, method: str, path: str, body: bytes | None, **options: Any) -> Any:
        """Send bytes, receive JSON; None when the answer is empty."""
        answer = self.request(method, path, body, **options)
        return json.loads(answer.data) if answer.data else None

    def download(self, path: str, target: Path) -> None:
        """Write the answer's bytes to a file, whole or not at all: its name appears when its last byte is there.

        An answer that breaks off is asked for once more: a server that died has a successor, and one that met damage
        on the way names it then. Raises UserErrorException when the file cannot be written.
        """
        try:
            self._download(path, target)
        except AnswerBroken:
            self._download(path, target)

    def _download(self, path: str, target: Path) -> None:
        with self.stream("GET", path) as answer:
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                # a name of its own: of several that write one file at once, each is whole and the last one stays
                temporary = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}.part")
                try:
                    with temporary.open("xb") as file:
                        for part in answer.stream(_PART):
                            file.write(part)
                    temporary.replace(target)
                finally:
                    temporary.unlink(missing_ok=True)
            except (OSError, ValueError) as error:  # ValueError: a NUL, or no name at all
                reason = getattr(error, "strerror", None) or error
                raise UserErrorException(f"{str(target)[:300]!r} cannot be written: {reason}.") from error

    def locate(self, path: Path) -> Path:
        """Where a path of the workspace's folder is now, that was moved since; where it was, if it was removed."""
        now = self._whereabouts.now()
        if now is None or now == self._given or not path.is_relative_to(self._given):
            return path
        return now / path.relative_to(self._given)

    def close(self) -> None:
        self._pool.close()

    def _told(self, timeout: float) -> AbstractContextManager[None]:
        """Around a wait that is to be short; whoever allows an hour knows that it takes long."""
        return self.silence.waiting() if self.silence and timeout <= _SHORT else nullcontext()

    def _send(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str] | None,
        timeout: float,
        patience: float | None,
        start: bool | None,
        *,
        preload: bool,
    ) -> urllib3.BaseHTTPResponse:
        deadline = time.monotonic() + (self._patience if patience is None else patience)
        sent = {WIRE_HEADER: str(settings.WIRE_VERSION), **(headers or {})}
        pause = 0.005
        while True:
            self._follow()
            try:
                answer = self._pool.urlopen(
                    method,
                    path,
                    body,
                    sent,
                    retries=False,
                    timeout=urllib3.Timeout(connect=5.0, read=timeout),
                    preload_content=preload,
                    redirect=False,
                )
                if answer.status != WorkspaceGone.status:
                    if self._starting is not None or self._refusals:
                        self._forget_start()
                    return answer
                failure: Exception = self._gone(answer)
            except urllib3.exceptions.NewConnectionError as error:
                if self._start if start is None else start:
                    self._start_server()
                failure = error
            except urllib3.exceptions.ReadTimeoutError as error:
                failure = error
            except (urllib3.exceptions.ProtocolError, ConnectionError) as error:
                failure = error
            if time.monotonic() + pause > deadline:
                raise self._refusal or ServerUnreachable(
                    f"The server of workspace {self.rendezvous.folder} does not answer ({failure}). "
                    f"Its log is {self.rendezvous.log}."
                ) from failure
            time.sleep(pause)
            pause = min(pause * 1.5, 0.5)

    def _gone(self, answer: urllib3.BaseHTTPResponse) -> FaenaError:
        """A server that was here is on its way out: the next one need not wait for anything."""
        said = _error(answer.status, answer.data)
        self._pool = _Pool(self.rendezvous)  # no further request goes to it
        self._started_at = -_BETWEEN_STARTS
        return said

    def _follow(self) -> None:
        """Go where the workspace is now. Raises WorkspaceException where it was removed."""
        now = self._whereabouts.now()
        if now is None:
            raise WorkspaceException(
                f"The workspace is not in {self.rendezvous.folder.parent} any more: it was removed, or replaced by "
                "another one. Open the one that is wanted."
            )
        if now != self.rendezvous.folder:
            self.rendezvous, self._pool = Rendezvous(now), _Pool(Rendezvous(now))
            self._forget_start()
            self._started_at = -_BETWEEN_STARTS

    def _start_server(self) -> None:
        """Start a server unless one is on its way. Raises what the one before said that could not start."""
        with self._lock:
            if self._starting is not None:
                if (code := self._starting.ended()) is None:
                    return
                self._ended(self._starting, code)
            pause = min(_BETWEEN_STARTS * 2**self._refusals, _LONGEST_BETWEEN_STARTS)
            if time.monotonic() - self._started_at < pause:
                return
            self._started_at = time.monotonic()
            self._starting = self.rendezvous.start_server()

    def _ended(self, start: ServerStart, code: int) -> None:
        self._starting = None
        try:
            if code == 0:  # another one was elected, or is about to leave
                self._started_at -= _BETWEEN_STARTS - _ELECTED
            if code <= 0:  # or somebody killed it: it may be tried again
                return
            self._refusals += 1
            if code != REFUSED and self._refusals < _UNEXPLAINED:
                return
            self._refusal = start.reason()
        finally:
            start.close()
        if not self._persevering:
            raise self._refusal

    def _forget_start(self) -> None:
        with self._lock:
            if self._starting is not None:
                self._starting.close()
            self._starting, self._refusal, self._refusals = None, None, 0


def segment(name: object) -> str:
    """A name as one part of an address. Raises UserErrorException for what can be the name of nothing here."""
    usable = isinstance(name, str) and 0 < len(name) <= _LONGEST_SEGMENT and "/" not in name
    if not usable or file_names.refusal(str(name)) is not None:
        shown = ascii(name if len(str(name)) <= 80 else f"{str(name)[:60]}… ({len(str(name))} characters)")
        raise UserErrorException(
            f"{shown} cannot be a name or an id. Use text without slashes, such as 'mnist-1'."
        )
    return quote(str(name), safe="")


def file_segment(name: object) -> str:
    """A file of a run as the end of an address. Raises UserErrorException for what can be the name of none."""
    why = file_names.refusal(name) if isinstance(name, str) else "is not text"
    if why is not None:
        raise UserErrorException(f"{ascii(name)[:80]} cannot be a file of a run: it {why}.")
    return quote(str(name))


def _raise_for(answer: urllib3.BaseHTTPResponse) -> None:
    if answer.status < 400:
        return
    raise _error(answer.status, answer.data)


def _error(status: int, data: bytes) -> FaenaError:
    try:
        said = json.loads(data)
        return from_wire(str(said["code"]), str(said["message"]))
    except (ValueError, KeyError, TypeError):
        shown = data[:200].decode("utf-8", "replace")
        return ProtocolMismatch(
            f"The server answered {status} in a form that this version does not know: {shown}"
        )
