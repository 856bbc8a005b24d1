"""Runs side by side: what differs, whatever things are called, and charts and table as somebody works with them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from faena.data import store as snapshots
from faena.data.schemas import Snapshot, SnapshotFile, manifest_digest
from faena.db import Write
from faena.environments import store as locks
from faena.environments.model import Interpreter, Lock
from faena.runs import record_store, store
from faena.runs.submission_schemas import Submission
from faena.testing.metric_history import fill_metrics
from faena.testing.waiting import until
from tests.pages.chromium import FITS
from tests.pages.test_pages import EVIL, Document
from tests.server.house import Running, Visitor, running

RUNS = [f"charts_{number:05d}" for number in range(4)]
ALL = urlencode([("run", each) for each in RUNS])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("compare")) as found:
        database, objects = found.house.database, found.house.objects.files
        fill_metrics(database, 4, [EVIL, "loss", *(f"group/m{place:04d}" for place in range(60))], 30)
        texts = [f"a = 1\nprint('{EVIL}')\n", "a = 2\nprint('')\n"]
        files = [
            SnapshotFile("train.py", len(text.encode()), objects.put([text.encode()])[0]) for text in texts
        ]
        database.submit_write(lambda write: _differ(write, files)).result()
        yield found


def _differ(write: Write, files: list[SnapshotFile]) -> None:
    for place, file in enumerate(files):
        snapshot = Snapshot((file,), manifest_digest([file]))
        snapshots.put(write, snapshot, set(), 1)
        requirements = f"numpy==1.{place} --hash=sha256:{'0' * 64}\n"
        lock = Lock(Interpreter("/usr/bin/python3", "3.11.2", "CPython"), "linux", requirements, (), "0" * 64)
        submission = Submission(
            experiment="charts",
            snapshot=snapshot.digest,
            script="train.py",
            cluster="cpu",
            arguments=("--name", EVIL if place else "plain"),
            git={"commit": "c" * 40, "branch": EVIL, "remote": EVIL, "dirty": bool(place)},
        )
        changes = {
            "snapshot": snapshot.digest,
            "lock": locks.put(write, lock, 1),
            "name": EVIL if place else None,
        }
        store.update(write, RUNS[place], {**changes, "submission": msgspec.json.encode(submission)})
        record_store.add_parameters(write, RUNS[place], {EVIL: EVIL if place else "plain"})


@pytest.fixture(scope="module")
def browser(server: Running) -> Visitor:
    return server.browser()


@pytest.mark.parametrize(
    "path",
    [
        f"/ui/compare?{ALL}",
        f"/ui/compare/differences?{ALL}",
        f"/ui/compare/code?left={RUNS[0]}&right={RUNS[1]}",
        f"/ui/compare?run={quote(EVIL)}",
        "/ui/compare",
    ],
)
def test_what_was_called_so_is_text(browser: Visitor, path: str) -> None:
    answer = browser.get(path)
    assert answer.status == 200
    document = Document(answer.text)
    assert document.tags.count("script") <= 1
    assert "img" not in document.tags
    assert not [name for name, _ in document.attributes if name.startswith("on")]


def row(text: str, name: str) -> list[str]:
    """The cells beside a name; a dash where a run does not have it."""
    [line] = re.findall(rf'<th scope="row">{re.escape(name)}</th>(.*?)</tr>', text, re.DOTALL)
    return [cell.replace("\u2013", "-") for cell in re.findall(r"<td[^>]*>([^<]*)</td>", line)]


def test_what_differs_is_told_by_its_name(browser: Visitor) -> None:
    html = browser.get(f"/ui/compare/differences?{ALL}").text
    assert row(html, "numpy") == ["1.0", "1.1", "-", "-"]
    assert row(html, "changes not committed") == ["no", "yes", "-", "-"]
    text = " ".join(Document(html).text.split())
    for told in ("Parameters: 4 differ", "Code: 1 differs", "Git: 4 differ", "Data: the same"):
        assert told in text
    lines = Document(browser.get(f"/ui/compare/code?left={RUNS[0]}&right={RUNS[1]}").text).text
    assert "-a = 1" in lines
    assert "+a = 2" in lines
    assert browser.get(f"/ui/compare/code?left={RUNS[0]}&right=none").status == 404


def test_figures_are_of_runs_in_their_order(browser: Visitor) -> None:
    found = browser.get(f"/ui/compare/figures?run={RUNS[2]}&run=none&run={RUNS[0]}&run={RUNS[2]}").json
    assert found["runs"] == [RUNS[2], RUNS[0]]
    axes = {each["name"]: each for each in found["parameters"]}
    assert axes[EVIL]["options"] == ["plain"]
    assert axes[EVIL]["values"] == [None, 0]
    assert len(found["metrics"]) == 62
    assert "2 runs side by side" in browser.get(f"/ui/compare?run={RUNS[2]}&run=none&run={RUNS[0]}").text
    assert "is not there any more" in " ".join(
        browser.get(f"/ui/compare?run={RUNS[2]}&run=none").text.split()
    )
    many = urlencode([("run", f"x{place}") for place in range(201)])
    assert browser.get(f"/ui/compare?{many}").status == 400


@pytest.fixture
def page(chromium: Browser, server: Running) -> Iterator[Page]:
    """Signed in; fails where a script of the page does."""
    port, path = server.sign_in_address()
    found = chromium.new_page(viewport={"width": 1280, "height": 800})
    wrong: list[str] = []
    found.on("pageerror", lambda error: wrong.append(str(error)))
    found.goto(f"http://127.0.0.1:{port}{path}")
    yield found
    found.close()
    assert wrong == []


@pytest.mark.long
def test_runs_are_selected_compared_and_looked_at_by_keyboard(page: Page, tmp_path: Path) -> None:
    expect.set_options(timeout=60_000)
    page.get_by_label(f"Select {RUNS[3]}").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    expect(page.locator("#chosen b")).to_have_text("3 selected")
    page.get_by_role("button", name="Compare").press("Enter")
    page.wait_for_url("**/ui/compare?**")
    drawn = page.locator("figure[data-drawn]")
    expect(drawn.nth(3)).to_be_visible()
    assert page.locator("figure.line-chart").count() < 30, "of 62 charts those that are near"
    page.get_by_label("Metrics").fill("loss")
    expect(page.locator("figure.line-chart")).to_have_count(1)
    page.get_by_label("Axis").select_option("relative")
    chart = page.locator("figure[data-curve=loss]")
    chart.focus()

    def tells_a_time() -> bool:
        page.keyboard.press("ArrowRight")
        return "time " in chart.locator("output").inner_text()

    until(tells_a_time, "the curves along time are there")
    for key in ("ArrowDown", "+"):
        page.keyboard.press(key)
    expect(chart.get_by_role("button", name="Show all")).to_be_visible()
    page.keyboard.press("Escape")
    expect(chart.get_by_role("button", name="Show all")).to_be_hidden()
    over = page.get_by_label("Scatter over")
    metrics = over.locator("option[value^='metrics.']")
    expect(metrics.last).to_have_text(f"{page.get_by_label('Result').input_value()} (metric)")
    over.select_option("parameters.rate")
    expect(page.locator("#scatter circle")).to_have_count(3)
    assert len(page.locator("#scatter text[text-anchor=middle]").all_inner_texts()) > 2, "round places across"
    colours = "all => all.map(each => getComputedStyle(each).stroke).sort()"
    of_runs = "all => all.map(each => getComputedStyle(each).backgroundColor).sort()"
    in_list = page.locator("li[data-run] .swatch").evaluate_all(of_runs)
    assert page.locator("#parallel .trials path").evaluate_all(colours) == in_list
    page.get_by_label(f"Draw {RUNS[2]}").uncheck()
    expect(page.locator("#scatter circle")).to_have_count(2)
    expect(page.get_by_text("2 runs with a value")).to_be_visible()
    expect(page.get_by_text("Code: 1 differs")).to_be_visible()

    page.reload()
    expect(page.get_by_label("Axis")).to_have_value("relative")
    expect(page.get_by_label("Scatter over")).to_have_value("parameters.rate")
    expect(page.locator("#scatter circle")).to_have_count(2)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        until(
            lambda: page.evaluate(FITS),
            "the charts have followed the width",
        )
    page.get_by_label(f"Compare without {RUNS[2]}").click()
    expect(page.get_by_role("heading", name="2 runs side by side")).to_be_visible()
