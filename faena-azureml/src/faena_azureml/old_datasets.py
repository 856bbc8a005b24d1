"""Forms that v1's Dataset had before datasets were of files or of tables. They mean the same as today's."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faena.client.data import tabular_factory
from faena.client.data.dataset import Dataset, PromoteHeadersBehavior, TabularDataset
from faena.client.data.dataset_sources import read_path
from faena.client.data.tabular_dataset import found
from faena.client.workspaces.session import Session
from faena.kernel.errors import UserErrorException
from faena.script.tabular import blocks, writing

_SEPARATORS = ",;\t|"
_ALL_SAME = PromoteHeadersBehavior.ALL_FILES_HAVE_SAME_HEADERS


def from_delimited_files(
    path: Any,
    separator: str = ",",
    header: Any = _ALL_SAME,
    encoding: str = "utf8",
    quoting: bool = False,
    infer_column_types: bool = True,
    skip_rows: int = 0,
    skip_mode: Any = None,
    comment: str | None = None,
    include_path: bool = False,
    archive_options: Any = None,
    partition_format: str | None = None,
) -> TabularDataset:
    """`Dataset.Tabular.from_delimited_files`; `quoting`: whether a line break in quotes belongs to the field."""
    _refuse_others(skip_rows=skip_rows, skip_mode=skip_mode, comment=comment, archive_options=archive_options)
    return Dataset.Tabular.from_delimited_files(
        path,
        separator=separator,
        header=header,
        encoding=encoding,
        support_multi_line=quoting,
        infer_column_types=infer_column_types,
        validate=infer_column_types,
        include_path=include_path,
        partition_format=partition_format,
    )


def from_parquet_files(
    path: Any, include_path: bool = False, partition_format: str | None = None
) -> TabularDataset:
    """`Dataset.Tabular.from_parquet_files`."""
    return Dataset.Tabular.from_parquet_files(
        path, include_path=include_path, partition_format=partition_format
    )


def auto_read_files(
    path: Any, include_path: bool = False, partition_format: str | None = None
) -> TabularDataset:
    """A dataset of what the files are: Parquet and JSON lines by their names, else delimited text."""
    sources, workspace = read_path(path)
    files, _held = found(sources, workspace)
    ending = Path(files[0].path).suffix.lower()
    make: Callable[..., TabularDataset] = Dataset.Tabular.from_delimited_files
    more: dict[str, Any] = {}
    if ending in (".parquet", ".parq"):
        make = Dataset.Tabular.from_parquet_files
    elif ending in (".json", ".jsonl", ".ndjson"):
        make = Dataset.Tabular.from_json_lines_files
    else:
        more["separator"] = _separator(files[0].place, files[0].path)
    return make(path, include_path=include_path, partition_format=partition_format, **more)


def from_pandas_dataframe(dataframe: Any, path: Any = None, in_memory: bool = False) -> TabularDataset:
    """A dataset of a dataframe, kept as Parquet: below `path`, a place in a datastore, or a folder of this machine."""
    if path is not None and not isinstance(path, (str, Path)):
        return tabular_factory.kept_dataframe(dataframe, path)
    folder = Path(path or tempfile.mkdtemp(prefix="faena-table-"))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "part-00000.parquet"
    writing.parquet(iter([dataframe]), str(file))
    return Dataset.Tabular.from_parquet_files(str(file))


def get(workspace: Session, name: str | None = None, id: str | None = None) -> Any:  # noqa: A002  v1 calls it so
    """`Dataset.get_by_name`, or `get_by_id`."""
    if (name is None) == (id is None):
        raise UserErrorException("Dataset.get needs a name or an id, one of both.")
    return Dataset.get_by_name(workspace, name) if name is not None else Dataset.get_by_id(workspace, str(id))


def _refuse_others(**given: Any) -> None:
    for name, value in given.items():
        if value:
            raise UserErrorException(
                f"{name} is not covered. Prepare the file, or read it with pandas.read_csv."
            )


def _separator(place: str, name: str) -> str:
    """The one that the first line has most of."""
    for block in blocks.blocks(place, name, "utf-8", 1 << 16):
        first = block.split(b"\n", 1)[0].decode("utf-8")
        counts = {each: len(next(csv.reader([first], delimiter=each), [])) for each in _SEPARATORS}
        return max(_SEPARATORS, key=counts.__getitem__)
    return ","
