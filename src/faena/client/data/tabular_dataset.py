"""TabularDataset: rows and columns of files, under a name with versions."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from faena.client.data.dataset_sources import LocalSource, find
from faena.client.data.file_dataset import FileDataset
from faena.client.data.kept_dataset import KeptDataset
from faena.client.not_covered import not_covered
from faena.client.workspaces.session import Session
from faena.data.datasets.schemas import DatasetView, Source
from faena.data.sources import Contents, in_order
from faena.script.tabular import definition, writing
from faena.script.tabular.dataset import Table
from faena.script.tabular.definition import Definition
from faena.script.tabular.known import Known
from faena.script.tabular.schema import File


def found(
    sources: Sequence[Source | LocalSource], workspace: Session | None
) -> tuple[list[File], list[Contents]]:
    """(Files in the order of their sources, what they go with). Raises as `find`."""
    kept = [source for source in sources if isinstance(source, Source)]
    places = [number for number, source in enumerate(sources) if isinstance(source, Source)]
    held = [find(kept, workspace)] if kept else []
    files = [
        (places[member.source], File(member.path, str(member.place)))
        for contents in held
        for member in in_order(contents.members)
    ]
    for number, source in enumerate(sources):
        if isinstance(source, LocalSource):  # each alone: two of them may have one name
            members = in_order(find([source], None).members)
            files += [(number, File(str(member.place), str(member.place))) for member in members]
    return [file for _, file in sorted(files, key=lambda each: each[0])], held


class TabularDataset(Table, KeptDataset, tabular=True):
    """Rows and columns of files. Make it with `Dataset.Tabular`, find it with `Dataset.get_by_name`.

    Nothing is read before rows are asked for, and each operation gives a new dataset. `as_named_input(name)` gives it
    to a run, whose script finds it as `run.input_datasets[name]`.
    """

    def __init__(
        self,
        sources: Sequence[Source | LocalSource],
        workspace: Session | None,
        of: Definition,
        view: DatasetView | None = None,
        known: Known | None = None,
        fetched: list[tuple[list[File], list[Contents]]] | None = None,
    ) -> None:
        """For `Dataset.Tabular`. `fetched`: what was brought from a server elsewhere, shared by what is made of it."""
        KeptDataset.__init__(self, sources, workspace, view)
        Table.__init__(self, of, known)
        self._fetched = [] if fetched is None else fetched

    @classmethod
    def of_view(cls, workspace: Session, view: DatasetView) -> Self:
        return cls(view.sources, workspace, definition.from_json(view.tabular or {}), view)

    @property
    def tabular(self) -> dict[str, Any]:
        return self._definition.to_json()

    def to_csv_files(self, separator: str = ",") -> FileDataset:
        """Its rows as a CSV file with a header: in the default datastore where a workspace is known, else on this
        machine for as long as this process lives.
        """
        return self._written(
            "csv", lambda path: self._whole(lambda frames: writing.csv(frames, path, separator))
        )

    def to_parquet_files(self) -> FileDataset:
        """Its rows as a Parquet file, likewise."""
        return self._written(
            "parquet", lambda path: self._whole(lambda frames: writing.parquet(frames, path))
        )

    to_dask_dataframe = not_covered(
        "TabularDataset.to_dask_dataframe",
        "dataframes of Dask",
        "Use to_parquet_files() and dask.dataframe.read_parquet.",
    )
    to_spark_dataframe = not_covered(
        "TabularDataset.to_spark_dataframe",
        "dataframes of Spark",
        "Use to_parquet_files() and spark.read.parquet.",
    )
    partition_by = not_covered(
        "TabularDataset.partition_by",
        "folders by the values of columns",
        "Write a file for each part: dataset.filter(...).to_parquet_files().",
    )
    get_partition_key_values = not_covered(
        "TabularDataset.get_partition_key_values",
        "folders by the values of columns",
        "Ask a frame: to_pandas_dataframe()[column].unique().",
    )
    submit_profile_run = not_covered(
        "TabularDataset.submit_profile_run",
        "profiles made by a service of Azure",
        "Ask a frame: to_pandas_dataframe().describe().",
    )
    get_profile = not_covered(
        "TabularDataset.get_profile",
        "profiles made by a service of Azure",
        "Ask a frame: to_pandas_dataframe().describe().",
    )
    get_profile_runs = not_covered(
        "TabularDataset.get_profile_runs",
        "profiles made by a service of Azure",
        "Ask a frame: to_pandas_dataframe().describe().",
    )
    download = not_covered(
        "TabularDataset.download",
        "copies of the files that a table was made of",
        "Use to_csv_files().download(target_path).",
    )
    mount = not_covered(
        "TabularDataset.mount", "mounts of the files that a table was made of", "Use to_csv_files().mount()."
    )

    def _files(self) -> list[File]:
        if self._fetched:
            return self._fetched[0][0]
        fetched = found(self._sources, self._workspace)
        if self._workspace is not None and self._workspace.url:
            self._fetched.append(fetched)
        return fetched[0]

    def _derived(self, of: Definition) -> Self:
        return type(self)(self._sources, self._workspace, of, None, self._known, self._fetched)

    def _written(self, ending: str, write: Any) -> FileDataset:
        folder = Path(tempfile.mkdtemp(prefix="faena-table-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        write(str(folder / f"part-00000.{ending}"))
        made = LocalSource(folder, f"part-00000.{ending}")
        if self._workspace is None:
            return FileDataset([made], None)
        kept = FileDataset([made.upload(self._workspace)], self._workspace)
        shutil.rmtree(folder)
        return kept

    def __repr__(self) -> str:
        return f"TabularDataset(name={self.name!r}, version={self.version}, id={self.id!r})"
