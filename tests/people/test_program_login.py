"""`faena login --browser`: somebody who is signed in on the pages lets a program in that they started."""

from __future__ import annotations

import threading
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest
from msgspec.structs import replace

from faena.client.workspaces import browser_login
from faena.client.workspaces.browser_login import BrowserLogin
from faena.kernel.errors import ServerUnreachable, UserErrorException
from faena.people import program_login
from faena.people.model import Role, code_of, digest, new_token
from faena.people.program_login import Asked
from faena.people.schemas import TokenIn
from tests.people.shared import Browser, Shared

PATH = program_login.PATH


def begun(shared: Shared) -> BrowserLogin:
    """As `browser_login.begin` does, by the clock of a test."""
    token = new_token(shared.server.house.team.fingerprint)
    until = shared.clock.now() // 1_000_000 + 600
    asked = Asked(digest(token), "faena of bob on laptop", shared.server.house.team.fingerprint, until)
    return BrowserLogin(shared.url, token, "", asked)


def form(asked: Asked, **other: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(program_login.address("", asked)).query)) | {"code": asked.code} | other


def page_of(login: BrowserLogin) -> str:
    return login.address.removeprefix(login.url)


def test_a_program_is_let_in(shared: Shared) -> None:
    bob = shared.person("bob", Role.CONTRIBUTOR)
    browser, login = shared.browser(bob.token), begun(shared)
    page = unescape(browser.get(page_of(login)).text)
    assert "Let “faena of bob on laptop” in as bob?" in page
    assert login.token not in page
    assert login.token not in login.address
    assert login.code not in page, "who is sent an address does not know it"
    answer = browser.send(PATH, **form(login.asked, code=login.code.lower().replace("-", " ")))
    assert (answer.status, answer.headers["location"]) == (303, "/ui/people?done=log-in")
    assert login.wait().name == "bob"
    [told] = [each for each in bob.api.people.tokens("bob") if each.label == "faena of bob on laptop"]
    assert told.expires_at == shared.clock.now() + 90 * 86_400_000_000
    shared.owner.api.people.revoke("bob", told.id)
    assert shared.stranger(login.token).ask("GET", "/me").status == 401


def test_it_waits_until_then(shared: Shared) -> None:
    browser, login = shared.browser(shared.person("ben", Role.READER).token), begun(shared)
    looked = threading.Event()

    def pause(_: float) -> None:
        if not looked.is_set():
            looked.set()
            browser.send(PATH, **form(login.asked))

    assert login.wait(pause).role == "reader"
    assert looked.is_set(), "it was good for nothing before"


def test_who_is_not_signed_in_is_asked_to_first(shared: Shared) -> None:
    login = begun(shared)
    sent = shared.browser().get(page_of(login)).headers["location"]
    browser = shared.browser()
    to = dict(parse_qsl(urlsplit(sent).query))["to"]
    assert browser.sign_in(shared.person("bea", Role.READER).token, to).headers["location"] == page_of(login)
    assert browser.get(page_of(login)).status == 200


def test_a_session_that_is_old_makes_nothing_that_outlives_it(shared: Shared) -> None:
    browser = shared.browser(shared.person("bill", Role.READER).token)
    shared.clock.advance(601)
    login = begun(shared)
    page = unescape(browser.get(page_of(login)).text)
    assert "sign in once more first" in page
    assert browser.send(PATH, **form(login.asked)).status == 403
    again = page.partition('href="/sign-in?')[2].partition('"')[0]
    assert browser.get(f"/sign-in?{again}").status == 200, "though the browser is signed in"


def test_it_may_no_more_than_who_lets_it_in(shared: Shared) -> None:
    shared.person("bert", Role.OWNER)
    lesser = shared.caller("bert", TokenIn(role="reader"))
    login = begun(shared)
    shared.browser(lesser.token).send(PATH, **form(login.asked))
    assert login.wait().role == "reader"
    shared.owner.api.people.remove("bert")


@pytest.mark.few(3)
@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"code": "BBBB-BBBB"}, "not the code"),
        ({"code": ""}, "not the code"),
        ({"digest": "0" * 64}, "not the code"),
        ({"digest": "x"}, "not whole"),
        ({"digest": ""}, "not whole"),
        ({"until": "1"}, "are over"),
        ({"until": "99999999999"}, "are over"),
        ({"until": "x"}, "not whole"),
        ({"server": "0" * 64}, "another certificate"),
        ({"program": "a\u202eb"}, "not whole"),
    ],
    ids=str,
)
def test_what_is_not_let_in(shared: Shared, other: dict[str, str], why: str) -> None:
    browser, login = shared.browser(shared.owner.token), begun(shared)
    answer = browser.send(PATH, **form(login.asked, **other))
    assert answer.status == 400
    assert why in unescape(answer.text)
    assert shared.stranger(login.token).ask("GET", "/me").status == 401


def test_clocks_of_a_servers_processes_differ_a_little(shared: Shared) -> None:
    login = begun(shared)
    ahead = replace(login.asked, until=login.asked.until + 30)
    assert shared.browser(shared.owner.token).send(PATH, **form(ahead)).status == 303


def test_a_token_that_there_is_is_nobodys_to_let_in(shared: Shared) -> None:
    login = begun(shared)
    assert shared.browser(shared.owner.token).send(PATH, **form(login.asked)).status == 303
    thief = shared.browser(shared.person("ted", Role.READER).token)
    assert thief.send(PATH, **form(login.asked)).status == 409
    alike = replace(login.asked, digest=login.asked.digest[:12] + "0" * 52)
    assert thief.send(PATH, **form(alike)).status == 409, "it would have the same id"
    assert login.wait().role == "owner"


def test_an_address_of_another_site_lets_nothing_in(shared: Shared) -> None:
    browser: Browser = shared.browser(shared.owner.token)
    browser.origin = "https://evil.example"
    assert browser.send(PATH, **form(begun(shared).asked)).status == 403
    owner, login = shared.owner, begun(shared)
    assert owner.ask("POST", PATH, form(login.asked)).status in (400, 403), "nor does a token, by itself"
    assert shared.stranger(login.token).ask("GET", "/me").status == 401


def test_the_program_knows_the_certificate_that_it_was_shown(shared: Shared) -> None:
    login = browser_login.begin(shared.url + "/")
    assert login.asked.server == shared.server.house.team.fingerprint
    assert login.token.split("-")[1] == login.asked.server, "it speaks with that server alone"
    assert digest(login.token) == login.asked.digest
    assert login.token not in repr(login)


@pytest.mark.few(1)
@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "127.0.0.1", "https://user:p@127.0.0.1"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(UserErrorException):
        browser_login.begin(url)


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(ServerUnreachable, match="Nothing listens"):
        browser_login.begin("https://127.0.0.1:1")


def test_codes_differ_and_are_no_words() -> None:
    codes = {code_of(digest(f"FAENAP-plain-{number}")) for number in range(20)}
    assert len(codes) == 20
    assert not {*"AEIOUY"} & {letter for code in codes for letter in code}
