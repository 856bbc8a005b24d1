"""Dataset: files in datastores, behind web addresses or on this machine, under a name with versions."""

from __future__ import annotations

import builtins
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn, Self

from faena.client.data_reference import check_place
from faena.client.dataset_mount import MountContext
from faena.client.dataset_sources import LocalSource, find, read_path
from faena.client.datastore import Datastore
from faena.client.session import Session
from faena.data import contained
from faena.data.datasets.schemas import DatasetRequest, DatasetView, Source, anonymous_id
from faena.kernel import ids
from faena.kernel.errors import NotCovered, UserErrorException
from faena.runs.schemas import DataInput

DatasetMode = Literal["direct", "mount", "download"]


class FileDataset:
    """Files from one or more places. Make it with `Dataset.File.from_files`, find it with `Dataset.get_by_name`.

    Its files are named from the deepest folder that holds all its places: `to_path` lists them.
    """

    def __init__(
        self,
        sources: Sequence[Source | LocalSource],
        workspace: Session | None,
        view: DatasetView | None = None,
    ) -> None:
        self._sources = tuple(sources)
        self._workspace = workspace
        self._view = view

    @classmethod
    def of_view(cls, workspace: Session, view: DatasetView) -> Self:
        """The handle of a dataset that was read already."""
        return cls(view.sources, workspace, view)

    @property
    def id(self) -> str | None:
        """None for one of local files that were not uploaded yet."""
        if self._view is not None:
            return self._view.id
        kept = self._kept()
        return None if kept is None else anonymous_id(kept)

    @property
    def name(self) -> str | None:
        """None unless it is registered."""
        return self._view.name if self._view else None

    @property
    def version(self) -> int | None:
        """From 1 up; None unless it is registered."""
        return self._view.version if self._view else None

    @property
    def description(self) -> str:
        return self._view.description if self._view else ""

    @property
    def tags(self) -> dict[str, str]:
        return dict(self._view.tags) if self._view else {}

    def register(
        self,
        workspace: Session,
        name: str,
        description: str | None = None,
        tags: Mapping[str, Any] | None = None,
        create_new_version: bool = False,
    ) -> FileDataset:
        """Keep it under a name. Local files are uploaded to the default datastore first.

        A name whose latest version has the same places gives that version; one with other places, or
        `create_new_version`, gets the next one. Raises Conflict for other places without `create_new_version`.
        """
        ids.check_dataset_name(name)
        request = DatasetRequest(
            sources=self._upload(workspace),
            name=name,
            description=description or "",
            tags={str(key): str(value) for key, value in (tags or {}).items()},
            create_new_version=create_new_version,
        )
        view = workspace.api.data.put_dataset(ids.new_id("ds"), request)
        return FileDataset.of_view(workspace, view)

    def as_named_input(self, name: str) -> DatasetConsumptionConfig:
        """As an input of a run, which the script finds as `run.input_datasets[name]`."""
        return DatasetConsumptionConfig(name, self)

    def as_mount(self, path_on_compute: str | None = None) -> DatasetConsumptionConfig:
        """As an input under a made-up name, read where it is; for a script's arguments."""
        return self._unnamed().as_mount(path_on_compute)

    def as_download(self, path_on_compute: str | None = None) -> DatasetConsumptionConfig:
        """As an input under a made-up name, copied before the script starts; for a script's arguments."""
        return self._unnamed().as_download(path_on_compute)

    def to_path(self) -> list[str]:
        """Its files, each by its path below the dataset's folder, with a slash in front. Nothing is fetched."""
        found = find(self._sources, self._workspace, fetch=False)
        return [f"/{member.name}" for member in found.members]

    def download(
        self, target_path: str | os.PathLike[str] | None = None, overwrite: bool = False
    ) -> list[str]:
        """Copy its files below a folder (default: a new temporary one); their paths there.

        Raises UserErrorException when one is there already, unless `overwrite`; for an address that cannot be fetched.
        """
        contents = find(self._sources, self._workspace)
        folder = (
            Path(target_path).expanduser() if target_path else Path(tempfile.mkdtemp(prefix="faena-dataset-"))
        )
        there = [member.name for member in contents.members if os.path.lexists(folder / member.name)]
        if there and not overwrite:
            raise UserErrorException(f"{folder / there[0]} exists already. Use overwrite=True to replace it.")
        folder.mkdir(parents=True, exist_ok=True)
        for member in contents.members:
            with member.place.open("rb") as file:
                contained.write(folder, member.name, file, overwrite=True, durable=False)
        return [str((folder / member.name).absolute()) for member in contents.members]

    def mount(self, mount_point: str | os.PathLike[str] | None = None) -> MountContext:
        """As a folder of links on this machine: `with dataset.mount() as mounted: … mounted.mount_point`."""
        return MountContext(find(self._sources, self._workspace), mount_point)

    def consumed(self) -> tuple[str, tuple[Source, ...]]:
        """For a submission: (its id when a workspace keeps it, else its sources).

        Raises UserErrorException for local files that no datastore has.
        """
        if self._view is not None:
            return self._view.id, ()
        kept = self._kept()
        if kept is None:
            raise UserErrorException(
                "The dataset has local files that no datastore holds yet. Use what register(workspace, name) gives, or "
                "from_files(…, workspace=workspace)."
            )
        return "", kept

    def _kept(self) -> tuple[Source, ...] | None:
        kept = tuple(source for source in self._sources if isinstance(source, Source))
        return kept if len(kept) == len(self._sources) else None

    def _upload(self, workspace: Session) -> tuple[Source, ...]:
        return tuple(
            source.upload(workspace) if isinstance(source, LocalSource) else source
            for source in self._sources
        )

    def _unnamed(self) -> DatasetConsumptionConfig:
        known, sources = self.consumed()
        return DatasetConsumptionConfig(f"input__{(known or anonymous_id(sources))[3:11]}", self)

    def __repr__(self) -> str:
        return f"FileDataset(name={self.name!r}, version={self.version}, id={self.id!r})"


class DatasetConsumptionConfig:
    """A dataset as an input of a run. `mode` 'direct': the script gets its id, and files when it asks for them.

    `name`: letters, digits and '_', no digit first; an environment variable of the script has this name.
    """

    def __init__(
        self,
        name: str,
        dataset: FileDataset,
        mode: DatasetMode = "direct",
        path_on_compute: str | None = None,
    ) -> None:
        if mode not in ("direct", "mount", "download"):
            raise UserErrorException(f"The mode is {mode!r}. Use 'direct', 'mount' or 'download'.")
        self.name = ids.check_input_name(name)
        self.dataset = dataset
        self.mode = mode
        self.path_on_compute = check_place(path_on_compute)

    def as_mount(self, path_on_compute: str | None = None) -> DatasetConsumptionConfig:
        """Read where it is: nothing is copied where the node permits mounts, and the script cannot write it."""
        return self._as("mount", path_on_compute)

    def as_download(self, path_on_compute: str | None = None) -> DatasetConsumptionConfig:
        """Copied before the script starts, below `path_on_compute` in its working folder (default: beside it).

        An absolute path is an empty folder of the node, at which the script alone sees the data.
        """
        return self._as("download", path_on_compute)

    def _as(self, mode: DatasetMode, path_on_compute: str | None) -> DatasetConsumptionConfig:
        return DatasetConsumptionConfig(
            self.name, self.dataset, mode, path_on_compute or self.path_on_compute
        )

    def data_input(self) -> DataInput:
        """What is sent with a submission."""
        dataset, sources = self.dataset.consumed()
        return DataInput(
            name=self.name,
            token=str(self),
            variable=self.name,
            mode=self.mode,
            dataset=dataset,
            sources=sources,
            path_on_compute=self.path_on_compute,
        )

    def __str__(self) -> str:
        return f"$AZUREML_DATASET_{self.name}"

    def __repr__(self) -> str:
        return f"DatasetConsumptionConfig(name={self.name!r}, dataset={self.dataset!r}, mode={self.mode!r})"


class FileDatasetFactory:
    """`Dataset.File`."""

    @staticmethod
    def from_files(path: Any, validate: bool = True, *, workspace: Session | None = None) -> FileDataset:
        """A dataset of what `path` names: a DataReference, a DataPath, a pair (datastore, path), a web address, a local
        path, or a list of them. Paths may hold `*` and `**`.

        `validate`: whether paths in datastores must be there already; addresses are fetched when they are needed, once
        on each host. `workspace`: local files are uploaded to its default datastore at once (default: when the dataset
        is registered). Raises UserErrorException, NotFound.
        """
        sources, known = read_path(path)
        dataset = FileDataset(sources, workspace or known)
        if workspace is not None:
            dataset = FileDataset(dataset._upload(workspace), workspace)
        if validate:
            dataset.to_path()
        return dataset

    @staticmethod
    def upload_directory(
        src_dir: str | os.PathLike[str], target: Any, overwrite: bool = False, show_progress: bool = True
    ) -> FileDataset:
        """Upload a folder to `target`, a pair (datastore, path) or a DataReference, and make a dataset of it."""
        sources, _ = read_path(target)
        store = target[0] if isinstance(target, tuple) else getattr(target, "datastore", target)
        if len(sources) != 1 or not isinstance(sources[0], Source) or not isinstance(store, Datastore):
            raise UserErrorException(f"The target {target!r} is no place. Use (datastore, 'path').")
        store.upload(src_dir, sources[0].path, overwrite, show_progress)
        return FileDataset(sources, store.workspace)


class _TabularDatasetFactory:
    """`Dataset.Tabular`: not covered; every name of it says so."""

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotCovered(
            f"Dataset.Tabular.{name}: tabular datasets are not covered. Make a file dataset with "
            "Dataset.File.from_files, give it to the run as as_named_input(…).as_mount(), and read it with pandas."
        )


class Dataset:
    """Where datasets are made and found."""

    File = FileDatasetFactory
    Tabular = _TabularDatasetFactory()

    @staticmethod
    def get_by_name(workspace: Session, name: str, version: int | str = "latest") -> FileDataset:
        """A version of a registered dataset. Raises NotFound, UserErrorException for what is no version."""
        number = None if version in ("latest", None) else _version(version)
        return FileDataset.of_view(workspace, workspace.api.data.dataset_named(name, number))

    @staticmethod
    def get_by_id(workspace: Session, id: str) -> FileDataset:  # noqa: A002  v1 calls it so
        """Registered or used by a run. Raises NotFound."""
        return FileDataset.of_view(workspace, workspace.api.data.dataset(id))

    @staticmethod
    def get_all(workspace: Session) -> dict[str, FileDataset]:
        """The latest version of each registered dataset, by name."""
        return {
            str(view.name): FileDataset.of_view(workspace, view) for view in workspace.api.data.datasets()
        }

    @staticmethod
    def list(workspace: Session) -> builtins.list[FileDataset]:
        """The latest version of each registered dataset."""
        return [*Dataset.get_all(workspace).values()]


def _version(given: object) -> int:
    text = str(given)
    if not text.isascii() or not text.isdigit() or not 1 <= len(text) <= 9 or int(text) < 1:
        raise UserErrorException(f"{text[:80]!r} is no version. Use a whole number from 1 up, or 'latest'.")
    return int(text)
