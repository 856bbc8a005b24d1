"""v1's words for datasets: where they are, the forms of its first years, and MNIST of azureml.opendatasets."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pandas as pd
import pytest
from azureml.core import Dataset
from azureml.core.dataset import Dataset as OldHome
from azureml.data import OutputFileDatasetConfig, TabularDataset
from azureml.data.dataset_factory import DataType, TabularDatasetFactory
from azureml.data.dataset_type_definitions import PromoteHeadersBehavior
from azureml.exceptions import DatasetTimestampMissingError, NotCovered, UserErrorException
from azureml.opendatasets import MNIST, Diabetes

import faena_azureml.opendatasets as hosted
from faena.client.data import sample_data
from faena.db import Read
from faena.kernel import settings
from faena.runs import inputs


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
        (root / "pfnet" / "chainer" / "mnist").mkdir(parents=True, exist_ok=True)
        for part in ("train", "test"):
            np.savez(
                root / "pfnet" / "chainer" / "mnist" / f"{part}.npz",
                x=np.arange(8, dtype="u1").reshape(2, 4),
                y=np.array([5, 7], "u1"),
            )

    found = SimpleNamespace(ensure_mnist=ensure_mnist)
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


def test_the_table_of_diabetes_is_the_one_of_scikit_learn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = SimpleNamespace(
        feature_names=["age", "bmi"],
        data=np.array([[59.0, 32.1], [48.0, 21.0]]),
        target=np.array([151.0, 75.0]),
    )
    asked: list[bool] = []

    def load_diabetes(scaled: bool) -> SimpleNamespace:
        asked.append(scaled)
        return loaded

    monkeypatch.setattr(settings, "home", lambda: tmp_path)
    monkeypatch.setattr(hosted, "import_module", lambda name: SimpleNamespace(load_diabetes=load_diabetes))
    table = Diabetes.get_tabular_dataset().to_pandas_dataframe()
    assert table.to_dict("list") == {"AGE": [59, 48], "BMI": [32.1, 21.0], "Y": [151, 75]}
    assert Diabetes(cols=["Y"]).to_pandas_dataframe()["Y"].tolist() == [151, 75]
    assert asked == [False], "once, in the units of its publisher"


def test_without_scikit_learn_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def import_module(name: str) -> None:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(settings, "home", lambda: tmp_path)
    monkeypatch.setattr(hosted, "import_module", import_module)
    with pytest.raises(UserErrorException, match="pip install scikit-learn"):
        Diabetes.get_tabular_dataset()


class TestOutputs:
    def test_an_output_is_a_folder_that_a_datastore_keeps(self) -> None:
        made = OutputFileDatasetConfig("made").data_input()
        assert (made.mode, made.datastore, made.path) == (
            "upload",
            "workspaceblobstore",
            "dataset/{run-id}/made",
        )
        assert made.token == "$AZUREML_DATAREFERENCE_made"
        assert made.overwrite
        assert not OutputFileDatasetConfig("made").as_upload().data_input().overwrite

    def test_its_folder_is_named_after_the_run(self) -> None:
        made = OutputFileDatasetConfig("made").as_mount().data_input()
        [order] = inputs.of_order(cast(Read, None), [made], "run_7")
        assert order["path"] == "dataset/run_7/made"
        assert order["sources"] == [{"datastore": "workspaceblobstore", "path": "dataset/run_7/made"}]

    def test_what_belongs_to_pipelines_is_refused(self) -> None:
        with pytest.raises(NotCovered, match=r"register_on_complete.*from_files"):
            OutputFileDatasetConfig("made").register_on_complete("kept")
        with pytest.raises(UserErrorException, match="destination"):
            OutputFileDatasetConfig("made", destination=7)  # type: ignore[arg-type]  # a mistake
