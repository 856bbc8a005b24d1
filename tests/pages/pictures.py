"""Pictures of every page, light and dark, empty and full: `python -m tests.pages.pictures FOLDER`, to be looked at.

All come from one workspace that is filled as the tests of accessibility fill theirs, and one in which nothing was done.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page

from faena.testing.clock import ManualClock
from tests.pages import test_accessibility, things
from tests.pages.chromium import launched
from tests.people.shared import Shared
from tests.server.house import running

EMPTY = (
    "/ui/runs",
    "/ui/compare",
    "/ui/models",
    "/ui/data",
    "/ui/environments",
    "/ui/endpoints",
    "/ui/clusters",
    "/ui/traces",
    "/ui/evaluation-sets",
    "/ui/people",
    "/ui/audit",
    "/ui/quotas",
    "/ui/notices",
    "/ui/nothing",
)
FULL = (
    *test_accessibility.PAGES,
    *test_accessibility.OF_THE_SAME_KINDS,
    "/ui/people?of=ada",
    "/ui/audit",
    "/ui/quotas",
    "/ui/notices",
    f"/ui/sharing?{urlencode({'experiment': 'drawn'})}",
    "/ui/log-in",
    "/ui/runs/HD_some?sort=best",
    "/ui/endpoints/digits-api",
)
WIDE, NARROW = 1280, 390
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m tests.pages.pictures", description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--only", default="", help="pages that have this in their address")
    given = asked.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pictures-") as made, launched() as browser:
        os.environ["FAENA_HOME"] = str(Path(made, "home"))
        with _server(Path(made, "empty")) as shared:
            _draw(browser, shared, "empty", EMPTY, given.folder, given.only)
        things.shelve(Path(made, "home"))
        with _server(Path(made, "full")) as shared:
            test_accessibility.fill(shared.server)
            _people(shared)
            _draw(browser, shared, "full", FULL, given.folder, given.only)


@contextmanager
def _server(parent: Path) -> Iterator[Shared]:
    parent.mkdir()
    clock = ManualClock()
    with running(parent, clock, settings=Shared.settings()) as server:
        shared = Shared(server, clock)
        yield shared
        shared.close()


def _people(shared: Shared) -> None:
    ask = shared.owner.ask
    for name, role in (("bea", "contributor"), ("carl", "reader")):
        ask("PUT", f"/people/{name}", {"role": role})
        ask("POST", f"/people/{name}/tokens", {"label": "the laptop"})
    ask(
        "POST",
        f"/runs/{test_accessibility.ENDED.rpartition('/')[2]}/comments",
        {"text": "Why is it so **good**?"},
    )
    ask("PATCH", "/quotas", {"person": "bea", "set": {"nodes": 2, "node_hours": 100}})
    ask("PATCH", "/quotas", {"experiment": "drawn", "set": {"bytes": 200}})
    ask("POST", "/notices/rules", {"mail": "ada@example.org", "ends": ["Failed"]})
    ask("PATCH", "/experiments/sharing?name=drawn", {"private": True, "add": {"carl": "reader"}})
    ask("POST", "/views", {"name": "good ones", "query": "filter=metrics.accuracy%20%3E%200.9"})


def _draw(browser: Browser, shared: Shared, kind: str, paths: tuple[str, ...], to: Path, only: str) -> None:
    page = browser.new_page(ignore_https_errors=True, viewport={"width": WIDE, "height": 900})
    page.goto(f"{shared.url}/sign-in")
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        _save(page, to / f"{kind}-sign-in-{scheme}.png")
    page.locator("input[name=token]").fill(shared.owner.token)
    page.keyboard.press("Enter")
    page.wait_for_url("**/ui/**")
    for path in paths:
        if only not in path:
            continue
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": WIDE, "height": 900})
            page.goto(f"{shared.url}{path}")
            _save(page, to / f"{kind}-{_name(path)}-{scheme}.png")
        page.set_viewport_size({"width": NARROW, "height": 900})
        _save(page, to / f"{kind}-{_name(path)}-narrow.png")
    page.close()


def _save(page: Page, to: Path) -> None:
    page.wait_for_load_state("load")
    page.evaluate("new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn, 300)))")
    page.screenshot(path=to, full_page=True)


def _name(path: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", path.removeprefix("/ui/").lower()).strip("-")[:60]


if __name__ == "__main__":
    main()
