"""FileDataset: files in datastores, behind web addresses or on this machine, under a name with versions."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from faena.client.data import dataset_parts
from faena.client.data.dataset_input import DatasetConsumptionConfig
from faena.client.data.dataset_mount import MountContext
from faena.client.data.dataset_sources import LocalSource, find
from faena.client.not_covered import not_covered
from faena.client.workspaces.session import Session, api_of, checked
from faena.data import safe_paths
from faena.data.datasets.schemas import DatasetChange, DatasetRequest, DatasetView, Source, anonymous_id
from faena.kernel import ids
from faena.kernel.errors import UserErrorException
from faena.script.values import marks


def find_by_name(workspace: Session, name: str, version: int | str = "latest") -> FileDataset:
    """A version of a registered dataset. Raises NotFound, UserErrorException for what is no version."""
    number = None if version in ("latest", None) else _version(version)
    return FileDataset.of_view(workspace, api_of(workspace).data.dataset_named(name, number))


def find_by_id(workspace: Session, id: str) -> FileDataset:  # noqa: A002  v1 calls it so
    """Registered or used by a run. Raises NotFound."""
    return FileDataset.of_view(workspace, api_of(workspace).data.dataset(id))


def find_all(workspace: Session) -> dict[str, FileDataset]:
    """The latest version of each registered dataset, by name."""
    return {
        str(view.name): FileDataset.of_view(workspace, view) for view in api_of(workspace).data.datasets()
    }


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
        checked(workspace)
        request = DatasetRequest(
            sources=self._upload(workspace),
            name=name,
            description=description or "",
            tags={str(key): str(value) for key, value in (tags or {}).items()},
            create_new_version=create_new_version,
        )
        view = workspace.api.data.put_dataset(ids.new_id("ds"), request)
        return FileDataset.of_view(workspace, view)

    get_by_name = staticmethod(find_by_name)
    get_by_id = staticmethod(find_by_id)
    get_all = staticmethod(find_all)
    filter = not_covered(
        "FileDataset.filter", "give from_files a pattern such as (datastore, 'images/**/*.png')."
    )
    file_metadata = not_covered("FileDataset.file_metadata", "look at the files: os.stat in a mount.")
    as_cache = not_covered("FileDataset.as_cache", "use as_mount(): the files are on this machine.")
    as_hdfs = not_covered("FileDataset.as_hdfs", "use as_mount() or as_download().")

    @property
    def data_changed_time(self) -> datetime | None:
        """When a file of it was last written, of those on this machine; None where there is none."""
        members = find(self._sources, self._workspace, fetch=False).members
        times = [member.place.stat().st_mtime for member in members if member.place.is_file()]
        return datetime.fromtimestamp(max(times), UTC) if times else None

    def skip(self, count: int) -> FileDataset:
        """Without its first `count` files, in the order of their names. Raises UserErrorException if none is left."""
        return self._of(self._files()[dataset_parts.count_of(count) :])

    def take(self, count: int) -> FileDataset:
        """Its first `count` files, in the order of their names."""
        return self._of(self._files()[: dataset_parts.count_of(count)])

    def take_sample(self, probability: float, seed: int | None = None) -> FileDataset:
        """Each file with a probability between 0 and 1; the same `seed` gives the same ones."""
        return self._of(dataset_parts.split(self._files(), probability, seed)[0])

    def random_split(self, percentage: float, seed: int | None = None) -> tuple[FileDataset, FileDataset]:
        """Two datasets; each file is in the first with the probability `percentage`, between 0 and 1."""
        first, second = dataset_parts.split(self._files(), percentage, seed)
        return self._of(first), self._of(second)

    def add_tags(self, tags: Mapping[str, Any]) -> FileDataset:
        """Add tags to this version; one of a key that is there is replaced. It itself, as it is then."""
        return self._change(DatasetChange(add_tags=marks(tags, "tag")))

    def remove_tags(self, tags: str | Iterable[str]) -> FileDataset:
        """Remove the tags of these keys; silent about those that are not there."""
        keys = (tags,) if isinstance(tags, str) else tuple(str(key) for key in tags)
        return self._change(DatasetChange(remove_tags=keys))

    def update(self, description: str | None = None, tags: Mapping[str, Any] | None = None) -> FileDataset:
        """Put `description` and `tags` in the place of those that this version has; None leaves them."""
        kept = None if tags is None else marks(tags, "tag")
        return self._change(DatasetChange(description=description, tags=kept))

    def unregister_all_versions(self) -> None:
        """Forget its name; runs that used it still know it by its id. Its files stay."""
        view, session = self._registered()
        session.api.data.forget_datasets(str(view.name))
        self._view = None

    def _change(self, wanted: DatasetChange) -> FileDataset:
        view, session = self._registered()
        self._view = session.api.data.change_dataset(view.id, wanted)
        return self

    def _registered(self) -> tuple[DatasetView, Session]:
        if self._view is None or self._view.name is None or self._workspace is None:
            raise UserErrorException(
                "The dataset is not registered. Use what register(workspace, name) gives."
            )
        return self._view, self._workspace

    def _files(self) -> list[Source | LocalSource]:
        return dataset_parts.files(self._sources, self._workspace)

    def _of(self, sources: Sequence[Source | LocalSource]) -> FileDataset:
        if not sources:
            raise UserErrorException("The dataset would have no file. Take more of them.")
        return FileDataset(sources, self._workspace)

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
        self,
        target_path: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        ignore_not_found: bool = False,
    ) -> list[str]:
        """Copy its files below a folder (default: a new temporary one); their paths there.

        `ignore_not_found`: what is not there any more is left out.
        Raises UserErrorException when one is there already, unless `overwrite`; for an address that cannot be fetched.
        """
        sources = dataset_parts.there(self._sources, self._workspace) if ignore_not_found else self._sources
        contents = find(sources, self._workspace)
        folder = (
            Path(target_path).expanduser() if target_path else Path(tempfile.mkdtemp(prefix="faena-dataset-"))
        )
        there = [member.name for member in contents.members if os.path.lexists(folder / member.name)]
        if there and not overwrite:
            raise UserErrorException(f"{folder / there[0]} exists already. Use overwrite=True to replace it.")
        folder.mkdir(parents=True, exist_ok=True)
        for member in contents.members:
            with member.place.open("rb") as file:
                safe_paths.write(folder, member.name, file, overwrite=True, durable=False)
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


def _version(given: object) -> int:
    text = str(given)
    if not text.isascii() or not text.isdigit() or not 1 <= len(text) <= 9 or int(text) < 1:
        raise UserErrorException(f"{text[:80]!r} is no version. Use a whole number from 1 up, or 'latest'.")
    return int(text)
