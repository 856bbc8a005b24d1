"""v1's words for datasets: where they are, the forms of its first years, and MNIST of azureml.opendatasets."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from azureml.core import Dataset
from azureml.core.dataset import Dataset as OldHome
from azureml.data import TabularDataset
from azureml.data.dataset_factory import DataType, TabularDatasetFactory
from azureml.data.dataset_type_definitions import PromoteHeadersBehavior
from azureml.exceptions import DatasetTimestampMissingError, NotCovered, UserErrorException
from azureml.opendatasets import MNIST

from faena.client.data import sample_data
from faena.kernel import settings


def test_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("n\n1\n")
    made = TabularDatasetFactory.from_delimited_files(
        str(tmp_path / "a.csv"),
        set_column_types={"n": DataType.to_float()},
        header=PromoteHeadersBehavior.ALL_FILES_HAVE_SAME_HEADERS,
    )
    assert type(made) is TabularDataset
    assert Dataset is OldHome
    assert Dataset.Tabular is TabularDatasetFactory
    assert made.to_pandas_dataframe()["n"].tolist() == [1.0]
    with pytest.raises(DatasetTimestampMissingError):
        made.time_before("2019-05-31")


class TestOldForms:
    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("a.csv", "n,m\n1,x\n"),
            ("a.tsv", "n\tm\n1\tx\n"),
            ("a.txt", "n;m\n1;x\n"),
            ("a.json", '{"n": 1, "m": "x"}'),
        ],
    )
    def test_files_are_read_as_what_they_are(self, tmp_path: Path, name: str, content: str) -> None:
        (tmp_path / name).write_text(content)
        assert Dataset.auto_read_files(str(tmp_path / name)).to_pandas_dataframe().values.tolist() == [
            [1, "x"]
        ]

    def test_delimited_files(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text('n,m\n1,"x\ny"\n')
        made = Dataset.from_delimited_files(path=str(tmp_path / "a.csv"), quoting=True)
        assert made.to_pandas_dataframe().values.tolist() == [[1, "x\ny"]]
        with pytest.raises(UserErrorException, match="skip_rows"):
            Dataset.from_delimited_files(str(tmp_path / "a.csv"), skip_rows=3)

    def test_dataframes(self, tmp_path: Path) -> None:
        frame = pd.DataFrame({"n": [1, 2], "m": ["x", None]})
        made = Dataset.from_pandas_dataframe(frame, path=str(tmp_path / "kept"))
        assert made.to_pandas_dataframe()["n"].tolist() == [1, 2]


def test_the_files_of_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ensure_mnist(root: Path, report: object) -> None:
        for part in ("train", "test"):
            np.savez(root / f"{part}.npz", x=np.arange(8, dtype="u1").reshape(2, 4), y=np.array([5, 7], "u1"))

    found = SimpleNamespace(ensure_mnist=ensure_mnist, FOLDER=Path())
    (tmp_path / "datasets").mkdir()
    monkeypatch.setattr(sample_data, "import_module", lambda name: found)
    monkeypatch.setattr(settings, "home", lambda: tmp_path)
    made = MNIST.get_file_dataset()
    assert made.to_path() == [
        "/t10k-images-idx3-ubyte.gz",
        "/t10k-labels-idx1-ubyte.gz",
        "/train-images-idx3-ubyte.gz",
        "/train-labels-idx1-ubyte.gz",
    ]
    assert len(MNIST.get_file_dataset("test").to_path()) == 2
    kept = {
        Path(path).name: gzip.decompress(Path(path).read_bytes())
        for path in made.download(tmp_path / "copies")
    }
    assert kept["train-images-idx3-ubyte.gz"] == struct.pack(">4I", 2051, 60_000, 28, 28) + bytes(range(8))
    assert kept["t10k-labels-idx1-ubyte.gz"] == struct.pack(">2I", 2049, 10_000) + bytes([5, 7])
    with pytest.raises(NotCovered, match=r"NoaaIsdWeather.*data sets that Azure hosts"):
        from azureml.opendatasets import NoaaIsdWeather  # noqa: F401  # the import is what raises
    with pytest.raises(NotCovered, match="get_file_dataset"):
        MNIST.get_tabular_dataset()
