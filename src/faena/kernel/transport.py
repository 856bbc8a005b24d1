"""HTTP to a workspace's server, for clients and runners alike: over its Unix socket, or at a URL.

Every request may be repeated without a second effect (ids are made by the client), so a connection that breaks is
opened anew, and a server that is not there is started, until the caller's patience ends.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from ssl import SSLError
from typing import Any, Protocol
from urllib.parse import quote

from faena.kernel import file_names, settings
from faena.kernel.addresses import Address, Url
from faena.kernel.connections import Answer, Broken, Connections, NotConnected
from faena.kernel.errors import (
    AnswerBroken,
    AuthenticationException,
    DatabaseAway,
    FaenaError,
    ProtocolMismatch,
    UserErrorException,
    WorkspaceGone,
    from_wire,
)
from faena.kernel.local_server import LocalServer
from faena.kernel.unresponsive import RemoteSilence, Silence

_LONGEST_SEGMENT = 500
_CONNECTING = 5.0
_AWAY = 300.0
"""Seconds for which a server at a URL is asked again that has answered before, and any whose database does not answer,
for which it waits a minute itself each time."""
_MUCH = 1 << 18
"""Bytes that a slow line takes seconds for."""
_WAITS = 30.0
"""Seconds of patience that whoever waits for that has at least."""
_SHORT = 120.0
"""Seconds that an answer may take of which nothing is told before it comes."""


class Server(Protocol):
    """A server as a transport meets it."""

    headers: dict[str, str]
    """What each request carries."""
    prefix: str
    """What stands before the path of each request."""
    has_answered: bool
    """Whether it is known to be there, and somebody else's to bring back."""

    @property
    def title(self) -> str:
        """How errors call it."""

    @property
    def advice(self) -> str:
        """What to look at when it does not answer."""

    def connections(self) -> Connections:
        """To where the server is now."""

    def locate(self, path: Path) -> Path:
        """Where a path of the workspace's folder is now."""

    def absent(self, *, start: bool | None) -> None:
        """Nobody listens. `start`: whether a server may be started; None: as always."""

    def answered(self) -> None: ...

    def leaving(self) -> None:
        """It said that it leaves."""

    def unreachable(self, failure: Exception) -> FaenaError:
        """What is said when patience has ended."""

    def close(self) -> None: ...


class Transport:
    """Requests to the server of a workspace. Safe to use from several threads.

    `address`: the workspace's `.faena` folder on this host, whose server is started where there is none, or a URL,
    whose is not. Each raises at once what a server says that was started and cannot be one: WorkspaceException for a
    workspace of a newer Faena, DatabaseDamaged, StorageFull, …

    `patience`: seconds for which a request goes on trying when no server answers; from 30 on it is five minutes at
    least for a server at a URL that has answered before. `start`: whether a missing server is started. `persevering`:
    also a server that cannot start is tried again, until patience ends.
    `tells`: on stderr, within five seconds, of a server that does not answer and of a full disk.
    `answering`: seconds that an answer may take, unless a request says otherwise.
    """

    def __init__(
        self,
        address: Address,
        *,
        patience: float = 60.0,
        start: bool = True,
        persevering: bool = False,
        tells: bool = False,
        answering: float = _SHORT,
    ) -> None:
        self.address = address
        self.silence: Silence | None
        """Tells who waits here that nothing comes; None: nobody is told."""
        self.server: Server
        if isinstance(address, Url):
            from faena.kernel.remote_server import RemoteServer  # with what TLS needs, which few load

            self.server = RemoteServer(address)
            self.silence = RemoteSilence(self.server.title) if tells else None
        else:
            self.server = local = LocalServer(address, start=start, persevering=persevering)
            self.silence = Silence(lambda: local.rendezvous) if tells else None
        self._patience = patience
        self._answering = answering

    @property
    def shares_files(self) -> bool:
        """Whether the server is of this host and takes files by their paths; else it is sent their bytes."""
        return not isinstance(self.address, Url)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        *,
        headers: dict[str, str] | None = None,
        timeout: float | None = None,
        held: float = 0.0,
        patience: float | None = None,
        start: bool | None = None,
        connecting: float = _CONNECTING,
    ) -> Answer:
        """The answer, its body read. `timeout`: seconds that it may take; None, and the others: as for all requests.

        `held`: seconds of these for which the server is asked to wait for news, which is no silence. `connecting`:
        those in which its host must answer, where there is no connection yet.

        Raises ServerUnreachable, or the FaenaError that the server's answer names.
        """
        timeout = self._answering if timeout is None else timeout
        with self._told(timeout, held, body):
            answer = self._send(
                method, path, body, headers, timeout, patience, start, preload=True, connecting=connecting
            )
        if answer.status >= 400:
            raise self._refused(_error(answer.status, answer.data))
        return answer

    def once(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None,
        headers: Mapping[str, str],
        *,
        connecting: float,
        answering: float,
    ) -> Answer:
        """Asked once, for who answers somebody else: whatever its status, its body still to be read.

        Raises NotConnected, Broken, SSLError, and what `body` raises.
        """
        sent = {**headers, settings.WIRE_HEADER: str(settings.WIRE_VERSION), **self.server.headers}
        return self.server.connections().ask(
            method,
            f"{self.server.prefix}{path}",
            body,
            sent,
            connecting=connecting,
            answering=answering,
            preload=False,
        )

    @contextmanager
    def stream(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        headers: dict[str, str] | None = None,
        timeout: float = 60.0,
    ) -> Iterator[Answer]:
        """The answer with its body still to be read. `timeout`: seconds of silence that are allowed.

        Raises as `request` does, and AnswerBroken where the body breaks off.
        """
        with self._told(timeout, body=body):
            answer = self._send(method, path, body, headers, timeout, None, None, preload=False)
        try:
            if answer.status >= 400:
                raise self._refused(_error(answer.status, answer.read()))
            yield answer
        except Broken as error:
            raise AnswerBroken(
                f"{self.server.title} broke off its answer ({error}). Ask again. {self.server.advice}"
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

    def download(self, path: str, target: Path, progress: Callable[[], None] = lambda: None) -> str:
        """Write the answer's bytes to a file, whole or not at all: its name appears when its last byte is there.

        The digest that they have, where the server told one and it was looked at; else empty.

        Where an answer breaks off the rest is asked for, as long as each brings something; what cannot be continued
        is asked for once more: a server that died has a successor, and one that met damage on the way names it then.
        `progress` is called between parts. Raises UserErrorException when the file cannot be written, and what
        `progress` raises.
        """
        from faena.kernel.partial_file import PartialFile  # with what few load

        with PartialFile(target) as file:
            in_vain = 0
            while True:
                before = file.size
                try:
                    with self.stream("GET", path, headers=file.headers) as answer:
                        file.take(answer, progress)
                    break
                except AnswerBroken:
                    in_vain = 0 if file.goes_on and file.size > before else in_vain + 1
                    if in_vain > 1:
                        raise
            if not file.is_sound:
                raise AnswerBroken(
                    f"What {self.server.title} sent as {path} came with other bytes. Ask again."
                )
            file.keep()
            return file.digest

    def locate(self, path: Path) -> Path:
        """Where a path of the workspace's folder is now, that was moved since; where it was, if it was removed."""
        return self.server.locate(path)

    def by(self, token: str) -> Transport:
        """To the same server at a URL, over the same connections, by another token."""
        assert isinstance(self.address, Url)
        other = copy.copy(self)
        other.address = replace(self.address, token=token, origin="")
        other.server = copy.copy(self.server)
        other.server.headers = {**self.server.headers, "Authorization": f"Bearer {token}"}
        return other

    def close(self) -> None:
        self.server.close()

    def _told(
        self, timeout: float, held: float = 0.0, body: bytes | Iterable[bytes] | None = None
    ) -> AbstractContextManager[None]:
        """Around a wait that is to be short; whoever allows an hour knows that it takes long, and so does who sends
        much over a line."""
        is_long = timeout > _SHORT or (not self.shares_files and _is_much(body))
        return nullcontext() if self.silence is None or is_long else self.silence.waiting(held)

    def _refused(self, error: FaenaError) -> FaenaError:
        """With where the token came from that is not good, which is often another place than somebody thinks."""
        origin = self.address.origin if isinstance(self.address, Url) else ""
        if not origin or not isinstance(error, AuthenticationException):
            return error
        return type(error)(f"{error.message} The token is that of {origin}.")

    def _send(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None,
        headers: dict[str, str] | None,
        timeout: float,
        patience: float | None,
        start: bool | None,
        *,
        preload: bool,
        connecting: float = _CONNECTING,
    ) -> Answer:
        given = self._patience if patience is None else patience
        deadline = time.monotonic() + given
        longest = time.monotonic() + max(given, _AWAY if given >= _WAITS else 0.0)
        sent = {settings.WIRE_HEADER: str(settings.WIRE_VERSION), **self.server.headers, **(headers or {})}
        pause = 0.005
        while True:
            try:
                answer = self.server.connections().ask(
                    method,
                    f"{self.server.prefix}{path}",
                    body,
                    sent,
                    connecting=connecting,
                    answering=timeout,
                    preload=preload,
                )
                if answer.status not in (WorkspaceGone.status, DatabaseAway.status):
                    self.server.answered()
                    return answer
                failure: Exception = _error(answer.status, answer.data if preload else answer.read())
                answer.close()
                if answer.status == WorkspaceGone.status:
                    self.server.leaving()
                else:
                    self.server.answered()
                    if not isinstance(failure, DatabaseAway) or time.monotonic() > longest:
                        raise failure
                    deadline = longest
            except SSLError as error:  # trying again makes no certificate another one
                raise self.server.unreachable(error) from error
            except NotConnected as error:
                self.server.absent(start=start)
                failure = error
            except Broken as error:
                failure = error
            if self.server.has_answered:
                deadline = longest
            if time.monotonic() + pause > deadline:
                raise self.server.unreachable(failure) from failure
            time.sleep(pause)
            pause = min(pause * 1.5, 0.5)


def _is_much(body: bytes | Iterable[bytes] | None) -> bool:
    return body is not None and not (isinstance(body, bytes) and len(body) < _MUCH)


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


def _error(status: int, data: bytes) -> FaenaError:
    try:
        said = json.loads(data)
        return from_wire(str(said["code"]), str(said["message"]))
    except (ValueError, KeyError, TypeError):
        shown = data[:200].decode("utf-8", "replace")
        return ProtocolMismatch(
            f"The server answered {status} in a form that this version does not know: {shown}"
        )
