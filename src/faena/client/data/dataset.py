"""Dataset: where datasets are made and found."""

from __future__ import annotations

import builtins
import os
from typing import Any

from faena.client.data import dataset_parts, sample_data
from faena.client.data.dataset_input import DatasetConsumptionConfig
from faena.client.data.dataset_sources import read_path
from faena.client.data.datastore import Datastore
from faena.client.data.file_dataset import FileDataset
from faena.client.data.kept_dataset import dataset_of, find_all, find_by_id, find_by_name
from faena.client.data.tabular_dataset import TabularDataset
from faena.client.data.tabular_factory import DataType, PromoteHeadersBehavior, TabularDatasetFactory
from faena.client.workspaces.session import Session
from faena.data.datasets.schemas import Source
from faena.kernel.errors import NotCovered, UserErrorException

__all__ = [
    "DataType",
    "Dataset",
    "DatasetConsumptionConfig",
    "FileDataset",
    "FileDatasetFactory",
    "PromoteHeadersBehavior",
    "TabularDataset",
    "TabularDatasetFactory",
    "dataset_of",
]


class FileDatasetFactory:
    """`Dataset.File`."""

    @staticmethod
    def from_files(
        path: Any,
        validate: bool = True,
        partition_format: str | None = None,
        is_file: bool = False,
        *,
        workspace: Session | None = None,
    ) -> FileDataset:
        """A dataset of what `path` names: a DataReference, a DataPath, a pair (datastore, path), a web address, a local
        path, or a list of them. Paths may hold `*` and `**`.

        `validate`: whether paths in datastores must be there already; addresses are fetched when they are needed, once
        on each host. `workspace`: local files are uploaded to its default datastore at once (default: when the dataset
        is registered). `is_file` has no meaning here. Raises UserErrorException, NotFound.
        """
        if partition_format is not None:
            raise NotCovered.about(
                "partition_format of files", "it makes columns, which files have none of", "Leave it out."
            )
        sources, known = read_path(path)
        dataset = FileDataset(sources, workspace or known)
        if workspace is not None:
            dataset = FileDataset(dataset._upload(workspace), workspace)
        if validate:
            dataset.to_path()
        return dataset

    @staticmethod
    def upload_directory(
        src_dir: str | os.PathLike[str],
        target: Any,
        pattern: str | None = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> FileDataset:
        """Upload a folder to `target`, a pair (datastore, path) or a DataReference, and make a dataset of it.

        `pattern`: only files whose paths below the folder match it, such as `**/*.png`.
        """
        sources, _ = read_path(target)
        store = target[0] if isinstance(target, tuple) else getattr(target, "datastore", target)
        if len(sources) != 1 or not isinstance(sources[0], Source) or not isinstance(store, Datastore):
            raise UserErrorException(f"The target {target!r} is no place. Use (datastore, 'path').")
        if pattern is None:
            store.upload(src_dir, sources[0].path, overwrite, show_progress)
        else:
            chosen = dataset_parts.matching(src_dir, pattern)
            store.upload_files(chosen, src_dir, sources[0].path, overwrite, show_progress)
        return FileDataset(sources, store.workspace)


class Dataset:
    """Where datasets are made and found."""

    File = FileDatasetFactory
    Tabular = TabularDatasetFactory

    get_by_name = staticmethod(find_by_name)
    get_by_id = staticmethod(find_by_id)
    get_all = staticmethod(find_all)

    @staticmethod
    def mnist(part: str = "all") -> FileDataset:
        """The handwritten digits, as their publisher packs them: `train-images-idx3-ubyte.gz`, its labels, `t10k-…`.

        `part`: 'train', 'test' or 'all'. They are fetched and verified once for each user.
        """
        return FileDatasetFactory.from_files([*sample_data.mnist_files(part)])

    @staticmethod
    def list(workspace: Session) -> builtins.list[FileDataset | TabularDataset]:
        """The latest version of each registered dataset."""
        return [*find_all(workspace).values()]
