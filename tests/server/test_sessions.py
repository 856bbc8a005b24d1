"""What a browser that is signed in may do is what the pages do: one whose cookie was stolen gets no further."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files

import pytest

from faena.server.pages.browser_rights import (
    ACTIONS,
    MODEL_ACTIONS,
    NOTICE_ACTIONS,
    PEOPLE_ACTIONS,
    QUOTA_ACTIONS,
    SHARING_ACTIONS,
    TRACE_ACTIONS,
    is_asked,
)
from faena.server.pages.run.action_routes import _DO
from tests.server.house import Running, running

VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
PAGES = files("faena.server.pages")
ASKED = (
    "/sweeps/1/pause",
    "/sweeps/1/resume",
    "/endpoints/1/try",
    "/ui/deletions/1/undo",
    "/views",
    "/ui/log-in",
    *(f"/ui/runs/1/do/{action}" for action in ACTIONS),
    *(f"/ui/models/1/do/{action}" for action in MODEL_ACTIONS),
    *(f"/ui/people/do/{action}" for action in PEOPLE_ACTIONS),
    *(f"/ui/quotas/do/{action}" for action in QUOTA_ACTIONS),
    *(f"/ui/sharing/do/{action}" for action in SHARING_ACTIONS),
    *(f"/ui/notices/do/{action}" for action in NOTICE_ACTIONS),
    *(f"/ui/traces/1/do/{action}" for action in TRACE_ACTIONS),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("sessions")) as found:
        yield found


def asked_by_pages() -> set[tuple[str, str]]:
    """Every request that stands in a template or a script of the pages, with an id where one is filled in."""
    found: set[tuple[str, str]] = set()
    sources = [
        each
        for folder in ("templates", "templates/run", "templates/sweep", "templates/endpoint", "static")
        for each in PAGES.joinpath(folder).iterdir()
    ]
    for source in sources:
        if source.is_dir():
            continue
        text = re.sub(r"\{\{[^}]*\}\}|\$\{[^}]*\}", "1", source.read_text())
        found |= {("POST", path) for path in re.findall(r'data-post="([^"]+)"', text)}
        text = text.replace('action="1/', 'action="/ui/runs/1/do/')  # where the forms of a run's page begin
        found |= {("POST", path) for path in re.findall(r'method="post" action="(/[^"?]*)', text)}
        text = re.sub(r'method="post" action="[^"]*"', "", text)
        found |= {("GET", path) for path in re.findall(r'(?:href|action|data-events)="(/[^"?]*)', text)}
        found |= {("GET", path) for path in re.findall(r'EventSource\("([^"]+)"', text)}
    return found


def test_a_session_reaches_all_that_the_pages_ask_for() -> None:
    asked = asked_by_pages()
    assert {
        ("POST", "/sign-out"),
        ("POST", "/ui/runs/1/do/note"),
        ("POST", "/ui/runs/1/do/tags"),
        *(("POST", f"/ui/models/1/do/{action}") for action in MODEL_ACTIONS),
        ("POST", "/ui/deletions/1/undo"),
        ("POST", "/sweeps/1/pause"),
        ("POST", "/sweeps/1/resume"),
        ("POST", "/endpoints/1/try"),
        ("GET", "/ui/runs"),
        ("GET", "/ui/open"),
    } <= asked
    assert {request for request in asked if not is_asked(*request)} == {("POST", "/sign-out")}, (
        "the door's own"
    )


def test_a_session_does_what_the_forms_of_a_run_do_and_each_is_written_down() -> None:
    assert set(_DO) == set(ACTIONS), "what is done, and what the decision speaks of"
    assert all(is_asked("POST", f"/ui/runs/1/do/{action}") for action in ACTIONS)


ODD = (
    "/",
    "/nowhere",
    "//ui/",
    "/UI/",
    "/runs/1/cancel",
    "/ui/runs/1/do/note/",
    "/ui/runs//do/note",
    "/ui/runs/1/2/do/note",
    "/ui/runs/1/do/fail",
    "/ui/runs/1/note",
    "/ui/deletions/x/undo",
    "/ui/deletions/1/undo/",
    "/runs/1/pause",
    "/sweeps//resume",
    "/sweeps/1/pause/",
    "/sweeps/1/cancel",
    "/endpoints//try",
    "/endpoints/1/try/",
    "/endpoints/1/2/try",
    "/endpoints/1/keys",
)


def test_a_session_reaches_nothing_else(server: Running) -> None:
    known = {re.sub(r"\{[^}]*\}", "1", route.path) for route in server.app.routes}
    assert {"/runs/1", "/sweeps/1", "/objects/1", "/stop", "/schema/openapi.json"} <= known
    for path in sorted({*known, *ODD}):
        for verb in VERBS:
            page = verb in ("GET", "HEAD") and (path == "/ui" or path.startswith("/ui/"))
            asked = (verb == "POST" and path in ASKED) or (verb in ("PATCH", "DELETE") and path == "/views/1")
            assert is_asked(verb, path) is (page or asked), f"{verb} {path}"


@pytest.mark.long
def test_what_no_page_asks_for_is_refused_to_a_session(server: Running) -> None:
    """By a request for every verb, for every path that is odd, and for what would do most."""
    browser = server.browser()
    origin = f"http://127.0.0.1:{browser.port}"
    requests = {
        *(("POST", path) for path in (*ODD, "/ui/../stop", "/stop", "/runs")),
        *(("GET", path) for path in ("//ui/", "/UI/", "/nowhere", "/schema/openapi.json")),
        *((verb, "/runs/1") for verb in VERBS),
    }
    for verb, path in sorted(requests):
        body = b"{}" if verb in ("POST", "PUT", "PATCH") else b""
        answer = browser.ask(verb, path, body, Origin=origin)
        assert answer.status == 403, f"{verb} {path}"
        assert "does what the pages do" in answer.text or verb == "HEAD", f"{verb} {path}"
    for verb in ("GET", "HEAD"):  # the door's own: nobody behind it is asked
        answer = browser.ask(verb, "/", Origin=origin)
        assert (answer.status, answer.headers["location"], answer.body) == (303, "/ui/", b""), verb
    assert server.client().get("/version").status == 200, "nobody stopped it"


def test_the_token_makes_a_session_no_smaller(server: Running) -> None:
    client = server.client()
    assert client.get("/runs").status == 200
    assert client.get("/runs", **server.browser().headers).status == 200
