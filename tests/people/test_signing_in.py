"""Browsers of people on other machines sign in with a token."""

from __future__ import annotations

import pytest

from faena.people.model import Role, digest
from faena.people.schemas import TokenIn
from tests.people.shared import OWNER, Browser, Shared

RUNS = "/ui/runs"


def test_who_is_not_signed_in_is_shown_where(shared: Shared) -> None:
    stranger = shared.browser()
    sent = stranger.get("/ui/runs?experiment=a%20b")
    assert (sent.status, sent.headers["location"]) == (303, "/sign-in?to=%2Fui%2Fruns%3Fexperiment%3Da%2520b")
    page = stranger.get(sent.headers["location"])
    assert page.status == 200
    assert 'value="/ui/runs?experiment=a%20b"' in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "same-origin", "or its form says that it comes from nowhere"
    assert shared.stranger().ask("GET", RUNS).status == 401  # a program is told so


def test_a_token_signs_in_and_goes_on_to_the_page(shared: Shared) -> None:
    browser = shared.browser()
    answer = browser.sign_in(shared.owner.token, "/ui/models?text=a")
    assert (answer.status, answer.headers["location"]) == (303, "/ui/models?text=a")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-faena_")
    for part in ("Path=/", "Secure", "HttpOnly", "SameSite=Lax", "Max-Age=604800"):
        assert part in cookie.split("; ")
    page = browser.get(RUNS)
    assert page.status == 200
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert browser.get("/").headers["location"] == "/ui/"
    assert browser.get("/sign-in?to=/ui/data").headers["location"] == "/ui/data"
    secret = browser.cookie.partition("=")[2]
    kept = shared.server.house.folder.path.glob("faena.db*")
    assert not any(secret.encode() in file.read_bytes() for file in kept), "only its digest is kept"


@pytest.mark.parametrize("to", ["https://evil.example/ui/", "//evil.example", "/ui/\\evil", "/ui/a\r\nx:y"])
def test_it_goes_on_to_no_other_place(shared: Shared, to: str) -> None:
    assert shared.browser().sign_in(shared.owner.token, to).headers["location"] == "/ui/"


class TestEnds:
    def test_signing_out(self, shared: Shared) -> None:
        browser = shared.browser(shared.owner.token)
        assert browser.send("/sign-out").status == 303
        assert browser.get(RUNS).status == 303

    def test_the_token_is_revoked(self, shared: Shared) -> None:
        reader = shared.person("sue", Role.READER)
        browser = shared.browser(reader.token)
        shared.owner.api.people.revoke("sue", digest(reader.token)[:12])
        assert browser.get(RUNS).status == 303

    def test_the_person_is_removed(self, shared: Shared) -> None:
        browser = shared.browser(shared.person("sid", Role.READER).token)
        shared.owner.api.people.remove("sid")
        shared.owner.api.people.put("sid", "reader")
        assert browser.get(RUNS).status == 303, "somebody else of that name, perhaps"

    def test_after_a_while_and_with_the_token(self, shared: Shared) -> None:
        shared.owner.api.people.put("sam", "reader")
        lasting = shared.browser(shared.caller("sam", TokenIn(days=None)).token)
        brief = shared.browser(shared.caller("sam", TokenIn(days=1)).token)
        shared.clock.advance(86_401)
        assert (lasting.get(RUNS).status, brief.get(RUNS).status) == (200, 303)
        shared.clock.advance(6 * 86_400)
        assert lasting.get(RUNS).status == 303


class TestOtherSites:
    @pytest.mark.parametrize("origin", ["", "null", "https://evil.example"])
    def test_they_change_nothing(self, shared: Shared, origin: str) -> None:
        browser = shared.browser(shared.owner.token)
        browser.origin = origin
        assert browser.send("/sign-out").status == 403
        assert browser.send("/ui/runs/x/do/cancel").status == 403
        assert browser.get(RUNS).status == 200
        stranger = shared.browser()
        stranger.origin = origin
        assert stranger.sign_in(shared.owner.token).status == 401, "nobody is signed in as somebody else"

    def test_a_browser_does_what_pages_do(self, shared: Shared) -> None:
        browser = shared.browser(shared.owner.token)
        assert browser.get("/people").status == 403
        assert browser.send("/stop").status == 403


def test_tries_are_few(shared: Shared) -> None:
    browser = shared.browser()
    answers = [browser.sign_in(f"FAENAP-plain-{number}") for number in range(11)]
    assert [each.status for each in answers] == [401] * 10 + [429]
    assert browser.sign_in(shared.owner.token).status == 429, "who guesses right is not told"
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    shared.clock.advance(61)
    assert browser.sign_in(shared.owner.token).status == 303


@pytest.mark.parametrize("body", [b"", b"\xff", b"token=" + b"x" * 9000, b"&" * 100, b"token"])
def test_what_is_no_form(shared: Shared, body: bytes) -> None:
    kind = "application/x-www-form-urlencoded"
    answer = shared.stranger().ask("POST", "/sign-in", body, Origin=shared.url, **{"Content-Type": kind})
    assert answer.status == 401
    shared.clock.advance(61)


@pytest.fixture(scope="module")
def run(shared: Shared) -> str:
    """One that has ended, with a tag."""
    api = "/api/2.0/mlflow/runs"
    made = shared.owner.ask("POST", f"{api}/create", {"tags": [{"key": "team", "value": "a"}]}).json
    run_id = str(made["run"]["info"]["run_id"])
    shared.owner.ask("POST", f"{api}/update", {"run_id": run_id, "status": "FINISHED"})
    return run_id


class TestPagesOfferWhatMayBeDone:
    @pytest.mark.parametrize(
        ("role", "offered", "lacking"),
        [
            (Role.READER, (), ("Add a note", "Set a tag", "Archive", "Delete")),
            (Role.CONTRIBUTOR, ("Add a note", "Set a tag", "Archive"), ("Delete",)),
            (Role.OWNER, ("Add a note", "Set a tag", "Archive", "Delete"), ()),
        ],
    )
    def test_of_a_run(
        self, shared: Shared, run: str, role: Role, offered: tuple[str, ...], lacking: tuple[str, ...]
    ) -> None:
        page = shared.browser(shared.person(f"a-{role}", role).token).get(f"{RUNS}/{run}").text
        assert [word for word in offered if f">{word}<" not in page] == []
        assert [word for word in lacking if f">{word}<" in page] == []
        assert f"Signed in as a-{role}" in page

    def test_what_is_not_offered_is_refused(self, shared: Shared, run: str) -> None:
        reader = shared.browser(shared.person("sven", Role.READER).token)
        assert reader.send(f"{RUNS}/{run}/do/note", note="x").status == 403
        contributor = shared.browser(shared.person("cora", Role.CONTRIBUTOR).token)
        assert contributor.send(f"{RUNS}/{run}/do/note", note="x").status == 303
        assert contributor.send(f"{RUNS}/{run}/do/delete").status == 403
        assert "Save this view" in contributor.get(RUNS).text
        assert "Save this view" not in reader.get(RUNS).text

    def test_what_is_deleted_by_a_page_is_deleted_by_its_person(self, shared: Shared, run: str) -> None:
        owner = shared.browser(shared.owner.token)
        gone = owner.send(f"{RUNS}/{run}/do/delete").headers["location"]
        [told] = [each for each in shared.owner.ask("GET", "/deletions").json if f"/{each['id']}" in gone]
        assert told["user"] == OWNER
        owner.send(f"{gone}/undo")


def test_what_a_browser_changes_is_told(shared: Shared) -> None:
    browser: Browser = shared.browser(shared.owner.token)
    browser.send("/ui/runs/none/do/cancel")
    [told] = shared.owner.api.people.audit_log(OWNER, None, 1)
    assert (told.verb, told.path, told.status) == ("POST", "/ui/runs/none/do/cancel", 404)
