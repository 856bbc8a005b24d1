"""Names that can be the name of nothing are refused by the client, before they become part of an address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from faena import Cluster, Model, Workspace
from faena.kernel.errors import FaenaError, UserErrorException
from tests.journeys.scripts import Project

IMPOSSIBLE: list[Any] = ["", "a/b", "../../x", "a\nb", "a\0", "\ud800", "x" * 10_000, None, 3]


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


@pytest.mark.parametrize("name", IMPOSSIBLE, ids=lambda name: ascii(name)[:20])
def test_a_name_that_cannot_be_is_named_in_few_words(workspace: Workspace, name: Any) -> None:
    for ask in (
        lambda: workspace.get_run(name),
        lambda: Cluster(workspace, name),
        lambda: Cluster.get_or_create(workspace, name),
        lambda: Model(workspace, name),
        lambda: workspace.api.models.get(name, 1),
    ):
        with pytest.raises(FaenaError) as refused:
            ask()
        assert refused.value.status < 500
        assert len(refused.value.message) < 400


@pytest.mark.few(2)
@pytest.mark.parametrize("name", ["", "..", "../x", "/etc/passwd", "a\nb", None])
def test_a_file_name_that_cannot_be_writes_nothing(
    project: Project,
    tmp_path: Path,
    name: Any,
) -> None:
    run = project.run("print(1)")
    with pytest.raises(UserErrorException):
        run.download_file(name, tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_text_that_is_not_unicode_is_named(project: Project) -> None:
    with pytest.raises(UserErrorException, match="not Unicode"):
        project.submit("print(1)", script_arguments=["\ud800"])
    with pytest.raises(UserErrorException, match="is not a state of a run"):
        project.workspace.api.runs(status="Bogus")
