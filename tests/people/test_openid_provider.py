"""Sign-in with a provider of OpenID Connect that is none of ours, from a plain client and from Chromium."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import pytest
from msgspec.structs import replace
from playwright.sync_api import Page, expect

from faena.client.workspaces import browser_login
from faena.people import program_login
from faena.people.model import digest
from faena.people.openid.settings import OpenId
from faena.people.settings import Settings
from faena.testing.clock import ManualClock
from tests.cli.terminal import FAENA, environment
from tests.pages import chromium
from tests.pages.accessibility import violations
from tests.people.issuer import CLIENT, SECRET
from tests.people.provider import provider
from tests.people.shared import OWNER, Shared
from tests.people.visit import BEGIN, Visit, refused
from tests.server.house import Answer, running

pytestmark = pytest.mark.long


class Site:
    """A shared server whose people sign in by a provider, which may end and come back."""

    def __init__(self, folder: Path, opened: ExitStack) -> None:
        self._provider = ExitStack()
        self.url = self._provider.enter_context(provider())
        opened.callback(self.end_provider)
        self.clock = ManualClock(time.time_ns() // 1000)
        by = OpenId(self.url, CLIENT, SECRET, allow=("@example.org",), newcomers="contributor")
        settings = replace(Settings(port=0, owner=OWNER), openid=by)
        self.shared = Shared(opened.enter_context(running(folder, self.clock, settings=settings)), self.clock)
        opened.callback(self.shared.close)

    def be_now(self) -> None:
        """Programs begin to log in by the time that the server's answers tell, which is no test's."""
        self.clock.set_back((self.clock.now() - time.time_ns() // 1000) / 1e6)

    def end_provider(self) -> None:
        self._provider.close()

    def begin_provider(self) -> None:
        self._provider.enter_context(provider(self.url))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with ExitStack() as opened:
        yield Site(tmp_path_factory.mktemp("provider"), opened)


class _Stay(HTTPRedirectHandler):
    def http_error_302(self, request, answer, code, message, headers):  # type: ignore[no-untyped-def]  # as there
        return answer


def sign_in(visit: Visit, who: str) -> Answer:
    """At the provider, as `who`, and back."""
    there = visit.get(BEGIN).headers["location"]
    data = urlencode({"sub": who}).encode()
    with build_opener(_Stay).open(Request(there, data)) as answer:
        back = answer.headers["Location"]
    return visit.get(back.removeprefix(visit.caller.url))


def test_somebody_signs_in_whom_the_provider_knows(site: Site) -> None:
    visit = Visit(site.shared)
    assert sign_in(visit, "alice").headers["location"] == "/ui/"
    assert "Signed in as alice@example.org" in visit.get("/ui/people").text


def test_who_may_not_come(site: Site) -> None:
    assert "not among those who may come" in refused(sign_in(Visit(site.shared), "mallory"))


def test_a_provider_that_was_away_comes_back_with_other_keys(site: Site) -> None:
    site.end_provider()
    site.clock.advance(3601)
    assert "does not answer" in refused(Visit(site.shared).get(BEGIN))
    site.begin_provider()
    site.clock.advance(6)
    assert sign_in(Visit(site.shared), "alice").status == 303


def test_the_command_prints_an_address_and_waits_until_it_is_let_in(site: Site, tmp_path: Path) -> None:
    site.be_now()
    visit = Visit(site.shared)
    assert sign_in(visit, "alice").status == 303
    given = environment({"FAENA_HOME": str(tmp_path / "home"), "PYTHONUNBUFFERED": "1"})
    arguments = [*FAENA, "login", "--no-browser", site.shared.url]
    with (
        subprocess.Popen(arguments, env=given, stdout=subprocess.PIPE, text=True) as process,
        ExitStack() as ending,
    ):
        ending.callback(process.kill)
        assert process.stdout is not None
        code = process.stdout.readline().partition("type the code ")[2].split()[0]
        address = process.stdout.readline().strip()
        asked = dict(parse_qsl(urlsplit(address).query))
        assert visit.send(program_login.PATH, **asked, code=code).status == 303
        said = process.stdout.read()
        assert process.wait() == 0
    assert said == f"Logged in at {site.shared.url}: workspace test, as alice@example.org, contributor.\n"
    kept = (tmp_path / "home/logins.json").read_text()
    assert asked["digest"] == digest(json.loads(kept)["servers"][site.shared.url]["token"])
    assert asked["digest"] not in kept


def test_a_browser_signs_in_and_lets_a_program_in(site: Site) -> None:
    site.be_now()
    login = browser_login.begin(site.shared.url)
    with chromium.launched() as browser:
        page: Page = browser.new_page(ignore_https_errors=True, viewport={"width": 390, "height": 900})
        page.goto(login.address)
        assert violations(page) == []
        assert page.evaluate(chromium.FITS)
        page.get_by_role("link", name="Sign in with 127.0.0.1").click()
        page.get_by_role("button", name="alice", exact=True).click()
        expect(page.get_by_role("heading", name="in as alice@example.org?")).to_be_visible()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            assert violations(page) == []
            assert page.evaluate(chromium.FITS)
        page.get_by_label("The code that it shows").fill("BBBB-BBBB")
        page.get_by_role("button", name="Let it in").click()
        expect(page.get_by_text("This is not the code of this login")).to_be_visible()
        page.go_back()
        page.get_by_label("The code that it shows").fill(login.code.lower())
        page.get_by_role("button", name="Let it in").click()
        expect(page.get_by_role("status")).to_contain_text("faena goes on where you started it")
        expect(page.get_by_text(login.asked.program).first).to_be_visible()
        assert login.wait().name == "alice@example.org"
        page.get_by_role("button", name="Revoke the token").first.click()
        expect(page.get_by_text("revoked", exact=False).first).to_be_visible()
    assert site.shared.stranger(login.token).ask("GET", "/me").status == 401
