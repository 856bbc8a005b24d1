"""What people call things becomes no element, no header, and no text that reads otherwise than it is, on any page."""

from __future__ import annotations

import re
import time
from collections import Counter, deque
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Dialog, Page
from playwright.sync_api import TimeoutError as TooSlow

from faena.server.pages import words
from faena.testing.clock import ManualClock
from faena.testing.sweep_history import fill_sweep
from tests.pages import evil_names
from tests.pages.chromium import CHROMIUM
from tests.pages.evil_names import Given
from tests.pages.test_accessibility import _TOO_WIDE
from tests.pages.test_pages import Document
from tests.people.shared import Browser, Shared
from tests.server.house import running

STARTS = (
    "/ui/runs?children=true",
    "/ui/runs?group=experiment",
    "/ui/models",
    "/ui/data",
    "/ui/environments",
    "/ui/endpoints",
    "/ui/clusters",
    "/ui/people",
    "/ui/audit",
    "/ui/traces",
    "/ui/evaluation-sets",
)
MOST_PAGES = 400
MOST_OF_A_KIND = 4
"""Pages that a browser walks: it takes a second for each."""
PATIENCE_S = 30
_PARTS = frozenset(
    {
        "do",
        "log",
        "children",
        "preview",
        "files",
        "versions",
        "sets",
        "stores",
        "named",
        "tags",
        "record",
        "images",
    }
)
_ALL_OPENED = f"""() => {{
    for (const each of document.querySelectorAll("details")) each.open = true;
    return {{ beside: {_TOO_WIDE} }};
}}"""
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_STREAM = ("/events", "/changes", "/sign-out")


def test_what_nobody_sees_is_shown_as_its_code() -> None:
    assert words.something("safe\u202egpj.exe\x00\x9b") == r"safe\u202egpj.exe\u0000\u009b"
    assert words.something("a\r\nb\tc é 👩‍👩‍👧 تجربة") == "a\r\nb\tc é 👩‍👩‍👧 تجربة"
    assert words.something(words.given("a\x1b")) == "a\x1b", "a form gives back what it was given"
    assert (words.something(None), words.given(None)) == ("", "")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    clock = ManualClock()
    with running(tmp_path_factory.mktemp("evil"), clock, settings=Shared.settings()) as server:
        found = Shared(server, clock)
        yield found
        found.close()


@pytest.fixture(scope="module")
def given(shared: Shared) -> Given:
    shared.owner.ask("PUT", "/experiments?name=evil")
    shared.owner.ask("POST", "/api/2.0/mlflow/registered-models/create", {"name": "net"})
    found = evil_names.give_all(shared.owner)
    fill_sweep(shared.server.house.database, "HD_some", 8, experiment="some")
    return found


@pytest.mark.long
def test_each_is_taken_or_refused(given: Given) -> None:
    assert given.failed == []
    taken = {each.partition(":")[0] for each in given.taken}
    assert {
        "run",
        "note",
        "tag",
        "property",
        "comment",
        "parameter",
        "metric",
        "file",
        "log",
        "span",
    } <= taken


def crawl(browser: Browser) -> Iterator[tuple[str, Document, str]]:
    """All pages that pages name, the first of each kind first."""
    waiting, seen = deque(STARTS), set(STARTS)
    while waiting and len(seen) < MOST_PAGES * 3:
        path = waiting.popleft()
        answer = browser.get(path)
        assert answer.status < 500, (path, answer.text[:300])
        assert "\r" not in answer.headers.get("content-disposition", "")
        if not answer.headers.get("content-type", "").startswith("text/html"):
            saved = answer.headers.get("content-disposition", "")
            assert saved.startswith("attachment") or "/images/" in path or "/ui/" in path, (path, saved)
            continue
        document = Document(answer.text)
        yield path, document, answer.text
        for name, value in document.attributes:
            address = urlsplit(value)
            found = address.path + (f"?{address.query}" if address.query else "")
            followed = name == "href" and found.startswith("/ui/") and "/static/" not in found
            if followed and found not in seen and not address.path.endswith(_STREAM):
                seen.add(found)
                waiting.append(found)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_nothing_of_it_is_more_than_text(shared: Shared, given: Given) -> None:
    count, wrong = 0, []
    for path, document, text in crawl(shared.browser(shared.owner.token)):
        count += 1
        ours = {value for name, value in document.attributes if name == "src"}
        wrong += [f"{path}: src {each}" for each in ours if not each.startswith("/ui/")]
        wrong += [f"{path}: {name}" for name, _ in document.attributes if name.startswith("on")]
        links = [value for name, value in document.attributes if name in ("href", "action")]
        wrong += [
            f"{path}: {each[:80]}" for each in links if "script:" in each.partition("?")[0][:20].lower()
        ]
        if document.tags.count("script") > 1:
            wrong.append(f"{path}: {document.tags.count('script')} scripts")
        if found := _UNSEEN.search(_without_fields(text)):
            at = found.start()
            wrong.append(f"{path}: {text[max(0, at - 60) : at + 30]!r}")
    assert wrong == [], "\n".join(wrong[:40])
    assert count > 60


def _without_fields(text: str) -> str:
    """Without what forms would give back."""
    text = re.sub(r"<textarea.*?</textarea>", "", text, flags=re.DOTALL)
    return re.sub(r'(?:value|data-field)="[^"]*"', "", text)


@pytest.mark.long
@pytest.mark.parametrize("kind", list(evil_names.NAMES))
def test_a_file_is_saved_under_a_name_that_is_one(shared: Shared, given: Given, kind: str) -> None:
    browser = shared.browser(shared.owner.token)
    for path, document, _ in _runs(browser, kind):
        for name, value in document.attributes:
            if name == "href" and "/files/" in value:
                headers = browser.get(value).headers
                assert headers["content-disposition"].startswith("attachment"), path
                assert headers["x-content-type-options"] == "nosniff"
                assert headers["content-type"] == "application/octet-stream"
                assert "set-cookie" not in headers


def _runs(browser: Browser, kind: str) -> Iterator[tuple[str, Document, str]]:
    number = list(evil_names.NAMES).index(kind)
    page = Document(browser.get("/ui/runs?children=true&rows=200").text)
    addresses = [value for name, value in page.attributes if name == "href" and value.startswith("/ui/runs/")]
    for each in sorted(set(addresses))[number :: len(evil_names.NAMES)]:
        text = browser.get(each).text
        yield each, Document(text), text


@pytest.mark.campaign
@pytest.mark.timeout(1800)
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt install chromium")
def test_nothing_of_it_breaks_a_page(shared: Shared, given: Given, chromium: Chromium) -> None:
    """In a browser, at two widths: no dialog, no error of a script, nothing beside the window, and soon."""
    wrong: list[str] = []
    walked: Counter[str] = Counter()
    with chromium.new_context(ignore_https_errors=True) as context:
        page = _signed_in(context, shared, wrong)
        for path, _, _ in crawl(shared.browser(shared.owner.token)):
            if walked[kind := _kind(path)] == MOST_OF_A_KIND:
                continue
            walked[kind] += 1
            began = time.monotonic()
            for width in (1280, 390):
                try:
                    if found := _beside(page, f"{shared.url}{path}", width):
                        wrong.append(f"{path} at {width}: {found[:2]}")
                except TooSlow:
                    wrong.append(f"{path} at {width}: is not there after {PATIENCE_S} s")
                    page.close(run_before_unload=False)
                    page = _signed_in(context, shared, wrong)
            print(f"{time.monotonic() - began:5.1f} s {path[:150]}", flush=True)
    assert wrong == [], "\n".join(wrong[:60])
    assert len(walked) > 20


def _kind(path: str) -> str:
    """Pages that differ in what they are of, or in the values of their parameters alone, are of a kind."""
    address = urlsplit(path)
    first, *rest = address.path.removeprefix("/ui/").split("/")
    named = [each for each in rest if each in _PARTS]
    asked = sorted({name for name, _ in parse_qsl(address.query)})
    return "/".join([first, str(len(rest)), *named, *asked])


def _beside(page: Page, address: str, width: int) -> list[str]:
    """What is beside the window once all of the page is opened. Raises TooSlow, also where a script does not end."""
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(address)
    found = page.wait_for_function(_ALL_OPENED, polling=100)
    return list(found.json_value()["beside"])


def _signed_in(context: BrowserContext, shared: Shared, wrong: list[str]) -> Page:
    page = context.new_page()
    page.set_default_timeout(PATIENCE_S * 1000)

    def dismissed(dialog: Dialog) -> None:
        wrong.append(f"{page.url}: a dialog")
        dialog.dismiss()

    page.on("dialog", dismissed)
    page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
    page.goto(f"{shared.url}/sign-in")
    if page.locator("input[name=token]").count():
        page.locator("input[name=token]").fill(shared.owner.token)
        page.keyboard.press("Enter")
        page.wait_for_url("**/ui/**")
    return page
