"""The pages whose addresses notebooks show: whole, and harmless whatever a run holds."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from faena import Experiment, Workspace
from faena.kernel import ids
from tests.journeys.scripts import Project

HOSTILE = "<script>alert(1)</script>&\"'"


class Page(HTMLParser):
    """What a reader sees of it, and the elements that it is made of."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.text = ""
        parts = urlparse(address)
        assert parts.scheme == "file"
        self.feed(Path(unquote(parts.path)).read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


@pytest.fixture
def experiment(workspace: Workspace) -> Experiment:
    return Experiment(workspace, ids.new_id("pages"))


def test_a_run_with_all_that_it_holds(experiment: Experiment, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x" * 1234)
    with experiment.start_logging(name=HOSTILE, snapshot_directory=None, outputs=None) as run:
        for step in range(1000):
            run.log("loss", float("nan") if step % 10 == 0 else 1 / (step + 1))
        run.log("infinite", float("inf"))
        run.log("infinite", float("-inf"))
        run.log(HOSTILE, HOSTILE)
        run.tag("team", HOSTILE)
        run.upload_file(f"{HOSTILE[:8]}.txt", tmp_path / "notes.txt")
    page = Page(run.get_portal_url())
    assert "script" not in page.elements
    assert page.elements.count("polyline") == 1, "nothing can be drawn of infinite values"
    for shown in (run.id, "Completed", "1,000 values, the last one 0.001", "1,234 bytes", HOSTILE):
        assert shown in page.text


def test_a_run_that_failed_shows_why_and_the_end_of_its_log(project: Project) -> None:
    run = project.run(f"print('<b>epoch 1</b>', {HOSTILE!r}); 1 / 0")
    page = Page(run.get_portal_url())
    assert "script" not in page.elements
    assert "exit code 1" in page.text
    assert "<b>epoch 1</b>" in page.text
    assert "ZeroDivisionError" in page.text


def test_an_experiment_lists_its_newest_runs(experiment: Experiment) -> None:
    assert "No runs yet." in Page(experiment.get_portal_url()).text
    with experiment.start_logging(name="first", snapshot_directory=None, outputs=None) as run:
        run.tag("team", HOSTILE)
    address = experiment.get_portal_url()
    page = Page(address)
    assert "script" not in page.elements
    assert "first" in page.text
    assert HOSTILE in page.text
    assert experiment.get_portal_url() == address
