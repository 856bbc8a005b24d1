"""One filter means the same in Python, on the command line, over HTTP and on the page; and why nothing was found."""

from __future__ import annotations

import json
import re
import time
import warnings
from urllib.parse import urlencode

import pytest

from faena import Experiment, Workspace
from faena.client.runs.interactive import InteractiveRun
from faena.kernel.nearest import nearest
from tests.cli.terminal import within


def start(shelf: Workspace, experiment: str, run_id: str) -> InteractiveRun:
    return Experiment(shelf, experiment).start_logging(run_id=run_id, outputs=None, snapshot_directory=None)


@pytest.fixture(scope="module")
def shelf(lasting_workspace: Workspace) -> Workspace:
    lasting_workspace.write_config(lasting_workspace.folder)
    with start(lasting_workspace, "digits", "father") as father:
        father.log("Accuracy", 0.9)
        father.tag("team", "red")
        for name in ("son", "daughter"):
            with father.child_run(run_id=name) as child:
                child.log("Accuracy", 0.95)
                child.tag("team", "blue")
    with start(lasting_workspace, "digits", "alone") as alone:
        alone.log("Accuracy", 0.5)
        alone.log("val/loss", 1.5)
    with start(lasting_workspace, "letters", "old") as old:
        old.log("Accuracy", 0.99)
        old.tag("only-archived", "x")
    old.archive()
    with start(lasting_workspace, "letters", "wrong") as wrong:
        wrong.log("loss", 3)
        wrong.fail("in vain")
    return lasting_workspace


ALL = {"father", "son", "daughter", "alone", "wrong"}
FILTERS = {
    "parent = 'father'": {"son", "daughter"},
    "parent in (father, nobody) and tags.team = blue": {"son", "daughter"},
    "not parent is null": {"son", "daughter"},
    "parent is null": ALL - {"son", "daughter"},
    "id = son": {"son"},
    "metrics.Accuracy > 0.6": {"father", "son", "daughter"},
    'metrics."val/loss" = 1.5': {"alone"},
    "not metrics.Accuracy > 0.6": {"alone", "wrong"},
    "tags.team in (red, blue)": {"father", "son", "daughter"},
    "experiment = letters": {"wrong"},
    "not archived is null": {"old"},
    "status = Failed": {"wrong"},
    "created > '1d'": ALL,
    "number = 99": set(),
}


@pytest.mark.few(5)
@pytest.mark.parametrize("text", FILTERS)
def test_a_filter_means_the_same_everywhere(shelf: Workspace, text: str) -> None:
    by_python = {run.id for run in shelf.find_runs(text)}
    by_frame = set(shelf.runs_frame(text)["id"])
    by_http = shelf.api.transport.json("GET", "/runs?" + urlencode({"filter": text}))
    rows = json.loads(within(shelf.folder, "runs", "--filter", text, "--json").stdout)
    page = shelf.api.transport.request("GET", "/ui/runs?" + urlencode({"filter": text})).data.decode()
    on_page = set(re.findall(r'<td class="title"><a href="/ui/runs/([^"]+)"', page))
    found = (
        by_python,
        by_frame,
        {row["id"] for row in by_http["runs"]},
        {row["id"] for row in rows},
        on_page,
    )
    assert found == (FILTERS[text],) * 5


def test_without_a_filter_lists_leave_out_children_and_archived_runs(shelf: Workspace) -> None:
    def listed(*options: str) -> set[str]:
        return {row["id"] for row in json.loads(within(shelf.folder, "runs", "--json", *options).stdout)}

    assert listed() == ALL - {"son", "daughter"}
    assert listed("--children", "--archived") == ALL | {"old"}
    assert listed("--filter", "metrics.Accuracy > 0.6", "--no-children") == {"father"}
    page = shelf.api.transport.request("GET", "/ui/runs").data.decode()
    assert "/ui/runs/old" not in page and "/ui/runs/son" not in page and "/ui/runs/alone" in page


EMPTY = {
    ("--filter", "metrics.acuracy > 0.5"): (
        "None of 5 runs matches. No run has the metric 'acuracy'; there is 'Accuracy'."
    ),
    ("--filter", "metrics.ACCURACY.max > 0.5"): "No run has the metric 'ACCURACY'; there is 'Accuracy'.",
    ("--filter", "tags.taem = red"): "No run has the tag 'taem'; there is 'team'.",
    ("--filter", "params.--epochs = 3"): "No run has the parameter 'epochs'.",
    ("--filter", "experiment = digit"): "There is no experiment 'digit'; there is 'digits'.",
    ("--filter", "status = Complete"): "There is no state 'Complete'; there is 'Completed'.",
    ("--filter", "tags.team = green"): "None of 5 runs matches.",
    ("--filter", "model = net"): "There is no model 'net'.",
    (
        "--experiment",
        "leters",
    ): "None of 3 runs matches. There is no experiment 'leters'; there is 'letters'.",
    ("--tag", "tea"): "None of 3 runs matches. No run has the tag 'tea'; there is 'team'.",
    ("--tag", "team=blue"): "None of 3 runs matches. 2 runs that another run started would: --children.",
    ("--tag", "only-archived"): "None of 3 runs matches. 1 archived run would: --archived.",
}


@pytest.mark.few(4)
@pytest.mark.parametrize("asked", EMPTY, ids=" ".join)
def test_why_nothing_was_found(shelf: Workspace, asked: tuple[str, str]) -> None:
    said = within(shelf.folder, "runs", *asked).stdout.decode()
    assert said.endswith(EMPTY[asked] + "\n")
    assert "No runs yet" not in said
    if asked[0] != "--filter":
        return
    page = shelf.api.page(filter=asked[1])
    assert page.empty is not None and page.empty.total == 6
    assert " ".join(filter(None, (page.empty.message, page.note))).endswith(EMPTY[asked])
    html = shelf.api.transport.request("GET", "/ui/runs?" + urlencode({"filter": asked[1]})).data.decode()
    assert "None of 5 runs matches" in html
    assert page.note.replace("'", "&#39;") in html
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        frame = shelf.runs_frame(asked[1])
    assert [str(each.message) for each in told] == ([page.note] if page.note else [])
    assert len(frame) == 0 and "status" in frame


def test_what_a_list_is_sorted_by_in_vain_is_told(shelf: Workspace) -> None:
    done = within(shelf.folder, "runs", "--sort", "-metrics.accurcy")
    assert len(done.stdout.splitlines()) == 4
    assert done.stderr == b"No run has the metric 'accurcy'; there is 'Accuracy'.\n"
    assert within(shelf.folder, "runs", "--sort", "-metrics.Accuracy").stderr == b""
    with pytest.warns(UserWarning, match="there is 'Accuracy'"):
        assert len(list(shelf.find_runs(sort="metrics.accurcy"))) == 5


def test_a_metric_that_a_run_does_not_have(shelf: Workspace) -> None:
    done = within(shelf.folder, "metrics", "alone", "--name", "val-loss")
    assert (done.stdout, done.stderr) == (b"", b"alone has no metric 'val-loss'. There is val/loss.\n")


def test_what_only_deleted_runs_had_nobody_has(shelf: Workspace) -> None:
    with start(shelf, "many", "many") as run:
        run.tag("longlong", "x")
    assert "there is 'longlong'" in shelf.api.page(filter="tags.longlonk = x").note
    assert within(shelf.folder, "delete", "many", "--yes").returncode == 0
    assert shelf.api.page(filter="tags.longlonk = x").note == "No run has the tag 'longlonk'."


def test_names_of_any_length_and_number_cost_little() -> None:
    began = time.process_time()
    assert len(nearest("lnog" * 10_000, (f"{'long' * 10_000}{number}" for number in range(10_000)))) == 3
    assert time.process_time() - began < 2


def test_a_new_workspace_says_how_to_begin(own_workspace: Workspace) -> None:
    own_workspace.write_config(own_workspace.folder)
    for options in ((), ("--filter", "status = Failed"), ("--experiment", "x")):
        done = within(own_workspace.folder, "runs", *options)
        assert done.stdout == b"No runs yet. Submit one with `faena submit`.\n"
    with start(own_workspace, "x", "archived") as run:
        pass
    run.archive()
    done = within(own_workspace.folder, "runs")
    assert done.stdout == b"None of 1 run is shown: each is archived, or another run started it.\n"
