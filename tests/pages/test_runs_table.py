"""The table of runs: columns that somebody chose, rows that stand together, views that are kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast
from urllib.parse import quote

import pytest

from faena.runs.model import Run
from faena.server.pages.rendering import render
from faena.server.pages.runs import columns
from faena.server.pages.runs.asked import ROWS, Asked
from faena.server.pages.runs.table import Column, Group, Row, RunsTable
from faena.testing.metric_history import fill_metrics
from tests.pages.test_pages import EVIL, Document
from tests.server.house import Answer, Running, Visitor, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("table")) as found:
        fill_metrics(found.house.database, 4, ["loss", "val/loss"], 20)
        yield found


@pytest.fixture(scope="module")
def browser(server: Running) -> Visitor:
    return server.browser()


def titles(answer: Answer) -> list[str]:
    return re.findall(r'<th scope="col"[^>]*><a [^>]*>([^<]*)</a>', answer.text)


def test_columns_are_those_that_were_asked_for_in_their_order(browser: Visitor) -> None:
    asked = quote('tags.team, metrics."val/loss", metrics.loss.max, params.width, user, user')
    answer = browser.get(f"/ui/runs?columns={asked}")
    assert titles(answer) == ["Run", "team", "val/loss", "loss (max)", "width", "User"]
    assert answer.text.count('<td class="text">ann</td>') == 4
    sort = re.findall(r'href="([^"]*)" title="Sort by loss \(max\)"', answer.text)[0].replace("&amp;", "&")
    assert "-metrics.%22loss%22.max" in sort, "a metric from the largest down"
    assert "columns=" in sort, "the address keeps the view"
    again = browser.get(sort)
    assert 'aria-sort="descending"' in again.text
    assert titles(again) == titles(answer)


def test_without_a_choice_they_are_what_most_runs_have(browser: Visitor) -> None:
    found = titles(browser.get("/ui/runs"))
    assert found == [
        "Run",
        "Experiment",
        "Status",
        "Created",
        "Took",
        "loss",
        "val/loss",
        "optimizer",
        "rate",
        "width",
    ]


def test_whose_they_are_is_shown_where_several_people_have_runs() -> None:
    runs = [cast(Run, SimpleNamespace(user=name)) for name in ("ann", "bob", "ann")]
    shown, of_one = (
        [each.title for each in columns.default(columns.Facts(), "", some)] for some in (runs, runs[:1])
    )
    assert shown == [*of_one, "User"]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("metric.loss", "metric.loss"),
        ("user,, name", "cannot be read"),
        ("model", "no column"),
        ("loss", "loss"),
    ],
)
def test_what_is_no_column_is_pointed_at(browser: Visitor, columns: str, said: str) -> None:
    answer = browser.get(f"/ui/runs?columns={quote(columns)}")
    assert answer.status == 400
    assert said in Document(answer.text).text


def test_rows_far_down_come_later_in_columns_as_wide_as_theirs() -> None:
    def row(number: int) -> Row:
        cells = [("state", "Completed"), ("number", f"{10**number}")]
        return Row(f"run_{number}", f"/{number}", f"run {number}", "charts", "", [], 0, number > 3, cells)

    def shown(count: int) -> str:
        columns = [Column(each, each, "", "none", "text") for each in ("Run", "Status", "loss")]
        table = RunsTable(Asked(), [], [], columns, [Group(None, [row(each) for each in range(count)])])
        return render(
            "runs.html", table=table, sizes=ROWS, seen="", workspace="here", place="/place", here="runs"
        )

    long = shown(6)
    assert long.count('<tr class="later">') == 2
    assert long.count('name="run"') == 6, "the widest is no row of its own"
    (widest,) = re.findall(r'<tbody class="widest" aria-hidden="true"><tr>(.*?)</tr>', long)
    assert widest.endswith('<td class="text">Completed</td><td class="number">100000</td>')
    assert "without_scripts.css" in long
    assert "later" not in shown(4)
    assert "widest" not in shown(4)


def test_rows_stand_together_by_a_value(browser: Visitor) -> None:
    asked = "/ui/runs?group=parameters.optimizer&columns=user,metrics.loss&sort=number"
    shut = browser.get(asked)
    found = re.findall(
        r'<th scope="rowgroup"[^>]*><span><a href="([^"]*)" aria-expanded="(\w+)">([^<]*)</a> <small>([^<]*)<',
        shut.text,
    )
    assert [each[1:3] for each in found] == [("false", "optimizer: sgd"), ("false", "optimizer: adam")]
    assert all(re.fullmatch(r"2 runs · loss: best [\d.]+, mean [\d.]+", each[3]) for each in found)
    assert 'name="run"' not in shut.text
    opened = browser.get(found[1][0].replace("&amp;", "&")).text
    assert [row[-1] for row in re.findall(r'name="run" value="([^"]*)"', opened)] == ["0", "2"]
    assert opened.count('aria-expanded="true"') == 1
    assert 'value="parameters.&#34;optimizer&#34;" selected' in opened
    first = browser.get(f"{asked}&rows=1&open=%3Dadam").text
    more = re.findall(r'<a href="([^"]*)" rel="next">More of', first)[0].replace("&amp;", "&")
    assert [row[-1] for row in re.findall(r'name="run" value="([^"]*)"', browser.get(more).text)] == ["2"]
    assert browser.get("/ui/runs?rows=2").text.count('name="run"') == 2
    refused = browser.get("/ui/runs?group=created")
    assert refused.status == 400
    assert "group by a text" in refused.text


def test_tags_stand_beside_a_name(browser: Visitor) -> None:
    assert '<span title="team: b">team: b</span>' in browser.get("/ui/runs").text


def test_names_for_columns_are_found_by_a_part(browser: Visitor) -> None:
    assert browser.get("/ui/run-fields?text=LOSS").json == ['metrics."loss"', 'metrics."val/loss"']
    found = browser.get("/ui/run-fields?text=t").json
    assert {"status", 'parameters."width"', 'tags."team"'} <= set(found)


def send(browser: Visitor, verb: str, path: str, value: object = None) -> Answer:
    body = b"" if value is None else json.dumps(value).encode()
    origin = f"http://127.0.0.1:{browser.port}"
    return browser.ask(verb, path, body, Origin=origin, Content_Type="application/json")


def test_a_view_is_kept_renamed_and_deleted_by_a_browser(server: Running, browser: Visitor) -> None:
    query = "columns=user&sort=-number&after=xyz&filter=" + quote(EVIL)
    kept = send(browser, "POST", "/views", {"name": f" {EVIL}  ", "query": f"?{query}"})
    assert kept.status == 201
    number = kept.json["id"]
    assert "after" not in kept.json["query"], "a page's place is none of a view"
    page = Document(browser.get("/ui/runs").text)
    [link] = [value for name, value in page.attributes if name == "data-query"]
    assert link == kept.json["query"]
    assert EVIL in page.text
    assert "img" not in page.tags
    again = send(browser, "POST", "/views", {"name": EVIL, "query": "sort=number"})
    assert (again.json["id"], again.json["query"]) == (number, "sort=number"), "the same name, another view"
    send(browser, "POST", "/views", {"name": "other", "query": ""})
    refused = send(browser, "PATCH", f"/views/{number}", {"name": "other"})
    assert refused.status == 409
    assert send(browser, "PATCH", f"/views/{number}", {"name": "mine"}).json["name"] == "mine"
    assert [each["name"] for each in server.client().get("/views").json] == ["mine", "other"]
    assert send(browser, "DELETE", f"/views/{number}").status == 204
    assert send(browser, "DELETE", f"/views/{number}").status == 404
    for wrong in ({"name": ""}, {"name": "x", "page": "models"}, {"name": "a\u0000"}):
        assert send(browser, "POST", "/views", {"query": "", **wrong}).status == 400
    assert send(browser, "POST", "/views", {"name": "x", "query": "q" * 20_000}).status == 400
    assert browser.get("/views").status == 403, "the pages list them; a browser has nothing else to ask"
