"""A datastore is a name for a folder; two are there in each workspace."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from faena.kernel.errors import UserErrorException
from faena.workspaces.model import WorkspaceFolder

DEFAULT = "workspaceblobstore"
BUILT_IN = {DEFAULT: "AzureBlob", "workspacefilestore": "AzureFile"}
"""In each workspace, with the type that v1's scripts expect of them."""


class DatastoreKind(StrEnum):
    WORKSPACE = "workspace"
    """A folder inside the workspace."""
    LOCAL_FOLDER = "local_folder"
    """A folder of this machine that somebody registered."""


class Datastore(Struct, frozen=True):
    name: str
    kind: DatastoreKind
    folder: Path
    is_default: bool

    @property
    def type(self) -> str:
        """v1's word for the kind of store."""
        return BUILT_IN.get(self.name, "LocalFolder")


def place_of(folder: WorkspaceFolder, name: str) -> Path:
    """Where a datastore that every workspace has keeps its files."""
    return folder.path / "datastores" / name


def check_folder(given: str, workspace: Path) -> Path:
    """The real folder to register. Raises UserErrorException.

    One that holds the workspace's own `.faena`, or lies in it, is refused: an upload could break the workspace.
    """
    shown = repr(given[:300])
    if "\0" in given or not given.startswith("/"):
        raise UserErrorException(f"{shown} is no absolute path of a folder.")
    try:
        real = Path(given).resolve(strict=True)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserErrorException(
            f"The folder {shown} cannot be registered: {reason}. Make it first."
        ) from None
    if not real.is_dir():
        raise UserErrorException(f"{shown} is no folder. Register the folder that the file lies in.")
    inner = workspace.resolve()
    if inner.is_relative_to(real) or real.is_relative_to(inner):
        raise UserErrorException(
            f"{shown} holds the workspace's own files ({inner}). Register a folder beside it or below it."
        )
    return real
