"""What a notebook shows of handles: tables whose texts are texts, whatever somebody called a thing."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena import Cluster, CondaDependencies, Dataset, Environment, Experiment, Model, Workspace
from faena.client.html import tables
from faena.kernel.errors import NotFound
from tests.pages.test_pages import Document

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'"
ELEMENTS = {"table", "thead", "tbody", "tr", "th", "td", "p", "a"}


def test_handles_are_tables_of_text(common_workspace: Workspace, tmp_path: Path) -> None:
    workspace = common_workspace
    experiment = Experiment(workspace, "shown-handles")
    with experiment.start_logging(outputs=None, snapshot_directory=None, display_name=EVIL) as run:
        run.tag(EVIL, EVIL)
    (tmp_path / "weights.npz").write_bytes(b"weights")
    model = Model.register(
        workspace, str(tmp_path / "weights.npz"), "shown", tags={EVIL: EVIL}, description=EVIL
    )
    dataset = Dataset.File.from_files("https://example.org/<script>alert(1)</script>").register(
        workspace, "shown", description=EVIL
    )
    environment = Environment("shown")
    environment.environment_variables = {EVIL: "1"}
    environment.python.conda_dependencies = CondaDependencies.create(pip_packages=["numpy"])
    cluster = Cluster.get_or_create(workspace, "shown", max_nodes=1)
    for shown, text in (
        (run, run.id),
        (experiment, EVIL),
        (workspace, "shown-handles"),
        (model, f"{EVIL}: {EVIL}"),
        (dataset, "<script>alert(1)</script>"),
        (environment, "numpy"),
        (cluster, "0 of 1"),
    ):
        found = Document(shown._repr_html_())
        assert set(found.tags) <= ELEMENTS, shown
        assert text in found.text, shown


def test_looking_at_a_handle_raises_nothing() -> None:
    class Handle:
        @tables.for_people
        def _repr_html_(self) -> str:
            raise NotFound(EVIL)

    assert Document(Handle()._repr_html_()).text == f"Handle{EVIL}"


@pytest.mark.parametrize("address", ["javascript:alert(1)", "", None])
def test_what_is_no_page_is_no_link(address: str | None) -> None:
    assert "href" not in tables.link(address, "text")


def test_a_long_text_is_cut() -> None:
    assert len(tables.text("x" * 10_000)) < 400
