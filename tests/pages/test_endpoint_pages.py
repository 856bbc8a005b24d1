"""The pages of endpoints: what they tell of a real front, that all of it is text, and a request that a browser tries.

The endpoint's rows are made up, its environment is this one, its front and worker are real.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser, expect

from faena.data import store as snapshots
from faena.data.schemas import Snapshot, SnapshotFile
from faena.db import Write
from faena.endpoints import service, store
from faena.endpoints.folder import EndpointFolder
from faena.endpoints.model import Stage
from faena.endpoints.schemas import Deployment, ModelUse, RevisionSpec, Settings
from faena.endpoints.trying import LONGEST_ANSWER, LONGEST_BODY
from faena.kernel import digests
from faena.models import service as models
from faena.testing.waiting import until
from tests.endpoints.test_service import model
from tests.pages import test_previews
from tests.pages.accessibility import violations
from tests.pages.test_pages import EVIL, Document
from tests.server.house import Running, Visitor, running

SNAPSHOT = "6" * 64
SCRIPT = f"""
import json
def init():
    print({EVIL!r} + "\\x1b[31mred\\x1b[0m")
def run(data):
    given = json.loads(data)["data"]
    if given == "raise":
        raise ValueError({EVIL!r})
    return "a" * given if isinstance(given, int) else given
"""
SAMPLE = '{"data": [7, "</textarea>"]}'


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("endpoints")) as found:
        app = EndpointFolder.of(found.house.folder.path, "digits").app(1)
        app.mkdir(parents=True)
        (app / "score.py").write_text(SCRIPT)
        found.house.database.submit_write(_deploy).result()
        browser = found.browser()
        until(lambda: "Healthy" in browser.get("/ui/endpoints").text, "it answers")
        yield found
        client = found.client()
        client.ask("DELETE", "/endpoints/digits")
        until(lambda: client.get("/endpoints").json == [], "its front is gone")


def _deploy(write: Write) -> None:
    snapshots.put(write, Snapshot((SnapshotFile("score.py", 0, digests.of_bytes(b"")),), SNAPSHOT), set(), 1)
    test_previews._fill(write, {})
    models.add(write, replace(model(), run_id=test_previews.RUN), "register")
    spec = RevisionSpec((ModelUse("m", 1),), SNAPSHOT, "score.py", sample=SAMPLE)
    settings = Settings(description=EVIL, tags={EVIL: EVIL})
    _, revision = service.deploy(write, "digits", "a", Deployment(spec, settings), 2)
    store.set_stage(write, revision, Stage.READY, python=sys.executable)


@pytest.fixture(scope="module")
def browser(served: Running) -> Visitor:
    found = served.browser()
    found.headers["Origin"] = f"http://127.0.0.1:{found.port}"
    return found


def tried(browser: Visitor, data: object, **headers: str | None) -> tuple[int, dict[str, object]]:
    body = json.dumps({"body": json.dumps({"data": data})}).encode()
    answer = browser.ask("POST", "/endpoints/digits/try", body, **headers)
    return answer.status, answer.json


class TestTrying:
    """By the server, which has the key; a browser never sees one."""

    def test_it_is_answered(self, browser: Visitor) -> None:
        status, found = tried(browser, ["x"])
        assert status == 200
        assert (found["status"], found["text"], found["is_cut"]) == (200, '["x"]', False)
        assert found["content_type"] == "application/json"
        assert isinstance(found["seconds"], float)
        assert found["request_id"]

    def test_what_the_script_raises_is_an_answer_too(self, browser: Visitor) -> None:
        status, found = tried(browser, "raise")
        assert (status, found["status"]) == (200, 500)
        assert EVIL in str(found["text"])

    def test_a_long_answer_is_cut(self, browser: Visitor) -> None:
        _, found = tried(browser, LONGEST_ANSWER + 5)
        assert len(str(found["text"])) == LONGEST_ANSWER
        assert (found["is_cut"], found["size"]) == (True, LONGEST_ANSWER + 7)

    def test_a_body_has_a_bound(self, browser: Visitor) -> None:
        status, found = tried(browser, "é" * (LONGEST_BODY // 2))
        assert status == 400
        assert f"{LONGEST_BODY:,}" in str(found["message"])

    def test_no_other_site_has_it_done(self, browser: Visitor) -> None:
        for origin in (None, "http://127.0.0.1:1", "https://evil.example"):
            assert tried(browser, [1], Origin=origin)[0] == 403, origin

    def test_there_is_none_of_that_name(self, browser: Visitor) -> None:
        assert browser.ask("POST", "/endpoints/nothing/try", b'{"body": ""}').status == 404

    def test_no_page_has_a_key(self, served: Running, browser: Visitor) -> None:
        keys = EndpointFolder.of(served.house.folder.path, "digits").keys()
        for path in ("", "/digits", "/digits/parts", "/digits/activity"):
            text = browser.get(f"/ui/endpoints{path}").text
            assert keys.primary not in text
            assert keys.secondary not in text


def test_pages_tell_of_it_and_all_of_it_is_text(served: Running, browser: Visitor) -> None:
    tried(browser, [1])
    client = served.client()

    def counted() -> bool:
        activity = client.get("/endpoints/digits?activity=true").json["activity"]
        return activity is not None and activity["requests"] > 0

    until(counted, "what was asked is counted")
    assert client.get("/endpoints/digits").json["activity"] is None, "a front is asked where somebody looks"
    listed = Document(browser.get("/ui/endpoints").text)
    for part in ("digits", "m:1", "1 of 1", "/s", "ms"):
        assert part in listed.text, part
    page = Document(browser.get("/ui/endpoints/digits").text)
    for part in (
        "Requests",
        "p95",
        "Connections",
        "Healthy",
        "m:1",
        "score.py",
        SAMPLE,
        f"{EVIL}red\n",
        f"{EVIL}: {EVIL}",
    ):
        assert part in page.text, part
    assert "\x1b" not in page.text
    for found in (listed, page, Document(browser.get("/ui/endpoints/digits?log=front").text)):
        assert "img" not in found.tags
        assert found.tags.count("script") == 1
        assert not [name for name, _ in found.attributes if name.startswith("on")]
    curves = browser.get("/ui/endpoints/digits/activity").json
    assert sum(curves["requests"]) > 0
    assert len(curves["at"]) == len(curves["p95"]) == len(curves["memory"])
    for path in ("", "/parts", "/activity"):
        assert browser.get(f"/ui/endpoints/nothing{path}").status == 404


def test_a_run_leads_to_what_serves_its_models(browser: Visitor) -> None:
    page = Document(browser.get(f"/ui/runs/{test_previews.RUN}").text)
    assert "m:1 serves at digits" in " ".join(page.text.split())
    assert ("href", "/ui/endpoints/digits") in page.attributes


@pytest.mark.long
def test_somebody_tries_it(chromium: Browser, served: Running) -> None:
    port, path = served.sign_in_address()
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"http://127.0.0.1:{port}{path}")
    page.goto(f"http://127.0.0.1:{port}/ui/endpoints")
    page.get_by_role("link", name="digits").click()
    body, said = page.get_by_label("Body of a POST /score"), page.locator(".try output")
    expect(body).to_have_value(SAMPLE)
    expect(page.get_by_role("button", name="Send")).to_be_enabled()
    body.press("Tab")
    page.keyboard.press("Enter")
    expect(said).to_contain_text("200 in")
    expect(page.locator("pre.answer")).to_have_text('[7, "</textarea>"]')
    body.fill('{"data": "raise"}')
    body.press("Control+Enter")
    expect(said).to_contain_text("500 in")
    expect(page.locator("pre.answer")).to_contain_text(EVIL)
    body.evaluate("(field, length) => { field.value = 'x'.repeat(length); }", LONGEST_BODY + 1)
    body.press("Control+Enter")
    expect(said).to_contain_text(f"may have {LONGEST_BODY:,}")
    expect(page.locator("pre.answer")).to_be_hidden()
    expect(page.get_by_role("button", name="Send")).to_be_enabled()
    expect(page.locator("#requests path.line")).to_have_count(3)
    expect(page.locator("pre.log")).to_contain_text("red")
    for scheme in ("light", "dark"):
        for width in (1280, 390):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 800})
            fits = "document.documentElement.scrollWidth <= window.innerWidth"
            assert page.evaluate(fits), (scheme, width)
        assert violations(page) == [], scheme
    page.close()
    assert wrong == []
