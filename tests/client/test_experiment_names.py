"""Experiments are called what people call them: text of any script, which is safe wherever it goes."""

from __future__ import annotations

import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pytest

from faena import Experiment, Workspace
from faena.kernel import ids
from faena.kernel.errors import UserErrorException
from tests.journeys.scripts import Project

NAMES = [
    "Größe / été 2026",
    "実験 一",
    "../../etc/passwd",
    "..",
    ".",
    "/",
    "a//b/",
    "%2e%2e%2f?x=1&y=2#z",
    'it\'s "quoted" \\ and; <b>bold</b>',
    "two  blanks",
    "-rf",
    "नमस्ते 👩‍🔬",  # with a joiner inside, as the script and the emoji need it
    "a" * 255,
    "界" * 255,
]


@pytest.fixture
def workspace(lasting_workspace: Workspace) -> Workspace:
    return lasting_workspace


def _started(workspace: Workspace, name: str) -> Any:
    run = Experiment(workspace, name).start_logging(outputs=None, snapshot_directory=None)
    run.log("loss", 0.5)
    run.complete()
    return run


@pytest.mark.few(4)
@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:20])
def test_a_name_is_the_same_wherever_it_is_asked_for(workspace: Workspace, tmp_path: Path, name: str) -> None:
    run = _started(workspace, name)
    assert ids.check_run_id(run.id) == run.id and len(run.id) < 130
    assert workspace.get_run(run.id).experiment.name == name
    assert [found.id for found in Experiment(workspace, name).get_runs()] == [run.id]
    quoted = name.replace("'", "''")
    assert [found.id for found in workspace.find_runs(f"experiment = '{quoted}'")] == [run.id]
    assert [found.id for found in workspace.find_runs(f"experiment in ('{quoted}')")] == [run.id]
    assert [found.name for found in Experiment.list(workspace, name)] == [name]
    Experiment(workspace, name).archive()
    assert Experiment.list(workspace, name) == []
    Experiment(workspace, name).reactivate()
    page = Path(unquote(urlparse(Experiment(workspace, name).get_portal_url()).path))
    assert page.parent == workspace.files.path / "pages" and page.exists()
    exported = run.export(tmp_path / "exported")
    assert Path(exported.folder).parent == tmp_path
    assert workspace.import_run(exported.folder).id == run.id


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a" * 256,
        "a\nb",
        "a\0",
        "a\x9b",
        "\ud800",
        " a",
        "a ",
        "\u2028",
        "a\u202eb",
        None,
        7,
        b"a",
        "x" * 10_000,
    ],
    ids=lambda name: ascii(name)[:20],
)
def test_what_can_be_no_name_is_refused_with_what_is_wrong(workspace: Workspace, name: Any) -> None:
    with pytest.raises(UserErrorException, match="not a valid experiment name: it ") as refused:
        Experiment(workspace, name)
    assert len(refused.value.message) < 300


def test_a_control_character_is_named(workspace: Workspace) -> None:
    with pytest.raises(UserErrorException, match=r"U\+0007"):
        Experiment(workspace, "a\x07b")


def test_a_letter_in_two_spellings_is_one_name(workspace: Workspace) -> None:
    apart = unicodedata.normalize("NFD", "Modèle")
    run = _started(workspace, apart)
    assert run.experiment.name == "Modèle" != apart
    assert [found.id for found in workspace.find_runs(f"experiment = '{apart}'")] == [run.id]
    assert [row.id for row in workspace.api.listed(experiment=apart)] == [run.id]
    assert len(Experiment.list(workspace, apart)) == 1


def test_the_length_is_that_of_the_spelling_that_is_kept(workspace: Workspace) -> None:
    assert Experiment(workspace, "e\u0301" * 255).name == "é" * 255


def test_ids_of_plain_names_are_those_of_v1() -> None:
    assert ids.new_run_id("mnist_a-1").startswith("mnist_a-1_")
    assert ids.new_run_id("Été 2026/a").startswith("Ete-2026-a_")
    assert ids.new_run_id("日本").startswith("run_")
    assert len(ids.new_run_id("a" * 255)) < 130


@pytest.mark.long
def test_of_many_who_begin_an_experiment_at_once_one_is_made(workspace: Workspace) -> None:
    with ThreadPoolExecutor(20) as pool:
        runs = list(pool.map(lambda _: _started(workspace, "begun / together"), range(100)))
    assert [found.name for found in Experiment.list(workspace, "begun / together")] == ["begun / together"]
    assert sorted(workspace.get_run(run.id).number for run in runs) == list(range(1, 101))


def test_a_script_knows_the_name_of_its_experiment(project: Project) -> None:
    name = "Größe / 界 👩‍🔬"
    run = project.run(
        "from faena import Run\nrun = Run.get_context()\nrun.tag('name', run.experiment.name)",
        experiment=name,
        environment_variables={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    )
    assert run.get_status() == "Completed", run.refresh().error
    assert run.get_tags() == {"name": name}
