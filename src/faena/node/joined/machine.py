"""What a machine keeps of a workspace that it has joined: its token, and where its server is.

<FAENA_HOME>/nodes/<workspace id>/<machine name>/
    machine.json   0600
    node.lock      flock: of the one runner of this name; which start of the host it saw
    attempts/ objects/ data/ builds/   see `home`
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from faena.kernel import settings
from faena.kernel.addresses import Url
from faena.kernel.discovery import is_held, try_lock
from faena.kernel.durable import write_atomically
from faena.kernel.errors import Conflict, UserErrorException, WorkspaceException
from faena.kernel.process_identity import boot

_TOKEN = re.compile(r"FAENA1-(plain|[0-9a-f]{32,64})-[0-9A-Za-z_]{16,200}")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_URL = re.compile(r"https?://(?:[^\s/?#@:\[\]]+|\[[0-9A-Fa-f:.%\w]+\])(?::\d{1,5})?")
_FILE = "machine.json"


@dataclass(frozen=True)
class Machine:
    url: str
    name: str
    workspace: str
    """Its id."""
    token: str = field(repr=False)
    """Its own."""

    @property
    def folder(self) -> Path:
        return _nodes() / self.workspace / self.name

    @property
    def address(self) -> Url:
        return address_of(self.url, self.token)

    def keep(self) -> None:
        """For the next start. Raises OSError."""
        self._make()
        write_atomically(self.folder / _FILE, json.dumps(asdict(self)).encode(), mode=0o600)

    def hold(self) -> int:
        """Be its one runner on this host, for as long as this process lives. Raises Conflict."""
        self._make()
        lock = try_lock(self.folder / "node.lock")
        if lock is None:
            raise Conflict(
                f"A runner of the node {self.name!r} lives on this machine already. Give this one another --name, or "
                "end that one."
            )
        os.truncate(lock, 0)
        os.pwrite(lock, boot().encode(), 0)
        return lock

    def _make(self) -> None:
        """Whatever the state folder's mode, what lies there is nobody else's business. Raises OSError."""
        for folder in (_nodes(), self.folder.parent, self.folder):
            folder.mkdir(mode=0o700, exist_ok=True)

    @property
    def gone(self) -> Iterator[Path]:
        """Folders of this host's other machines of the workspace whose runners have ended.

        Where hosts share a disk a lock may be held on another one, unseen: only what was begun on this host, since
        its start, is known to be over.
        """
        for lock in self.folder.parent.glob("*/node.lock"):
            if lock.parent != self.folder and not is_held(lock) and lock.read_text() == boot():
                yield lock.parent

    @classmethod
    def known(cls, url: str, name: str, token: str = "") -> Self | None:
        """That of an earlier start; None where there was none, or nothing can be read of it.

        `token`: to join with. Where it names another certificate, another workspace is at that address now.
        """
        for path in sorted(_nodes().glob(f"*/{name}/{_FILE}")):
            try:
                found = cls(**json.loads(path.read_bytes()))
            except (OSError, ValueError, TypeError):
                continue
            is_there = found.url == url and (not token or _certificate(token) == _certificate(found.token))
            if is_there and (found.workspace, found.name) == path.parts[-3:-1]:
                return found
        return None


def address_of(url: str, token: str) -> Url:
    """Where a token is good, and which certificate is to be trusted there. Raises UserErrorException."""
    found = _TOKEN.fullmatch(token)
    if found is None:
        raise UserErrorException(
            "That is no token that machines join with: those begin with FAENA1-. `faena node token CLUSTER` makes one "
            "where the server is; give it by FAENA_TOKEN."
        )
    fingerprint = "" if found[1] == "plain" else found[1]
    if fingerprint and not url.startswith("https:"):
        raise UserErrorException(
            f"The token is for a server with TLS. Give its address with https, not {url[:200]!a}."
        )
    return Url(url, token, fingerprint=fingerprint)


def _certificate(token: str) -> str:
    """The fingerprint that it names."""
    return token.split("-")[1] if token.count("-") > 1 else ""


def check_url(url: str) -> str:
    """Without a `/` at its end. Raises UserErrorException for what names more than a host and a port, or less."""
    found = url.rstrip("/")
    if not _URL.fullmatch(found):
        raise UserErrorException(
            f"{url[:200]!a} is no address that nodes join at: that is a host and a port with nothing behind them, such "
            "as https://10.0.0.5:41873. `faena node token CLUSTER` prints it where the server is."
        )
    return found


def check_name(name: str) -> str:
    """Raises UserErrorException."""
    if not _NAME.fullmatch(name):
        raise UserErrorException(
            f"{name[:80]!a} is no name of a machine. Use letters, digits, '.', '_' and '-', 1 to 63."
        )
    return name


def default_name() -> str:
    """As this host is called, as far as that is a name."""
    found = re.sub(r"[^A-Za-z0-9._-]+", "-", os.uname().nodename)[:63].strip("._-")
    return found or "machine"


def check_place() -> None:
    """Raises WorkspaceException where nothing can be kept: told before a server counts on this machine."""
    try:
        _nodes().mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryFile(dir=_nodes()):
            pass
    except OSError as error:
        raise WorkspaceException(
            f"Faena cannot write in {_nodes()}, where a node keeps what runs need: {error.strerror}. "
            "Set FAENA_HOME to a folder that you can write to."
        ) from error


def _nodes() -> Path:
    return settings.home() / "nodes"
