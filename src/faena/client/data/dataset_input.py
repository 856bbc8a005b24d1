"""DatasetConsumptionConfig: a dataset as an input of a run."""

from __future__ import annotations

from typing import Any, Literal, Protocol

from faena.client.data.data_reference import check_place
from faena.client.not_covered import not_covered
from faena.client.workspaces.session import Session
from faena.data.datasets.schemas import Source
from faena.kernel import ids
from faena.kernel.errors import UserErrorException
from faena.runs.submission_schemas import DataInput

DatasetMode = Literal["direct", "mount", "download"]


class Consumable(Protocol):
    """A dataset that a run can be given."""

    @property
    def tabular(self) -> dict[str, Any] | None:
        """How its files are read as a table; None for a dataset of files."""

    def consumed(self) -> tuple[str, tuple[Source, ...]]:
        """Its id, and where its files come from."""

    def bring_local_files(self, workspace: Session) -> None:
        """Upload its files that no datastore has."""


class DatasetConsumptionConfig:
    """A dataset as an input of a run. `mode` 'direct': the script gets its id, and files when it asks for them.

    `name`: letters, digits and '_', no digit first; an environment variable of the script has this name.
    """

    def __init__(
        self,
        name: str,
        dataset: Consumable,
        mode: DatasetMode = "direct",
        path_on_compute: str | None = None,
    ) -> None:
        if mode not in ("direct", "mount", "download"):
            raise UserErrorException(f"The mode is {mode!r}. Use 'direct', 'mount' or 'download'.")
        if mode != "direct" and getattr(dataset, "tabular", None) is not None:
            raise UserErrorException(
                f"A tabular dataset has no files to {mode}. Give it as it is, as_named_input({name!r}): the script "
                f"finds run.input_datasets[{name!r}].to_pandas_dataframe(). Or {mode} dataset.to_csv_files()."
            )
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

    as_hdfs = not_covered(
        "DatasetConsumptionConfig.as_hdfs",
        "files on Spark's own file system",
        "Use as_mount() or as_download().",
    )

    def bring_local_files(self, workspace: Session) -> None:
        """The dataset's files of this machine are uploaded, if it has some."""
        self.dataset.bring_local_files(workspace)

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
            tabular=self.dataset.tabular if sources else None,
        )

    def __str__(self) -> str:
        return f"$AZUREML_DATASET_{self.name}"

    def __repr__(self) -> str:
        return f"DatasetConsumptionConfig(name={self.name!r}, dataset={self.dataset!r}, mode={self.mode!r})"
