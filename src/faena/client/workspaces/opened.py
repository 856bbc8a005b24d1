"""How a workspace is made, found and opened: by its folder, its name or a config.json."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from faena.client.wire import shown
from faena.client.workspaces import logins
from faena.client.workspaces.session import Session
from faena.kernel import dates, ids, ownership, settings
from faena.kernel.addresses import Url
from faena.kernel.durable import write_atomically
from faena.kernel.errors import UserErrorException, WorkspaceException
from faena.workspaces import identity, listing
from faena.workspaces.model import create_folder, open_folder
from faena.workspaces.schemas import WorkspaceChange

_CONFIG_FOLDERS = (".azureml", "aml_config", "")


class OpenedWorkspace(Session):
    """Without the handles of what is in it: commands that only ask its server start sooner.

    `folder`: the folder that holds `.faena`, or `.faena` itself; default: the current folder.
    Raises WorkspaceException when there is none.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        path = Path(folder or ".").expanduser().absolute()
        if path.name != settings.WORKSPACE_FOLDER:
            path = path / settings.WORKSPACE_FOLDER
        super().__init__(open_folder(path))

    @classmethod
    def create(
        cls, name: str, folder: str | os.PathLike[str] | None = None, *, exist_ok: bool = False
    ) -> Self:
        """Make a workspace in `folder` (default: the current one).

        Raises WorkspaceException when the folder has one already, unless `exist_ok` and it has that name.
        """
        parent = Path(folder or ".").expanduser().absolute()
        try:
            made = create_folder(parent, name)
        except WorkspaceException:
            if not exist_ok or not (parent / settings.WORKSPACE_FOLDER / "workspace.json").exists():
                raise
            made = open_folder(parent / settings.WORKSPACE_FOLDER)
            if made.name != name:
                raise
        listing.remember(made)
        return cls(made.path)

    @classmethod
    def connect(cls, url: str, token: str | None = None, *, ca: str | os.PathLike[str] | None = None) -> Self:
        """The workspace of a server that runs already: `http://127.0.0.1:20123`, `https://faena.example.org`.

        `token`: what the server knows its clients by; default: that of FAENA_TOKEN_FILE or FAENA_TOKEN, else the one of
        `faena login`. `ca`: a file of certificates to trust in place of the system's, and of the one a token names.
        No server is started, and nothing is asked of it yet. Raises UserErrorException for what is no such address.
        """
        opened = cls.__new__(cls)
        Session.__init__(opened, reached(url, token, ca))
        return opened

    @classmethod
    def get(cls, name: str) -> Self:
        """The workspace of that name among those of this user, else of a server that this user is logged in at.

        Raises WorkspaceException where there is none, or more than one on this host.
        """
        if not isinstance(name, str):
            raise UserErrorException(
                f"The name of a workspace is text, not {shown(name)}. Workspace.list() has those that there are."
            )
        if (url := elsewhere(name)) is not None:
            return cls.connect(url)
        return cls(listing.find(name).path)

    @classmethod
    def list(cls) -> dict[str, list[Self]]:
        """This user's workspaces by name."""
        found: dict[str, list[Self]] = {}
        for folder in listing.list_folders():
            found.setdefault(folder.name, []).append(cls(folder.path))
        return found

    @classmethod
    def from_config(cls, path: str | os.PathLike[str] | None = None) -> Self:
        """The workspace that a config.json names: `path` itself, or searched from `path` (default: here) upwards.

        In each folder `.azureml/config.json`, `aml_config/config.json` and `config.json` are looked at in turn. Where
        there is none, it is the workspace that lies in the nearest folder from `path` upwards.
        Raises UserErrorException when nothing is found, or config.json names no workspace.
        """
        if path is not None and not isinstance(path, (str, os.PathLike)):
            raise UserErrorException(f"path is {shown(path)}. Use the path of a config.json or of a folder.")
        start = Path(path or ".").expanduser().absolute()
        config = start if _is_there(start) else config_around(start)
        if config is None:
            if (around := _folder_around(start)) is not None:
                return cls(around)
            if path is None and (current := logins.read().current):
                return cls.connect(current)
            raise UserErrorException(
                f"We could not find config.json in: {start} or in its parent directories, nor a workspace. "
                "Make a workspace with `faena init`, or give the path of a config.json; at the command line, "
                "--workspace or FAENA_WORKSPACE names another one by its folder or its name, and `faena login` the one "
                "of a server."
            )
        wanted = _read_config(config)
        if "workspace_url" in wanted:
            return cls.connect(str(wanted["workspace_url"]))
        if "workspace_folder" in wanted:
            return cls(config.parent / str(wanted["workspace_folder"]))
        name = ids.check_workspace_name(wanted["workspace_name"])
        project = _project_of(config)
        if known := [folder for folder in listing.list_folders() if folder.name == name]:
            near = listing.nearest(known, project)
            return cls(near.path) if near else cls.get(name)
        if (url := logins.named(name)) and not (project / settings.WORKSPACE_FOLDER).exists():
            return cls.connect(url)
        if (project / settings.WORKSPACE_FOLDER / "workspace.json").exists():
            there = open_folder(project / settings.WORKSPACE_FOLDER)
            if there.name != name:
                raise WorkspaceException(
                    f"{config} names the workspace {name!r}, which is not known here, and {project} holds "
                    f"{there.name!r}. `faena init` makes the file name that one; make {name!r} in another folder."
                )
        return cls.create(name, project, exist_ok=True)

    def rename(self, name: str) -> None:
        """Give the workspace another name; config.json files in its folder that tell the old one are written anew.

        Config files elsewhere are not known.
        Raises UserErrorException for what can be no name.
        """
        before = self.name
        self._opened = identity.rename(self.files, name)
        for folder in _CONFIG_FOLDERS:
            with suppress(OSError, UserErrorException):  # one that tells no name, or may not be written
                _rename_in(self.folder / folder / "config.json", before, name)

    @property
    def as_of(self) -> str | None:
        """The date of environments that name none, where the experiment has none: '2019-10-01' or 'auto'
        (docs/as-of.md). None: packages of today. May be set, also to a date. Raises UserErrorException for what is
        none."""
        return self.api.workspace().as_of or None

    @as_of.setter
    def as_of(self, value: Any) -> None:
        said = dates.asked(value)
        self.api.change_workspace(WorkspaceChange("" if said == dates.TODAY else said))

    def write_config(
        self, path: str | os.PathLike[str] | None = None, file_name: str = "config.json"
    ) -> Path | None:
        """Write `<path or here>/config.json`, so that `from_config` finds this workspace there and below.

        Other keys of a file that is there stay. Where it named another workspace or is damaged, it is also kept
        whole under the path that is returned.
        """
        folder = Path(path or ".").expanduser().absolute()
        folder.mkdir(parents=True, exist_ok=True)
        config = {"workspace_name": self.name}
        if self.url:
            config["workspace_url"] = self.url
        else:
            config["workspace_folder"] = os.path.relpath(self.folder, folder)
        said, kept = kept_before(folder / file_name, config)
        write_atomically(folder / file_name, (json.dumps({**said, **config}, indent=4) + "\n").encode())
        return kept


def elsewhere(name: str) -> str | None:
    """The URL of the server whose workspace is meant by `name`: where this host has none of that name, a login does."""
    if any(folder.name == name for folder in listing.list_folders()):
        return None
    return logins.named(name) or None


def reached(url: str, token: str | None = None, ca: str | os.PathLike[str] | None = None) -> Url:
    """As `Workspace.connect` does. Raises UserErrorException."""
    origin = ""
    if token is None and isinstance(url, str):
        origin = logins.origin(url)
        login = logins.find(url)
        token = logins.of_environment() or (login.token if login else None)
        ca = ca or (login.ca if login else None) or None
        if token is None:
            raise UserErrorException(
                f"{url[:200]} is given without a token, and you are not logged in there: faena login {url[:200]}"
            )
    for what, given in (("url", url), ("token", token)):
        if not isinstance(given, str):
            raise UserErrorException(
                f"The {what} of a server is text, not {type(given).__name__}: "
                "Workspace.connect('https://faena.example.org', token)."
            )
    assert token is not None
    return logins.address(url, token, os.fspath(ca) if ca is not None else "", origin)


def config_folder(folder: Path) -> Path:
    """Where the config.json lies that `from_config` finds first in `folder`; `folder` itself where there is none."""
    places = (folder / place for place in _CONFIG_FOLDERS)
    return next((place for place in places if _is_there(place / "config.json")), folder)


def named_in(folder: Path) -> str | None:
    """The name that a config.json in `folder` gives; None where none does."""
    config = config_folder(folder) / "config.json"
    if not _is_there(config):
        return None
    with suppress(UserErrorException):  # write_config keeps a damaged one
        return str(_read_config(config)["workspace_name"])
    return None


def kept_before(file: Path, config: dict[str, str]) -> tuple[dict[str, Any], Path | None]:
    """What `file` says, and where it is kept because `config` changes what it says."""
    if not _is_there(file):
        return {}, None
    data = file.read_bytes()
    try:
        said = json.loads(data)
    except ValueError:
        said = None
    if isinstance(said, dict) and all(said.get(key, value) == value for key, value in config.items()):
        return said, None
    names = (f"{file.name}.before{number or ''}" for number in itertools.count())
    kept = next(path for name in names if not (path := file.with_name(name)).exists())
    write_atomically(kept, data)
    return said if isinstance(said, dict) else {}, kept


def _rename_in(config: Path, before: str, name: str) -> None:
    said = _read_config(config)
    if said["workspace_name"] == before:
        write_atomically(config, (json.dumps({**said, "workspace_name": name}, indent=4) + "\n").encode())


def config_around(folder: Path) -> Path | None:
    """The config.json that `from_config` finds from `folder` upwards."""
    places = (each / place / "config.json" for each in _upwards(folder) for place in _CONFIG_FOLDERS)
    return next(filter(_is_there, places), None)


def _folder_around(start: Path) -> Path | None:
    """The nearest folder that holds a workspace."""
    for folder in _upwards(start):
        if _is_there(folder / settings.WORKSPACE_FOLDER / "workspace.json"):
            return folder
    return None


def _is_there(config: Path) -> bool:
    try:
        return config.is_file()
    except PermissionError:
        raise ownership.closed(config) from None


def _upwards(folder: Path) -> Iterator[Path]:
    yield folder
    yield from folder.parents


def _read_config(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except PermissionError:
        raise ownership.closed(path) from None
    except (OSError, ValueError) as error:
        raise UserErrorException(
            f"{path} cannot be read: {error}. Write it anew with `faena init`."
        ) from error
    if not isinstance(found, dict) or not isinstance(found.get("workspace_name"), str):
        raise UserErrorException(f"{path} names no workspace: it needs the key 'workspace_name'.")
    return found


def _project_of(config: Path) -> Path:
    return config.parent.parent if config.parent.name in _CONFIG_FOLDERS else config.parent
