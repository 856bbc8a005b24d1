"""An opened workspace: where it is and the requests to its server. What every handle stands on."""

from __future__ import annotations

import getpass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from msgspec.structs import replace

from faena.client.wire import shown
from faena.kernel import digests, settings
from faena.kernel.addresses import Address, Url
from faena.kernel.errors import NoFolder, UserErrorException
from faena.workspaces import listing
from faena.workspaces.identity import claim
from faena.workspaces.model import WorkspaceFolder
from faena.workspaces.schemas import WorkspaceView

if TYPE_CHECKING:
    from faena.client.api import ServerApi


class RunLookup(Protocol):
    """A workspace, which finds a run by its id."""

    def get_run(self, run_id: str) -> Any: ...


class Session:
    """A workspace and the requests to its server: in a folder of this host, whose server starts at the first one, or at
    a URL.
    """

    model_handle: ClassVar[Any] = None
    """The class of its models' handles where it is not Model: what was opened under other names answers with theirs."""

    @property
    def sweep_handle(self) -> Any:
        """The class of its sweeps' handles where it is not HyperDriveRun, likewise."""
        return None

    def __init__(self, opened: WorkspaceFolder | Url) -> None:
        self.offered: set[tuple[str, str | None]] = set()
        """Snapshots, with the object of their changes since the commit, that the server was offered."""
        self._opened: WorkspaceFolder | None = None
        if isinstance(opened, Url):
            self._address: Address = opened
        else:
            self._opened = claim(opened)
            self._address = self._opened.path
            listing.learn(self._opened)

    @property
    def name(self) -> str:
        return self._view.name if self._opened is None else self._opened.name

    @property
    def id(self) -> str:
        return self._view.id if self._opened is None else self._opened.id

    @property
    def folder(self) -> Path:
        """The folder that holds `.faena`, where it is now. Raises NoFolder for a workspace at a URL."""
        return self.files.path.parent

    @property
    def files(self) -> WorkspaceFolder:
        """Where things lie inside `.faena`, which may be moved once its server was asked for something.

        Raises NoFolder for a workspace at a URL.
        """
        if self._opened is None:
            raise NoFolder(
                f"The workspace at {self._where} has no folder on this machine. Ask for this where its server runs."
            )
        if "api" not in self.__dict__:
            return self._opened
        now = self.api.transport.locate(self._opened.path)
        return self._opened if now == self._opened.path else replace(self._opened, path=now)

    @property
    def indexes(self) -> Path:
        """What captures of source folders noted last time: for a workspace elsewhere it is among this user's things."""
        if isinstance(self._address, Url):
            return settings.home() / "indexes" / digests.of_bytes(self._address.url.encode())[:16]
        return self.files.indexes

    @property
    def address(self) -> Address:
        """Its folder, or the URL of its server with the token for it."""
        return self._address

    @property
    def url(self) -> str:
        """Where its server is; empty for a workspace in a folder."""
        return self._address.url.rstrip("/") if isinstance(self._address, Url) else ""

    @cached_property
    def api(self) -> ServerApi:
        """Requests to this workspace's server."""
        from faena.client.api import ServerApi  # its HTTP takes longer to load than all handles

        return ServerApi(self._address)

    def quiet_api(self, patience: float, answering: float) -> ServerApi:
        """Requests on connections of their own, for what looks beside the user's work: nothing is told on stderr."""
        from faena.client.api import ServerApi

        address = self._address if self._opened is None else self.files.path
        return ServerApi(address, tells=False, patience=patience, answering=answering)

    @cached_property
    def _view(self) -> WorkspaceView:
        return self.api.workspace()

    @property
    def _where(self) -> str:
        return self._address.url if isinstance(self._address, Url) else str(self.folder)

    def __repr__(self) -> str:
        if self._opened is None:
            return f"Workspace(url={self._where!r})"
        return f"Workspace(name={self.name!r}, folder={str(self.folder)!r})"


def api_of(workspace: object) -> ServerApi:
    """Requests to the server of what somebody gave as a workspace. Raises UserErrorException for what is none."""
    return checked(workspace).api


def checked(workspace: object) -> Session:
    """What somebody gave as a workspace. Raises UserErrorException for what is none, such as its name."""
    if isinstance(workspace, Session):
        return workspace
    raise UserErrorException(
        f"{shown(workspace)} is no workspace. Give an opened one, such as Workspace.from_config()."
    )


def user() -> str:
    """Who runs this process; empty where the system has no name for them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
