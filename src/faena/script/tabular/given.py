"""A tabular dataset that a run was given: what `Run.input_datasets` holds for it."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile

from faena.script.file_inputs import InputDataset
from faena.script.tabular import definition, writing
from faena.script.tabular.dataset import Table
from faena.script.tabular.schema import File

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional, Sequence

    from faena.script.tabular.definition import Definition
    from faena.script.tabular.known import Known


class TabularDataset(Table):
    """Rows and columns of files that the node has laid ready: `to_pandas_dataframe()`. Each operation gives a new one.

    `name`: that of the input. `id`: that of the dataset; of one that was made of it in the script it is its own.
    """

    def __init__(
        self, name: str, dataset_id: str, files: Sequence[File], of: Definition, known: Optional[Known] = None
    ) -> None:
        super().__init__(of, known)
        self.name = name
        self.id = dataset_id
        self._listed = list(files)

    def to_csv_files(self, separator: str = ",") -> InputDataset:
        """Its rows as a CSV file with a header, in a folder that goes when the script ends: `mount_point`."""
        return self._written(
            "csv", lambda path: self._whole(lambda frames: writing.csv(frames, path, separator))
        )

    def to_parquet_files(self) -> InputDataset:
        """Its rows as a Parquet file, likewise."""
        return self._written(
            "parquet", lambda path: self._whole(lambda frames: writing.parquet(frames, path))
        )

    def _files(self) -> list[File]:
        return self._listed

    def _derived(self, of: Definition) -> TabularDataset:
        return TabularDataset(self.name, self.id, self._listed, of, self._known)

    def _written(self, ending: str, write: Callable[[str], Any]) -> InputDataset:
        folder = tempfile.mkdtemp(prefix="faena-table-")
        atexit.register(shutil.rmtree, folder, True)
        write(os.path.join(folder, "part-00000." + ending))
        return InputDataset(self.name, self.id, folder)

    def __repr__(self) -> str:
        return "TabularDataset(name={!r}, id={!r})".format(self.name, self.id)


def read_listing(name: str, dataset_id: str, path: str) -> TabularDataset:
    """What the node wrote into the file at `path`. Raises UserErrorException for what a newer Faena defined."""
    with open(path, encoding="utf-8") as file:
        told = json.load(file)
    files = [File(str(each["path"]), str(each["place"])) for each in told["files"]]
    return TabularDataset(name, dataset_id, files, definition.from_json(told["definition"]))
