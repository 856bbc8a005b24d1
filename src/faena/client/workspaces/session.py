"""An opened workspace: its folder and the requests to its server. What every handle stands on."""

from __future__ import annotations

import getpass
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from faena.client.api import ServerApi
from faena.client.wire import shown
from faena.kernel.errors import UserErrorException
from faena.workspaces import listing
from faena.workspaces.identity import claim
from faena.workspaces.model import WorkspaceFolder


class RunLookup(Protocol):
    """A workspace, which finds a run by its id."""

    def get_run(self, run_id: str) -> Any: ...


class Session:
    """A workspace folder and the requests to its server, which starts at the first one."""

    def __init__(self, opened: WorkspaceFolder) -> None:
        self._opened = claim(opened)
        listing.learn(self._opened)

    @property
    def name(self) -> str:
        return self._opened.name

    @property
    def id(self) -> str:
        return self._opened.id

    @property
    def folder(self) -> Path:
        """The folder that holds `.faena`, where it is now."""
        return self.files.path.parent

    @property
    def files(self) -> WorkspaceFolder:
        """Where things lie inside `.faena`, which may be moved once its server was asked for something."""
        if "api" not in self.__dict__:
            return self._opened
        now = self.api.transport.locate(self._opened.path)
        return self._opened if now == self._opened.path else replace(self._opened, path=now)

    @cached_property
    def api(self) -> ServerApi:
        """Requests to this workspace's server."""
        return ServerApi(self._opened.path)

    def __repr__(self) -> str:
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
