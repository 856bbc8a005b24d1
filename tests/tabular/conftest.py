"""Files of the tests' own, and datasets of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from faena.client.data.dataset import Dataset, TabularDataset
from faena.script import messages

Made = Callable[..., TabularDataset]


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told once a process is told to each test."""
    monkeypatch.setattr(messages, "_told", set())


@pytest.fixture
def csv(tmp_path: Path) -> Made:
    """A dataset of one file with these bytes, or of several by name."""

    def make(content: bytes | str | dict[str, bytes | str], **options: Any) -> TabularDataset:
        files = content if isinstance(content, dict) else {"a.csv": content}
        for name, data in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(data if isinstance(data, bytes) else data.encode())
        return Dataset.Tabular.from_delimited_files([str(tmp_path / name) for name in files], **options)

    return make


def rows(dataset: TabularDataset, **how: Any) -> list[tuple[Any, ...]]:
    """Its rows, null as None."""
    frame = dataset.to_pandas_dataframe(**how)
    return [
        tuple(
            None if value is pd.NaT or (isinstance(value, float) and value != value) else value
            for value in row
        )
        for row in frame.astype(object).itertuples(index=False, name=None)
    ]


def types(dataset: TabularDataset) -> dict[str, str]:
    return {name: str(dtype) for name, dtype in dataset.to_pandas_dataframe().dtypes.items()}
