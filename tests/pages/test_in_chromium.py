"""The page as somebody uses it, in Chromium: signed in, searched, a run followed while it runs, in light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from faena import Workspace
from faena.testing.waiting import until
from tests.journeys.scripts import Project
from tests.pages.chromium import CHROMIUM, FITS

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt install chromium")

expect.set_options(timeout=60_000)  # a run's script may be slow to start where all cores are taken

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
LIVE = """
    import pathlib, time
    from faena import Run
    run = Run.get_context()
    for step in range(50):
        run.log("loss", 1 / (step + 1))
    print("first line")
    stop = pathlib.Path({stop!r})
    while not stop.exists():
        time.sleep(0.05)
    print("\\n".join(f"line {{number}}" for number in range(12_000)))
    print("\\x1b[1;31mlast line\\x1b[0m")
"""


@pytest.fixture
def workspace(lasting_workspace: Workspace) -> Workspace:
    return lasting_workspace


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """Fails where a script of the page does."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    yield opened
    context.close()
    assert wrong == []


def test_a_run_is_found_and_followed(page: Page, project: Project, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    done = project.run(
        "from faena import Run; Run.get_context().log('loss', 7); print('done')", experiment="other"
    )
    live = project.submit(LIVE.format(stop=str(stop)))
    url = project.workspace.api.gateway.open(None).url
    base = url.partition("/sign-in")[0]
    page.goto(url)
    assert urlsplit(page.url).path == "/ui/runs"
    expect(page.get_by_role("link", name=done.id)).to_be_visible()
    expect(page.get_by_text("Running")).to_be_visible()

    page.get_by_label("Filter").fill("metrics.loss > 5")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("link", name=live.id)).to_have_count(0)
    expect(page.get_by_role("link", name=done.id)).to_be_visible()
    page.get_by_role("link", name="loss").click()
    page.wait_for_url("**sort=**")

    page.goto(f"{base}/ui/runs/{live.id}")
    log = page.locator("pre.log")
    expect(log).to_contain_text("first line")  # a node learns with its next batch that somebody looks
    expect(page.locator("figure[data-drawn] output")).to_have_text("0.02")
    stop.touch()
    expect(log).to_contain_text("last line")
    assert (log.text_content() or "").count("\n") == 5_000, "however many lines come at once"
    expect(log.locator(".ansi-2.ansi-b")).to_have_text("last line")
    expect(page.locator(".heading .status")).to_have_text("Completed")

    for scheme in SCHEMES:
        for width in (1280, 400):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 800})
            until(lambda: page.evaluate(FITS), f"the page fits, {scheme}, {width} wide")
            page.screenshot(path=tmp_path / f"{scheme}-{width}.png")
    colours = []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        colours.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert colours[0] != colours[1]

    page.goto(url)
    assert urlsplit(page.url).path == "/ui/runs", "who is signed in may use an old link"
    page.context.clear_cookies()
    refused = page.goto(url)
    assert refused is not None
    assert refused.status == 401
    expect(page.get_by_role("heading")).to_have_text("This link cannot be used any more")


@pytest.mark.long
def test_charts_of_any_numbers_are_drawn(page: Page, project: Project) -> None:
    """Neighbours beyond 2 ** 53, to which nothing can be added; numbers whose difference is infinite, or least."""
    run = project.run(
        """
        from faena import Run
        run = Run.get_context()
        for place in range(2):
            run.log("neighbours", 1e16 + 2 * place)
            run.log("nanoseconds", 1_764_390_000_000_000_000 + place)
            run.log("huge", (-1) ** place * 1.7e308)
            run.log("greatest", 1.7976931348623157e308)
            run.log("least", place * 5e-324)
            run.log("near", -0.0133334 + place * 1e-8)
        """
    )
    address = project.workspace.api.gateway.open(None).url
    page.goto(address)
    page.goto(f"{address.partition('/sign-in')[0]}/ui/runs/{run.id}")
    drawn = page.locator("figure[data-drawn]")
    expect(drawn).to_have_count(6)
    page.locator("figure[data-curve=huge]").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("figure[data-curve=huge] output")).to_have_text(
        re.compile("(step|place) 1: -1.7e.308")
    )
    for name in ("log", "smooth"):
        page.locator(f"form.chart-bar [name={name}]").focus()
        page.keyboard.press({"log": "Space", "smooth": "End"}[name])
    assert "?log=1&smooth=0.99" in page.url
    page.reload()
    expect(drawn).to_have_count(6)
    expect(page.locator("form.chart-bar [name=log]")).to_be_checked()
    page.get_by_label("Metrics").fill("NE")
    expect(drawn).to_have_count(2)
    ticks = page.evaluate("async (place) => (await import(place)).ticks(1e16, 1e16 + 2, 3)", _charts(page))
    assert ticks == [1e16, 1e16 + 2]


def _charts(page: Page) -> str:
    """The module that draws."""
    loaded = page.evaluate("performance.getEntriesByType('resource').map((each) => each.name)")
    return next(f"{name.rpartition('/')[0]}/charts.js" for name in loaded if "/ui/static/" in name)


@pytest.mark.long
def test_a_run_is_canceled(page: Page, project: Project, tmp_path: Path) -> None:
    run = project.submit(LIVE.format(stop=str(tmp_path / "never")))
    page.goto(project.workspace.api.gateway.open(None).url)
    page.get_by_role("link", name=run.id).click()
    page.wait_for_url(f"**/ui/runs/{run.id}")  # and its scripts: the log may have been there before them
    expect(page.locator("pre.log")).to_contain_text("first line")
    page.get_by_role("link", name="Cancel run").click()
    asked = page.get_by_role("dialog", name="Stop this run?")
    expect(asked).to_be_visible()
    page.keyboard.press("Escape")
    expect(asked).to_be_hidden()
    page.get_by_role("link", name="Cancel run").press("Enter")
    asked.get_by_role("button", name="Stop the run").press("Enter")
    expect(page.locator("#done")).to_have_text("The run was asked to stop.")
    expect(page.locator(".heading .status")).to_have_text("Canceled")


@pytest.mark.long
def test_a_run_is_had_again_with_a_note_and_a_tag_and_deleted(page: Page, project: Project) -> None:
    run = project.run("print('again')")
    address = project.workspace.api.gateway.open(None).url
    page.goto(address)
    page.goto(f"{address.partition('/sign-in')[0]}/ui/runs/{run.id}")
    page.get_by_role("link", name="Run again").click()
    dialog = page.get_by_role("dialog", name="Run it again?")
    dialog.get_by_role("button", name="Run again").dblclick()
    expect(page.locator("#done")).to_have_text("Submitted again: this is the new run.")
    expect(page).not_to_have_url(re.compile("done="))
    assert run.id not in page.url
    expect(page.locator(".heading .status")).to_have_text("Completed")
    again = project.workspace.api.run(urlsplit(page.url).path.rpartition("/")[2])
    assert (again.tags["faena.rerun_of"], again.snapshot, again.lock) == (run.id, *_code_of(project, run.id))

    page.get_by_text("Add a note").click()
    page.get_by_label("Markdown;").fill("**better** than the first")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".note strong")).to_have_text("better")
    page.get_by_text("Set a tag").click()
    page.get_by_label("Name").fill("stage")
    page.get_by_label("Value").fill("<b>x")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.locator(".tags")).to_contain_text("<b>x")
    page.get_by_role("button", name="Remove the tag stage").click()
    expect(page.locator(".tags")).not_to_contain_text("<b>x")

    page.get_by_role("link", name="Delete").click()
    page.get_by_role("dialog", name="Delete this run?").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Deleted")).to_be_visible()
    page.get_by_role("button", name="Bring it back").click()
    page.wait_for_url("**/ui/runs")
    assert project.workspace.api.run(again.id).status == "Completed"


def _code_of(project: Project, run_id: str) -> tuple[str, str | None]:
    view = project.workspace.api.run(run_id)
    return view.snapshot, view.lock


@pytest.mark.long
def test_a_page_goes_on_when_the_server_has_left_and_come_back(
    page: Page, project: Project, tmp_path: Path
) -> None:
    stop = tmp_path / "stop"
    run = project.submit(LIVE.format(stop=str(stop)))
    address = project.workspace.api.gateway.open(None).url
    page.goto(address)
    page.goto(f"{address.partition('/sign-in')[0]}/ui/runs/{run.id}")
    expect(page.locator("pre.log")).to_contain_text("first line")
    project.workspace.api.stop()
    expect(page.locator("#gone")).to_be_visible()
    stop.touch()
    assert run.wait_for_completion(show_output=False)["status"] == "Completed"  # asks for a server
    expect(page.locator("#gone")).to_be_hidden()
    expect(page.locator("pre.log")).to_contain_text("last line")
    expect(page.locator(".heading .status")).to_have_text("Completed")
    page.reload()
    expect(page.locator("pre.log")).to_contain_text("last line")  # signed in still
