"""Views in a real JupyterLab, in Chromium: live while they go on, still and whole in the saved file."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Page, expect

from faena import Experiment, Workspace
from faena.testing.waiting import until
from tests.notebook.lab import Lab, command, run_cell, running, saved
from tests.notebook.made_views import EVIL
from tests.notebook.notebooks import bundles, cells
from tests.pages.chromium import CHROMIUM, launched
from tests.pages.test_pages import Document

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt install chromium")
expect.set_options(timeout=60_000)  # the cores may be others'

VIEW = ".faena-view"
LIVE = f"{VIEW}.fv-live"
STILL = f"{VIEW}:not(.fv-live)"
LEFT = "Show it again for what has come since."


@pytest.fixture(scope="module")
def workspace(lasting_workspace: Workspace) -> Workspace:
    return lasting_workspace


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, lasting_surroundings: Path) -> Iterator[Lab]:
    with running(tmp_path_factory.mktemp("lab")) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as opened:
        yield opened


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """One for all: what takes the time is to load JupyterLab."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    yield context.new_page()
    context.close()


def write(lab: Lab, name: str, workspace: Workspace, *sources: str) -> Path:
    file = lab.folder / name
    nbformat.write(cells(workspace, *sources), file)  # type: ignore[no-untyped-call]  # it has no types
    return file


@pytest.mark.long
def test_a_view_is_live_while_its_run_goes_on_and_stays_when_all_is_over(
    workspace: Workspace, lab: Lab, page: Page, tmp_path: Path
) -> None:
    evil = EVIL.replace("/", "|")
    file = write(
        lab,
        "run.ipynb",
        workspace,
        f"""
        run = Experiment(ws, "lab").start_logging(outputs=None, snapshot_directory=None)
        run.tag({evil!r}, {EVIL!r})
        run.log({EVIL!r}, 1.0)
        show(run)
        """,
        f"""
        import pathlib, time
        for step in range(3):
            run.log("loss", 1 / (step + 2))
        while not pathlib.Path({str(tmp_path / "stop")!r}).exists():
            time.sleep(0.02)
        print("the cell is done")
        """,
        "run.complete()",
    )
    lab.open(page, file.name)
    run_cell(page)
    run_cell(page)
    done = page.locator(".jp-OutputArea").get_by_text("the cell is done")
    live = page.locator(LIVE)
    expect(live).to_contain_text("Running")
    run_cell(page)
    expect(live.get_by_text("loss", exact=True)).to_be_visible()
    expect(live.locator("path.fv-line")).to_have_count(1)
    expect(done).to_have_count(0)
    [kept] = bundles(saved(page, file))
    assert set(kept) == {"text/plain", "text/html"}, "nothing that needs a kernel"
    assert LEFT in kept["text/html"]
    drawn = page.locator("figure svg").last
    drawn.hover()
    expect(live.locator("figcaption span").last).to_contain_text("value")
    assert page.evaluate("[document.querySelectorAll('.faena-view script, .faena-view img').length]") == [0]
    expect(live.get_by_text("<script>alert(1)</script>").first).to_be_attached()
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        command(page, "apputils:change-theme", theme=theme)
        expect(page.locator(f'body[data-jp-theme-name="{theme}"]')).to_be_attached()
        live.screenshot(path=tmp_path / f"{theme}.png")
    colours = page.evaluate("getComputedStyle(document.querySelector('.faena-view')).color")
    assert colours.startswith(("rgba(255, 255, 255", "rgb(2")), "as the theme has it"

    (tmp_path / "stop").touch()
    expect(done).to_be_visible()
    run_cell(page)
    expect(page.locator(STILL)).to_contain_text("Completed")
    [kept] = bundles(saved(page, file))
    assert "script" not in Document(kept["text/html"]).tags

    lab.leave_kernels()
    lab.open(page, file.name)
    expect(page.locator(VIEW)).to_contain_text("Completed")
    expect(page.locator(f"{VIEW} path.fv-line")).to_have_count(1)


@pytest.mark.long
def test_the_kernel_leaves_a_still_view_behind(workspace: Workspace, lab: Lab, page: Page) -> None:
    run = Experiment(workspace, "left").start_logging(outputs=None, snapshot_directory=None)
    run.log("loss", 0.5)
    file = write(
        lab,
        "left.ipynb",
        workspace,
        f"""
        run = ws.get_run({run.id!r})
        RunDetails(run).show()
        RunDetails(run, live=False).show()
        """,
    )
    lab.open(page, file.name)
    run_cell(page)
    run_cell(page)
    expect(page.locator(LIVE)).to_have_count(1)
    expect(page.locator(STILL)).to_have_count(1)
    lab.restart_kernel(file.name)
    expect(page.locator(STILL)).to_have_count(2)
    expect(page.get_by_text(LEFT)).to_have_count(2)
    assert all(LEFT in kept["text/html"] for kept in bundles(saved(page, file)))
    run.complete()


@pytest.mark.long
def test_a_notebook_that_is_opened_anew_goes_on_and_a_kernel_that_was_killed_leaves_what_it_said(
    workspace: Workspace, lab: Lab, page: Page, tmp_path: Path
) -> None:
    run = Experiment(workspace, "killed").start_logging(outputs=None, snapshot_directory=None)
    file = write(
        lab,
        "killed.ipynb",
        workspace,
        f"""
        import os, pathlib
        pathlib.Path({str(tmp_path / "pid")!r}).write_text(str(os.getpid()))
        show(ws.get_run({run.id!r}))
        """,
    )
    lab.open(page, file.name)
    run_cell(page)
    run_cell(page)
    live = page.locator(LIVE)
    expect(live).to_contain_text("Running")
    # What is renewed after a notebook was saved makes JupyterLab ask before it closes it.
    until(
        lambda: LEFT in bundles(saved(page, file))[0]["text/html"], "the view behind is the one of a live one"
    )
    for value in (0.5, 0.25):
        lab.open(page, file.name)  # the notebook's file has no display ids
        run.log("loss", value)
        expect(live.locator("figcaption")).to_contain_text(str(value))
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    expect(live).to_contain_text("Nothing has come from the notebook's kernel")
    page.get_by_role("button", name="Ok").click()  # JupyterLab tells that it starts another
    lab.leave_kernels()
    lab.open(page, file.name)
    expect(page.locator(STILL)).to_contain_text("As it was on")
    expect(live).to_have_count(0)
    run.complete()


@pytest.mark.long
def test_of_a_long_log_the_end_is_in_sight(workspace: Workspace, lab: Lab, page: Page) -> None:
    file = write(
        lab,
        "log.ipynb",
        workspace,
        """
        from IPython.display import HTML
        from faena.notebook.still import html
        from faena.notebook.views.blocks import LogTail, View
        lines = "".join(f"line {number}\\n" for number in range(30))
        HTML(html.page(View("", (LogTail("log", "long", lines),))))
        """,
    )
    lab.open(page, file.name)
    run_cell(page)
    run_cell(page)
    box = page.locator(f"{VIEW} .fv-log")
    expect(box).to_contain_text("line 29")
    scrolled, all_of_it, shown = box.evaluate("box => [box.scrollTop, box.scrollHeight, box.clientHeight]")
    assert scrolled == 0, "at the end of a box that is filled from below"
    assert all_of_it > 1.5 * shown, "it is this box that scrolls"
