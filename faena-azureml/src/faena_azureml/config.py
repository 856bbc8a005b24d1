"""config.json, which says which workspace a project uses: v1's places, names and keys."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faena.client.workspaces.opened import OpenedWorkspace, kept_before
from faena.kernel import ids, ownership, settings
from faena.kernel.durable import write_atomically
from faena.kernel.errors import UserErrorException, WorkspaceException
from faena.workspaces.model import WorkspaceFolder, open_folder, refuse_foreign
from faena_azureml.coordinates import UNSAID, Coordinates

_FOLDERS = (".azureml", "aml_config", "")
_NAMES = ("config.json", "project.json")
_SCOPE = ("subscriptions", "resourcegroups", "workspaces")
_MAX_FILE = 1 << 20
"""Bytes."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a config.json says. `folder`: where the workspace lies, in those that Faena wrote; `url`: of its server."""

    workspace_name: str
    subscription_id: str | None
    resource_group: str | None
    folder: Path | None
    url: str | None

    def folder_opened(self) -> WorkspaceFolder | None:
        """The workspace in that folder; None where there is none: the file may come from another machine."""
        if self.folder is None:
            return None
        inside = self.folder.name == settings.WORKSPACE_FOLDER
        folder = self.folder if inside else self.folder / settings.WORKSPACE_FOLDER
        refuse_foreign(folder)
        try:
            return open_folder(folder)
        except WorkspaceException:
            return None


def find(start: Path, name: str | None = None) -> Path | None:
    """`start` if it is a file; else the first config file in it or above it."""
    if _is_there(start):
        return start
    return next((file for file in _candidates(start, name) if _is_there(file)), None)


def _is_there(file: Path) -> bool:
    try:
        return file.is_file()
    except PermissionError:
        raise ownership.closed(file) from None


def missing(path: str | os.PathLike[str] | None) -> UserErrorException:
    """The error for a search that found nothing."""
    start = Path(path or ".").absolute()
    return UserErrorException(
        f"We could not find config.json in: {start} or in its parent directories. Please provide the "
        "full path to the config file, make a workspace with `faena init` or Workspace.create and write_config(), "
        "or log in to that of a shared server: `faena login URL`."
    )


def read(file: Path) -> Named:
    """Raises UserErrorException when the file cannot be read or names no workspace."""
    found = _object_in(file)
    scope = _scope(found.get("Scope") or found.get("Id"))
    name = found.get("workspace_name") or scope.get("workspaces")
    if not isinstance(name, str):
        raise UserErrorException(
            f"{file} names no workspace: it needs the keys 'subscription_id', 'resource_group' and 'workspace_name'."
        )
    folder = found.get("workspace_folder")
    return Named(
        ids.check_workspace_name(name),
        _text(found.get("subscription_id") or scope.get("subscriptions")),
        _text(found.get("resource_group") or scope.get("resourcegroups")),
        file.parent / folder if isinstance(folder, str) else None,
        _text(found.get("workspace_url")),
    )


def write(workspace: OpenedWorkspace, where: Coordinates, folder: Path, name: str) -> None:
    """Write the file that leads back to `workspace` from `folder` and below.

    Other keys of a file that is there stay, and the cloud's coordinates where the workspace has none. A file that named
    another workspace is kept beside it.
    """
    if Path(name).name != name:
        raise UserErrorException(f"file_name is {name[:80]!r}. Use a plain file name.")
    place = folder / ("aml_config" if (folder / "aml_config").is_dir() else ".azureml")
    place.mkdir(parents=True, exist_ok=True)
    here = {"workspace_name": workspace.name}
    if workspace.url:
        here["workspace_url"] = workspace.url
    else:
        here["workspace_folder"] = os.path.relpath(workspace.folder, place)
    said, _ = kept_before(place / name, here)
    cloud = {"subscription_id": where.subscription_id, "resource_group": where.resource_group}
    given = {key: value for key, value in cloud.items() if value != UNSAID or key not in said}
    write_atomically(place / name, (json.dumps({**said, **given, **here}, indent=4) + "\n").encode())


def project_of(file: Path) -> Path:
    """The folder whose config file this is."""
    return file.parent.parent if file.parent.name in _FOLDERS else file.parent


def _candidates(start: Path, name: str | None) -> Iterator[Path]:
    for folder in (start, *start.parents):
        for place in _FOLDERS:
            for candidate in (name,) if name else _NAMES:
                yield folder / place / candidate


def _object_in(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > _MAX_FILE:
            raise UserErrorException(f"{file} is larger than {_MAX_FILE} bytes: it is no config.json.")
        found = json.loads(file.read_text(encoding="utf-8-sig"))
    except PermissionError:
        raise ownership.closed(file) from None
    except (OSError, ValueError, RecursionError) as error:
        raise UserErrorException(
            f"{file} cannot be read: {error}. Write it anew with ws.write_config()."
        ) from error
    if not isinstance(found, dict):
        raise UserErrorException(f"{file} holds no JSON object. Write it anew with ws.write_config().")
    return found


def _scope(path: object) -> dict[str, str]:
    """The parts of `/subscriptions/<id>/resourceGroups/<name>/…/workspaces/<name>` by lower-case key."""
    words = path.strip("/").split("/") if isinstance(path, str) else []
    pairs = zip(words[::2], words[1::2], strict=False)
    return {key.lower(): value for key, value in pairs if key.lower() in _SCOPE}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
