"""FileDataset: files in datastores, behind web addresses or on this machine, under a name with versions."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from faena.client.data import dataset_parts
from faena.client.data.dataset_input import DatasetConsumptionConfig
from faena.client.data.dataset_mount import MountContext
from faena.client.data.dataset_sources import LocalSource, find
from faena.client.data.kept_dataset import KeptDataset
from faena.client.html.progress import Progress
from faena.client.not_covered import not_covered
from faena.data import safe_paths
from faena.data.datasets.schemas import Source
from faena.kernel import digests
from faena.kernel.errors import UserErrorException
from faena.kernel.plural import counted


class FileDataset(KeptDataset, tabular=False):
    """Files from one or more places. Make it with `Dataset.File.from_files`, find it with `Dataset.get_by_name`.

    Its files are named from the deepest folder that holds all its places: `to_path` lists them.
    """

    filter = not_covered(
        "FileDataset.filter",
        "conditions on the columns of files",
        "Give from_files a pattern such as (datastore, 'images/**/*.png').",
    )
    file_metadata = not_covered(
        "FileDataset.file_metadata", "columns of what files are", "Look at the files: os.stat in a mount."
    )
    as_cache = not_covered(
        "FileDataset.as_cache",
        "copies of files that are far away",
        "Use as_mount(): the files are on this machine.",
    )
    as_hdfs = not_covered(
        "FileDataset.as_hdfs", "files on Spark's own file system", "Use as_mount() or as_download()."
    )

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

    def _files(self) -> list[Source | LocalSource]:
        return dataset_parts.files(self._sources, self._workspace)

    def _of(self, sources: Sequence[Source | LocalSource]) -> FileDataset:
        if not sources:
            raise UserErrorException("The dataset would have no file. Take more of them.")
        return FileDataset(sources, self._workspace)

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
        with Progress("Downloading the dataset") as progress:
            return self._download(target_path, overwrite, ignore_not_found, progress)

    def _download(
        self,
        target_path: str | os.PathLike[str] | None,
        overwrite: bool,
        ignore_not_found: bool,
        progress: Progress,
    ) -> list[str]:
        sources = dataset_parts.there(self._sources, self._workspace) if ignore_not_found else self._sources
        contents = find(sources, self._workspace)
        folder = (
            Path(target_path).expanduser() if target_path else Path(tempfile.mkdtemp(prefix="faena-dataset-"))
        )
        there = [member.name for member in contents.members if os.path.lexists(folder / member.name)]
        if there and not overwrite:
            raise UserErrorException(f"{folder / there[0]} exists already. Use overwrite=True to replace it.")
        folder.mkdir(parents=True, exist_ok=True)
        for place, member in enumerate(contents.members, 1):
            progress.at(said=f"{place:,} of {counted(len(contents.members), 'file')}")
            with member.place.open("rb") as file:
                safe_paths.write(folder, member.name, file, overwrite=True, durable=False)
        progress.end(counted(len(contents.members), "file"))
        return [str((folder / member.name).absolute()) for member in contents.members]

    def mount(self, mount_point: str | os.PathLike[str] | None = None) -> MountContext:
        """As a folder of links on this machine: `with dataset.mount() as mounted: … mounted.mount_point`."""
        return MountContext(find(self._sources, self._workspace), mount_point)

    def _unnamed(self) -> DatasetConsumptionConfig:
        known = (
            self.id or f"ds_{digests.of_value([(str(each), type(each).__name__) for each in self._sources])}"
        )
        return DatasetConsumptionConfig(f"input__{known[3:11]}", self)

    def __repr__(self) -> str:
        return f"FileDataset(name={self.name!r}, version={self.version}, id={self.id!r})"
