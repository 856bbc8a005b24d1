"""Every page can be read and worked with by the keyboard, light and dark, wide and narrow: what axe tells, and more."""

from __future__ import annotations

import time
from collections.abc import Iterator

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from faena.db import Write
from faena.runs import record_store, store
from faena.runs.model import RunStatus
from faena.testing.sweep_history import fill_sweep
from faena.tracking import ingest
from faena.tracking.model import StoredFile, StreamKey
from tests.pages import test_pages, test_previews, things
from tests.pages.accessibility import violations
from tests.pages.chromium import CHROMIUM
from tests.server.house import Running, running

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt install chromium"),
]

DRAWN, ENDED, LONG = f"/ui/runs/{test_previews.RUN}", "/ui/runs/ended_1", "/ui/runs/long_1"
PAGES = (
    "/ui/runs?group=status&columns=status%2C+tags.stage%2C+user&open=%3DCompleted",
    f"/ui/compare?run={test_previews.RUN}&run=ended_1&run={test_pages.RUN}",
    DRAWN,
    ENDED,
    "/ui/runs/HD_some",
    "/ui/clusters",
    "/ui/endpoints",
    f"/ui/traces/{things.TRACE}",
)
"""Those with charts, tables, logs and forms, and as much on them as there can be."""
OF_THE_SAME_KINDS = (
    f"{DRAWN}/preview/outputs/cells.csv",
    f"{ENDED}/do/delete",
    "/ui/models/digits",
    f"/ui/data/sets/{things.TABLE}",
    f"/ui/environments/{things.LOCK.digest}?with={things.OTHER.digest}",
    "/ui/nothing",
    "/ui/runs",
    "/ui/runs?filter=nonsense+%3E",
    "/ui/compare",
    f"/ui/runs/{test_pages.RUN}",
    f"{DRAWN}/preview/outputs/arrays.npz",
    f"{DRAWN}/preview/outputs/page.html",
    f"{DRAWN}/preview/curve_1.png",
    f"{ENDED}/log?q=line+3",
    f"{ENDED}/children",
    f"{ENDED}/do/register",
    "/ui/models",
    "/ui/traces",
    "/ui/evaluation-sets",
    f"/ui/evaluation-sets/{things.SET}",
    "/ui/data",
    "/ui/data/stores/workspaceblobstore",
    "/ui/environments",
    "/ui/environments/named/named",
)
_TOO_WIDE = """
    document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")]
      .filter((each) => each.getBoundingClientRect().right > innerWidth).map((each) => each.outerHTML.slice(0, 120))
"""
LINES = [f"line {each} and more" for each in range(5_000)]
LOG = [
    *LINES[:24],
    *(f"\x1b[3{each}m{line}\x1b[0m" for each, line in enumerate(LINES[:8])),
]
"""Of the runs that axe looks at: it looks at each piece and line."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("home")
    things.shelve(home)
    with pytest.MonkeyPatch.context() as patch, running(tmp_path_factory.mktemp("read")) as found:
        patch.setenv("FAENA_HOME", str(home))
        fill(found)
        yield found


def fill(found: Running) -> None:
    """Something of each kind, and of some a lot."""
    put = found.house.objects.files.put
    stored = {name: StoredFile(*put([data])) for name, data in test_previews.FILES.items()}
    named = {"outputs/m": stored["matrix"]}

    def write_all(write: Write) -> None:
        test_pages._fill(write, named)
        test_previews._fill(write, stored)
        things.fill(write, stored["matrix"], time.time_ns() // 1000)
        run = store.get(write, test_previews.RUN)
        assert run is not None
        store.add(write, msgspec.structs.replace(run, id="ended_1", number=9, status=RunStatus.COMPLETED))
        for name, parent in (("below", "ended_1"), ("deeper", "below")):
            child = msgspec.structs.replace(run, id=name, parent=parent, number=len(name) + 9)
            store.add(write, msgspec.structs.replace(child, status=RunStatus.COMPLETED))
            store.update(write, name, {"started_at": 1, "ended_at": 2})
        record_store.add_properties(write, "ended_1", {"faena.rerun_of": test_previews.RUN})
        note = "# Why\n\nA [link](https://example.org), `code`\n\n|a|\n|-|\n|1|\n"
        store.update(write, "ended_1", {"started_at": 1, "ended_at": 2, "description": note})
        record_store.set_tags(write, "ended_1", {"stage": "prod"})
        long = msgspec.structs.replace(run, id="long_1", number=99)
        store.add(write, msgspec.structs.replace(long, status=RunStatus.COMPLETED))
        for name, lines in (("ended_1", LOG), ("long_1", LINES)):
            log = StreamKey(name, 1, 0, "log/azureml-logs/70_driver_log.txt")
            ingest.append(write, log, 0, "".join(f"{each}\n" for each in lines).encode(), test_previews.NOW)

    found.house.database.submit_write(write_all).result()
    place = found.house.folder.path / "datastores" / "workspaceblobstore" / "t"
    place.mkdir(parents=True)
    (place / "a.csv").write_text("a,b\n1,2\n")
    fill_sweep(found.house.database, "HD_some", 8, experiment="some")


@pytest.fixture(scope="module")
def page(chromium: Browser, server: Running) -> Iterator[Page]:
    opened = chromium.new_page(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(60_000)
    port, path = server.sign_in_address()
    opened.goto(f"http://127.0.0.1:{port}{path}")
    yield opened
    opened.close()


def go(page: Page, path: str) -> None:
    page.goto(f"{page.url.partition('/ui/')[0]}{path}")


@pytest.mark.parametrize("path", [*PAGES, *OF_THE_SAME_KINDS])
def test_a_page_is_whole_for_who_reads_it_in_another_way(page: Page, path: str) -> None:
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})
    go(page, path)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 900})
    assert violations(page, "color-contrast", "scrollable-region-focusable", "target-size") == []
    assert page.evaluate(_TOO_WIDE) == [], "nothing is cut off"


def test_a_dialog_is_worked_with_by_the_keyboard_and_gives_the_focus_back(page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    go(page, ENDED)
    link = page.get_by_role("link", name="Register model")
    link.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Register a model")
    expect(dialog.get_by_label("Name")).to_be_focused()
    assert violations(page) == []
    order = []
    for _ in range(4):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.name || document.activeElement.textContent"))
    assert order == ["path", "description", "Register", "Not now"]
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(link).to_be_focused()


def test_what_has_the_focus_is_seen(page: Page) -> None:
    """Everything that the key Tab reaches on a run's page, in the order of the page."""
    page.set_viewport_size({"width": 1280, "height": 900})
    go(page, ENDED)
    seen = "getComputedStyle(document.activeElement).outlineStyle !== 'none'"
    where = "document.activeElement.textContent.trim().slice(0, 20)"
    reached: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
        assert page.evaluate(seen), page.evaluate("document.activeElement.outerHTML")
        reached.append(page.evaluate(where))
    wanted = [
        "Runs",
        "Models",
        "Data",
        "Clusters",
        "Sign out",
        "Run again",
        "Delete",
        "Edit note",
        "Set a tag",
    ]
    assert [each for each in reached if each in wanted] == wanted


def test_older_lines_are_put_before_those_that_are_there(page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    go(page, LONG)
    log = page.locator("pre.log")
    expect(log).to_contain_text(LINES[-1])
    older = page.get_by_role("link", name="Older lines")
    while older.count():
        before = log.locator("> span").count()
        older.click()
        expect(log.locator("> span")).to_have_count(before + 1)
    lines = (log.text_content() or "").split("\n")
    assert lines[:-1] == LINES


def test_a_tree_of_runs_is_read_as_it_is_opened(page: Page) -> None:
    go(page, ENDED)
    deeper = page.get_by_role("link", name="deeper")
    expect(deeper).to_have_count(0)
    page.locator(".tree summary").focus()
    page.keyboard.press("Enter")
    expect(deeper).to_be_visible()
    assert violations(page, "nested-interactive", "link-in-text-block") == []
