"""TabularDatasetFactory: where tabular datasets are made."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from faena.client.data.dataset_sources import read_path
from faena.client.data.datastore import Datastore
from faena.client.data.tabular_dataset import TabularDataset, found
from faena.client.not_covered import not_covered
from faena.client.workspaces.session import Session
from faena.data.datasets.schemas import Source
from faena.kernel import ids
from faena.kernel.errors import UserErrorException
from faena.script.tabular import factory, writing
from faena.script.tabular.definition import Definition
from faena.script.tabular.headers import PromoteHeadersBehavior
from faena.script.tabular.schema import File
from faena.script.tabular.types import DataType

__all__ = ["DataType", "PromoteHeadersBehavior", "TabularDatasetFactory"]

_Find = Callable[[], list[File]]


class TabularDatasetFactory:
    """`Dataset.Tabular`. What `path` may be is what `Dataset.File.from_files` takes."""

    @staticmethod
    def from_delimited_files(
        path: Any,
        validate: bool = True,
        include_path: bool = False,
        infer_column_types: bool = True,
        set_column_types: Mapping[str, DataType] | None = None,
        separator: str = ",",
        header: Any = True,
        partition_format: str | None = None,
        support_multi_line: bool = False,
        empty_as_string: bool = False,
        encoding: str = "utf8",
        *,
        workspace: Session | None = None,
    ) -> TabularDataset:
        """A dataset of CSV files and their like.

        The types of columns are those of the first 200 rows, unless `set_column_types` says another one or
        `infer_column_types` is False (all is text then). `header`: True, False or a PromoteHeadersBehavior.
        `partition_format`: columns made of paths, such as '/{Department}/{Day:yyyy/MM/dd}/data.csv'. `include_path`: a
        column 'Path'. `support_multi_line`: whether a line break in quotes belongs to the field. `empty_as_string`:
        whether an empty field is a text, in place of null. `workspace`: local files are uploaded to its default
        datastore at once. Raises UserErrorException for files that are no such table, naming file and line.
        """

        def make(find: _Find) -> Definition:
            return factory.delimited(
                find,
                validate,
                include_path,
                infer_column_types,
                set_column_types,
                separator,
                header,
                partition_format,
                support_multi_line,
                empty_as_string,
                encoding,
            )

        return made(path, workspace, make)

    @staticmethod
    def from_parquet_files(
        path: Any,
        validate: bool = True,
        include_path: bool = False,
        set_column_types: Mapping[str, DataType] | None = None,
        partition_format: str | None = None,
        *,
        workspace: Session | None = None,
    ) -> TabularDataset:
        """A dataset of Parquet files that have the same columns. See `from_delimited_files`."""
        return made(
            path,
            workspace,
            lambda find: factory.parquet(find, validate, include_path, set_column_types, partition_format),
        )

    @staticmethod
    def from_json_lines_files(
        path: Any,
        validate: bool = True,
        include_path: bool = False,
        set_column_types: Mapping[str, DataType] | None = None,
        partition_format: str | None = None,
        invalid_lines: str = "error",
        encoding: str = "utf8",
        *,
        workspace: Session | None = None,
    ) -> TabularDataset:
        """A dataset of files with a JSON object a line. `invalid_lines`: 'error', or 'skip' to leave them out."""

        def make(find: _Find) -> Definition:
            return factory.json_lines(
                find, validate, include_path, set_column_types, partition_format, invalid_lines, encoding
            )

        return made(path, workspace, make)

    @staticmethod
    def register_pandas_dataframe(
        dataframe: Any,
        target: Any,
        name: str,
        description: str | None = None,
        tags: Mapping[str, Any] | None = None,
        show_progress: bool = True,
        row_group_size: int | None = None,
        make_target_path_unique: bool = True,
    ) -> TabularDataset:
        """Keep a dataframe as Parquet below `target`, a datastore or a pair (datastore, path), and register it.

        Each time it becomes the next version of `name`. `make_target_path_unique`: in a folder of its own there.
        """
        ids.check_dataset_name(name)
        if not hasattr(dataframe, "columns") or not hasattr(dataframe, "dtypes"):
            raise UserErrorException(f"{type(dataframe).__name__} is no dataframe of pandas.")
        made = kept_dataframe(dataframe, target, show_progress, row_group_size, make_target_path_unique)
        store, _ = _target(target)
        return made.register(store.workspace, name, description, tags, create_new_version=True)

    from_sql_query = not_covered(
        "Dataset.Tabular.from_sql_query",
        "datastores of SQL databases",
        "Read the query with pandas.read_sql and keep the dataframe: "
        "Dataset.Tabular.register_pandas_dataframe(dataframe, datastore, name).",
    )
    register_spark_dataframe = not_covered(
        "Dataset.Tabular.register_spark_dataframe",
        "dataframes of Spark",
        "Write it as Parquet, dataframe.write.parquet(folder), and use Dataset.Tabular.from_parquet_files.",
    )
    register_dask_dataframe = not_covered(
        "Dataset.Tabular.register_dask_dataframe",
        "dataframes of Dask",
        "Write it as Parquet, dataframe.to_parquet(folder), and use Dataset.Tabular.from_parquet_files.",
    )


def kept_dataframe(
    dataframe: Any,
    target: Any,
    show_progress: bool = False,
    row_group_size: int | None = None,
    make_target_path_unique: bool = True,
) -> TabularDataset:
    """A dataset of a dataframe, which is kept as Parquet below `target`."""
    store, below = _target(target)
    folder = f"{below}/{ids.new_id('df')}".lstrip("/") if make_target_path_unique else below
    with tempfile.TemporaryDirectory(prefix="faena-table-") as held:
        file = Path(held, "part-00000.parquet")
        writing.parquet(iter([dataframe]), os.fspath(file), row_group_size)
        store.upload_files([os.fspath(file)], held, folder, overwrite=True, show_progress=show_progress)
    return TabularDatasetFactory.from_parquet_files((store, f"{folder}/{file.name}".lstrip("/")))


def made(path: Any, workspace: Session | None, make: Callable[[_Find], Definition]) -> TabularDataset:
    sources, known = read_path(path)
    session = workspace or known
    if workspace is not None:
        sources = [each if isinstance(each, Source) else each.upload(workspace) for each in sources]
    fetched = []

    def find() -> list[File]:
        fetched.append(found(sources, session))
        return fetched[0][0]

    of = make(find)
    return TabularDataset(
        sources, session, of, fetched=fetched if session is not None and session.url else None
    )


def _target(target: Any) -> tuple[Datastore, str]:
    sources, _ = read_path(target)
    store = target[0] if isinstance(target, tuple) else getattr(target, "datastore", target)
    if len(sources) != 1 or not isinstance(sources[0], Source) or not isinstance(store, Datastore):
        raise UserErrorException(
            f"The target {target!r} is no place. Use a datastore, or (datastore, 'path')."
        )
    return store, sources[0].path
