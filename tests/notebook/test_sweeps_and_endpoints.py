"""What is shown of sweeps and endpoints, from what a real server says and from what it might."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from faena import Workspace
from faena.db import Database
from faena.endpoints.chart_schemas import Curves
from faena.endpoints.schemas import (
    ActivityView,
    EndpointView,
    FailureView,
    ModelUse,
    RevisionView,
    Settings,
    Workers,
)
from faena.kernel.discovery import Rendezvous, is_held
from faena.notebook.live.increments import changes
from faena.notebook.show import watch_of
from faena.notebook.still import html
from faena.notebook.views import endpoint_view
from faena.notebook.views.blocks import Charts, Heading, Parallel, Table, View
from faena.notebook.views.endpoint_view import KnownEndpoint
from faena.sweeps.model import SweepState
from faena.sweeps.schemas import Objective, Policy
from faena.testing.sweep_history import METRIC, fill_sweep
from faena.testing.waiting import until
from tests.notebook.made_views import EVIL
from tests.notebook.test_still import ELEMENTS
from tests.pages.test_pages import Document

TRIALS = 30
EVIL_PARAMETER = f"--{EVIL.replace(' ', '').replace('=', '')}"


@pytest.fixture(scope="module")
def workspace(lasting_workspace: Workspace) -> Iterator[Workspace]:
    lasting_workspace.api.version()
    lasting_workspace.api.stop()
    until(lambda: not is_held(Rendezvous(lasting_workspace.files.path).election), "the server has left")
    database = Database(Path(lasting_workspace.files.database))
    fill_sweep(database, "HD_some", TRIALS, state=SweepState.PAUSED)
    fill_sweep(
        database,
        "HD_evil",
        4,
        experiment="evil",
        space={EVIL_PARAMETER: ["choice", [[EVIL, f"{EVIL}2"]]], "--n": ["uniform", [0, 1]]},
        objectives=(Objective(EVIL, "minimize"),),
        policy=Policy(),
    )
    database.close()
    yield lasting_workspace
    lasting_workspace.api.cancel("HD_some")


def shown(workspace: Workspace, run_id: str) -> View:
    return watch_of(workspace.get_run(run_id)).look()


def test_a_sweep_is_shown_with_its_best_trial_curves_and_table(workspace: Workspace) -> None:
    view = shown(workspace, "HD_some")
    blocks = {block.id: block for block in view.blocks}
    assert not view.ended
    heading, table, parallel = blocks["heading"], blocks["trials"], blocks["parallel"]
    assert isinstance(heading, Heading)
    best = workspace.api.sweeps.get("HD_some").best
    assert best is not None
    assert f"best: trial {best.number}, {METRIC}" in view.line
    assert isinstance(table, Table)
    assert table.rows[0][0].text == str(best.number), "best first"
    assert [column.name for column in table.columns][:3] == ["Trial", "Status", METRIC]
    assert isinstance(parallel, Parallel)
    assert [axis.name for axis in parallel.axes][-1] == METRIC
    assert parallel.ranks.count(0.0) == 1
    assert parallel.names[parallel.ranks.index(0.0)].startswith(f"trial {best.number}:")
    for block in ("history", "curves"):
        assert isinstance(blocks[block], Charts)
    assert "fv-best" in html.page(view)


def test_whatever_a_sweep_searches_is_text(workspace: Workspace) -> None:
    found = Document(html.page(shown(workspace, "HD_evil")))
    assert set(found.tags) <= ELEMENTS
    assert found.text.count("<script>alert(1)</script>") >= 6


def made_endpoint(text: str) -> EndpointView:
    revision = RevisionView(
        number=1,
        state="Failed",
        created_at=0,
        models=(ModelUse(text, 1),),
        snapshot="",
        entry=text,
        kind="",
        environment_name=text,
        lock=None,
        python=None,
        workers=Workers(),
        weight=100,
        error=FailureView(text, text),
    )
    return EndpointView(
        name=text,
        state="Unhealthy",
        version=1,
        created_at=0,
        updated_at=0,
        revision=1,
        traffic={"1": 100},
        shadow=None,
        is_settled=True,
        error=FailureView(text, text),
        port=None,
        scoring_uri=text,
        swagger_uri=None,
        settings=Settings(),
        revisions=[revision],
        activity=ActivityView(60, 12, 0.2, 1, {"500": 1}, 0.01, 0.2, 0.3, 4, 5, {}, {}),
    )


def activity(count: int) -> Curves:
    times: list[float | None] = [None, *([0.01] * (count - 1))]
    numbers = [float(at) for at in range(count)]
    seconds = [2.0 * at for at in numbers]
    return Curves(
        seconds,
        numbers,
        numbers,
        numbers,
        times,
        times,
        times,
        [*map(int, numbers)],
        numbers,
        [*map(int, numbers)],
    )


def test_an_endpoint_is_shown_with_its_rates_and_all_of_it_is_text() -> None:
    view = endpoint_view.of_endpoint(KnownEndpoint(made_endpoint(EVIL), activity(5), EVIL))
    found = Document(html.page(view))
    assert set(found.tags) <= ELEMENTS
    assert "0.20/s" in found.text
    assert "p95 200 ms" in view.line
    assert found.text.count("<script>alert(1)</script>") >= 6
    assert not view.ended


def test_a_deleted_endpoint_is_over() -> None:
    view = endpoint_view.of_endpoint(KnownEndpoint(made_endpoint("shop"), None, deleted=True))
    assert view.ended
    assert view.line.startswith("Endpoint shop: Deleted")


def test_only_what_changed_is_sent() -> None:
    before = endpoint_view.of_endpoint(KnownEndpoint(made_endpoint("shop"), activity(3), "one\n"))
    after = endpoint_view.of_endpoint(KnownEndpoint(made_endpoint("shop"), activity(3), "one\ntwo\n"))
    assert changes(before, before) == []
    assert changes(before, after) == [{"id": "log", "drop": 0, "append": "two\n"}]
    without = endpoint_view.of_endpoint(KnownEndpoint(made_endpoint("shop"), None, ""))
    assert changes(before, without) is None, "there are other blocks: all of it"
    sent = msgspec.json.encode(
        changes(without, endpoint_view.of_endpoint(KnownEndpoint(made_endpoint("cart"), None)))
    )
    assert b"cart" in sent
