"""Projects that speak v1: each in a folder of its own, under a workspace name that no other test uses."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

import faena
from faena_azureml.workspace import Workspace
from tests.conftest import shut_down
from tests.script.conftest import here

__all__ = ["here"]


@pytest.fixture
def name() -> str:
    """A workspace name of this test alone."""
    return f"ws-{secrets.token_hex(4)}"


@pytest.fixture(scope="module")
def lasting_ws(lasting_workspace: faena.Workspace) -> Workspace:
    """By v1's words, the one that all tests of a module share."""
    return Workspace.of_folder(lasting_workspace.files.path)


@pytest.fixture
def ws(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A workspace made by v1's words in the current folder, which is the test's own."""
    monkeypatch.chdir(tmp_path)
    made = Workspace.create(name, subscription_id="sub-1", resource_group="rg-1", location="eastus")
    yield made
    if made.files.path.exists():
        shut_down(made)
