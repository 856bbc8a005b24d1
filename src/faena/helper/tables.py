"""Tabular datasets whose files the other side reads, with its own pandas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from faena.client.data import tabular_factory
from faena.client.data.tabular_dataset import TabularDataset
from faena.script.tabular import definition
from faena.script.tabular.definition import Definition
from faena.script.tabular.schema import File


def files_of(dataset: TabularDataset) -> list[list[str]]:
    """(What the user knows it by, where it is) each."""
    return _plain(dataset._files())


def made(path: Any, workspace: Any, make: Callable[[Callable[[], Any]], Any]) -> TabularDataset:
    """`make`: gives the definition as JSON, and is given what finds the files."""

    def define(find: Callable[[], list[File]]) -> Definition:
        return definition.from_json(make(lambda: _plain(find())))

    return tabular_factory.made(path, workspace, define)


def _plain(files: list[File]) -> list[list[str]]:
    return [[file.path, file.place] for file in files]
