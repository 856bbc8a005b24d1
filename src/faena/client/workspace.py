"""Workspace: where a team's experiments, clusters and models live; here a folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from faena.client import history, portable
from faena.client.cluster import Cluster
from faena.client.dataset import Dataset, FileDataset
from faena.client.datastore import Datastore
from faena.client.experiment import Experiment
from faena.client.model import Model
from faena.client.run import Run
from faena.client.session import Session
from faena.kernel import ids, settings
from faena.kernel.errors import UserErrorException, WorkspaceException
from faena.workspaces import listing
from faena.workspaces.model import create_folder, open_folder

_CONFIG_FOLDERS = (".azureml", "aml_config", "")


class Workspace(Session):
    """A workspace that is there already. Its server starts at the first call that needs it.

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
    def get(cls, name: str) -> Self:
        """The workspace of that name among those of this user. Raises WorkspaceException."""
        return cls(listing.find(name).path)

    @classmethod
    def list(cls) -> dict[str, list[Workspace]]:
        """This user's workspaces by name."""
        found: dict[str, list[Workspace]] = {}
        for folder in listing.list_folders():
            found.setdefault(folder.name, []).append(Workspace(folder.path))
        return found

    @classmethod
    def from_config(cls, path: str | os.PathLike[str] | None = None) -> Self:
        """The workspace that a config.json names: `path` itself, or searched from `path` (default: here) upwards.

        In each folder `.azureml/config.json`, `aml_config/config.json` and `config.json` are looked at in turn.
        Raises UserErrorException when no config.json is found or it names no workspace.
        """
        config = _find_config(Path(path or ".").expanduser().absolute())
        wanted = _read_config(config)
        if "workspace_folder" in wanted:
            return cls(config.parent / str(wanted["workspace_folder"]))
        name = ids.check_workspace_name(wanted["workspace_name"])
        if any(folder.name == name for folder in listing.list_folders()):
            return cls.get(name)
        return cls.create(name, _project_of(config), exist_ok=True)

    def write_config(
        self, path: str | os.PathLike[str] | None = None, file_name: str = "config.json"
    ) -> None:
        """Write `<path or here>/config.json`, so that `from_config` finds this workspace there and below."""
        folder = Path(path or ".").expanduser().absolute()
        folder.mkdir(parents=True, exist_ok=True)
        config = {
            "workspace_name": self.name,
            "workspace_folder": os.path.relpath(self.folder, folder),
        }
        (folder / file_name).write_text(json.dumps(config, indent=4) + "\n")

    @property
    def experiments(self) -> dict[str, Experiment]:
        return {found.name: Experiment(self, found.name) for found in self.api.experiments()}

    @property
    def compute_targets(self) -> dict[str, Cluster]:
        return {found.name: Cluster(self, found.name) for found in self.api.clusters()}

    @property
    def models(self) -> dict[str, Model]:
        """The latest version of each model."""
        return {model.name: model for model in Model.list(self, latest=True)}

    @property
    def datastores(self) -> dict[str, Datastore]:
        return Datastore.all(self)

    @property
    def datasets(self) -> dict[str, FileDataset]:
        """The latest version of each registered dataset."""
        return Dataset.get_all(self)

    def get_default_datastore(self) -> Datastore:
        return Datastore.get_default(self)

    def set_default_datastore(self, name: str) -> None:
        """Raises NotFound."""
        self.api.data.set_default(ids.check_datastore_name(name))

    def get_run(self, run_id: str) -> Run:
        """A run by its id alone. Raises NotFound."""
        view = self.api.run(run_id)
        return Run(Experiment(self, view.experiment), run_id, view)

    def find_runs(
        self,
        filter: str | None = None,  # noqa: A002  the word of command line and HTTP
        sort: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Run]:
        """Runs of all experiments, fetched in pages as they are asked for; by default all, newest first.

        `filter`: such as `metrics.Accuracy > 0.97 and tags.team = 'a'`. `sort`: a field, smallest first, or
        `-metrics.Accuracy`, largest first. docs/filters.md says which fields there are.
        Raises UserErrorException that points at what cannot be read.
        """
        for row in history.rows(self, filter, sort, limit):
            yield Run._listed(Experiment(self, row.experiment), row.id)

    def runs_frame(
        self,
        filter: str | None = None,  # noqa: A002  as above
        sort: str | None = None,
        limit: int | None = 1000,
    ) -> Any:
        """The same as a pandas data frame, a row a run: `tags.…`, `parameters.…`, and last values as `metrics.…`.

        Raises UserErrorException where pandas is not installed.
        """
        return history.frame(self, filter, sort, limit)

    def import_run(self, folder: str | os.PathLike[str]) -> Run:
        """Take in a run that `Run.export` wrote, and those below it that were exported with it; see `portable.take`."""
        return self.get_run(portable.take(self, folder).run)

    def get_details(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "location": str(self.folder)}


def _find_config(start: Path) -> Path:
    if start.is_file():
        return start
    looked: list[str] = []
    for folder in _upwards(start):
        for place in _CONFIG_FOLDERS:
            config = folder / place / "config.json"
            looked.append(str(config))
            if config.is_file():
                return config
    raise UserErrorException(
        f"We could not find config.json in: {start} or in its parent directories. "
        "Make a workspace with `faena init`, or give the path of a config.json."
    )


def _upwards(folder: Path) -> Iterator[Path]:
    yield folder
    yield from folder.parents


def _read_config(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UserErrorException(
            f"{path} cannot be read: {error}. Write it anew with `faena init`."
        ) from error
    if not isinstance(found, dict) or not isinstance(found.get("workspace_name"), str):
        raise UserErrorException(f"{path} names no workspace: it needs the key 'workspace_name'.")
    return found


def _project_of(config: Path) -> Path:
    return config.parent.parent if config.parent.name in _CONFIG_FOLDERS else config.parent
