"""People sign in to the pages by OpenID Connect; what an issuer sends that is not as it should be signs in nobody."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from msgspec.structs import replace

from faena.people.openid.settings import OpenId
from faena.people.settings import Settings
from faena.server.listener.request_headers import Headers
from faena.server.team.issuer_sign_in import IssuerSignIn
from faena.testing.clock import ManualClock
from tests.people import answers
from tests.people.issuer import CLIENT, SECRET, Issuer, issuing, jwk
from tests.people.shared import OWNER, Browser, Shared
from tests.people.visit import BACK, BEGIN, Visit, refused
from tests.server.house import running

BY = OpenId("", CLIENT, SECRET, allow=("@example.org", "group:lab"), newcomers="contributor")


@pytest.fixture(scope="module")
def _issuer() -> Iterator[Issuer]:
    with issuing() as found:
        yield found


@pytest.fixture
def issuer(_issuer: Issuer) -> Iterator[Issuer]:
    yield _issuer
    _issuer.reset()


@pytest.fixture(scope="module")
def shared(_issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    clock = ManualClock(time.time_ns() // 1000)
    settings = replace(Settings(port=0, owner=OWNER), openid=replace(BY, issuer=_issuer.url))
    with running(tmp_path_factory.mktemp("openid"), clock, settings=settings) as server:
        found = Shared(server, clock)
        yield found
        found.close()


@pytest.fixture(autouse=True)
def _tries_are_forgotten(shared: Shared) -> None:
    """And so is what was asked of the issuer."""
    shared.clock.advance(3601)


@pytest.fixture
def visit(shared: Shared, issuer: Issuer) -> Visit:
    return Visit(shared, issuer)


def people(shared: Shared) -> dict[str, str]:
    return {each.name: each.role for each in shared.owner.api.people.all()}


def test_somebody_new_signs_in(shared: Shared, visit: Visit) -> None:
    page = visit.get("/sign-in?to=/ui/models?text=a")
    assert "Sign in with 127.0.0.1" in page.text
    assert "{" not in page.text.partition("</style>")[2]
    assert 'href="/sign-in/issuer?to=%2Fui%2Fmodels%3Ftext%3Da"' in page.text
    answer = visit.sign_in()
    assert (answer.status, answer.headers["location"]) == (303, "/ui/models?text=a")
    assert "bob@example.org" in visit.get("/ui/people").text
    assert people(shared)["bob@example.org"] == "contributor"
    [bob] = [each for each in shared.owner.api.people.all() if each.name == "bob@example.org"]
    assert bob.used_at is not None, "seen, though they have no token"


def test_cookies_say_nothing_and_are_of_this_host_alone(shared: Shared, visit: Visit) -> None:
    answer = visit.get(BEGIN)
    for part in ("Path=/", "Secure", "HttpOnly", "SameSite=Lax", "Max-Age=600"):
        assert part in answer.headers["set-cookie"].split("; ")
    assert answer.cookie.startswith("__Host-")
    asked = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    secret = answer.cookie.partition("=")[2]
    assert not any(secret.partition(".")[0] in value for value in asked.values())
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3


def test_whom_an_owner_has_added_keeps_their_role_and_their_name(
    shared: Shared, visit: Visit, issuer: Issuer
) -> None:
    shared.owner.api.people.put("Sue@Example.org", "reader")
    issuer.person = {"sub": "2", "email": "sue@example.org", "email_verified": True}
    assert visit.sign_in().status == 303
    assert people(shared)["Sue@Example.org"] == "reader"
    assert "sue@example.org" not in people(shared)
    issuer.person["email"] = "susan@example.org"
    assert Visit(shared, issuer).sign_in().status == 303
    assert "susan@example.org" not in people(shared), "the issuer's id of them is the same"


def test_somebody_else_by_the_same_name_is_somebody_else(
    shared: Shared, visit: Visit, issuer: Issuer
) -> None:
    issuer.person = {"sub": "3", "email": "eve@example.org", "email_verified": True}
    assert visit.sign_in().status == 303
    issuer.person["sub"] = "4"
    assert "another account" in refused(Visit(shared, issuer).sign_in())


def test_who_was_removed_stays_removed_until_an_owner_lets_them_in(
    shared: Shared, visit: Visit, issuer: Issuer
) -> None:
    issuer.person = {"sub": "5", "email": "carl@example.org", "email_verified": True}
    assert visit.sign_in().status == 303
    shared.owner.api.people.remove("carl@example.org")
    assert visit.get("/ui/runs").status == 303, "their browsers are signed out"
    assert "was removed" in refused(Visit(shared, issuer).sign_in())
    issuer.person["email"] = "karl@example.org"
    assert "was removed" in refused(Visit(shared, issuer).sign_in()), "by another name neither"
    shared.owner.api.people.put("karl@example.org", "reader")
    assert Visit(shared, issuer).sign_in().status == 303


def test_who_comes_by_a_group(shared: Shared, visit: Visit, issuer: Issuer) -> None:
    issuer.person |= {"sub": "6", "email": "dan@other.org", "groups": ["all", "lab"]}
    issuer.in_token = False  # it tells no more than whose it is, and the rest when it is asked
    assert visit.sign_in().status == 303
    assert "dan@other.org" in people(shared)
    assert "/userinfo" in issuer.asked


def test_what_is_told_of_somebody_else_is_not_believed(visit: Visit, issuer: Issuer) -> None:
    issuer.in_token = False
    issuer.changes = {"sub": "7"}
    assert "cannot be trusted" in refused(visit.sign_in())


def test_new_keys_are_asked_for_and_not_too_often(shared: Shared, visit: Visit, issuer: Issuer) -> None:
    assert visit.sign_in().status == 303
    issuer.keys, issuer.signing = [jwk("first"), jwk("second")], "second"
    shared.clock.advance(31)
    assert Visit(shared, issuer).sign_in().status == 303
    issuer.signing, asked = "third", len(issuer.asked)
    assert "cannot be trusted" in refused(Visit(shared, issuer).sign_in())
    assert "/keys" not in issuer.asked[asked:]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"nonce": "another"}, "cannot be trusted"),
        ({"email": "bob@example.com"}, "not among those who may come"),
    ],
)
def test_nobody_is_let_in_whom_the_issuer_does_not_vouch_for(
    shared: Shared, visit: Visit, issuer: Issuer, changes: dict[str, Any], why: str
) -> None:
    before = people(shared)
    issuer.changes = changes
    assert why in refused(visit.sign_in())
    assert people(shared) == before
    assert visit.get("/ui/runs").status == 303


def test_an_issuer_that_does_not_answer(shared: Shared, visit: Visit, issuer: Issuer) -> None:
    issuer.answer = answers.broken
    assert "does not answer as it should" in refused(visit.get(BEGIN))
    browser: Browser = shared.browser(shared.owner.token)  # tokens are as good as ever
    assert browser.get("/ui/runs").status == 200
    issuer.answer = lambda _: False
    shared.clock.advance(6)
    assert Visit(shared, issuer).sign_in().status == 303, "it is asked again"


def test_who_waits_for_keys_that_do_not_come_is_told_by_whoever_waited_before(
    shared: Shared, visit: Visit, issuer: Issuer
) -> None:
    issuer.answer = lambda handler: "/keys" in handler.path and answers.broken(handler)
    for each in (visit, Visit(shared, issuer), Visit(shared, issuer)):
        assert "does not answer as it should" in refused(each.sign_in())
    assert issuer.asked.count("/keys") == 1
    issuer.answer = lambda _: False
    shared.clock.advance(6)
    assert Visit(shared, issuer).sign_in().status == 303


def test_who_comes_back_without_having_begun_uses_up_nobodys_tries(shared: Shared, visit: Visit) -> None:
    for _ in range(12):
        stranger = shared.stranger().ask("GET", f"{BACK}?code=x&state=y")
        assert (stranger.status, "set-cookie" in stranger.headers) == (401, False)
    assert visit.sign_in().status == 303


class TestTheWayBack:
    def test_an_answer_counts_once(self, visit: Visit, issuer: Issuer) -> None:
        asked = visit.begin()
        cookies = dict(visit.cookies)
        assert visit.come_back(code=issuer.code(asked), state=asked["state"]).status == 303
        visit.cookies = cookies
        assert "used already" in refused(visit.come_back(code=issuer.code(asked), state=asked["state"]))

    def test_another_process_of_the_server_ends_it(
        self, shared: Shared, visit: Visit, issuer: Issuer
    ) -> None:
        asked = visit.begin()
        [cookie] = [value for name, value in visit.cookies.items() if name.endswith("_begun")]
        house = shared.server.house
        query = urlencode({"code": issuer.code(asked), "state": asked["state"]}).encode()
        host = urlsplit(shared.url).netloc.encode()

        async def end() -> tuple[str, str]:
            by = replace(BY, issuer=issuer.url)
            other = IssuerSignIn(by, house.database, shared.clock)
            scope: Any = {"query_string": query}
            return await other.finish(scope, Headers([(b"host", host)]), cookie)

        assert shared.server.do(end()) == ("bob@example.org", "/ui/models?text=a")

    def test_a_code_counts_once(self, shared: Shared, visit: Visit, issuer: Issuer) -> None:
        code = issuer.code(visit.begin())
        asked = visit.begin()
        assert visit.come_back(code=code, state=asked["state"]).status == 401, "it is of another sign-in"

    def test_it_is_of_this_browser(self, shared: Shared, visit: Visit, issuer: Issuer) -> None:
        asked = visit.begin()
        other = Visit(shared, issuer)
        assert "another browser" in refused(other.come_back(code=issuer.code(asked), state=asked["state"]))
        other.begin()
        assert "another sign-in" in refused(other.come_back(code=issuer.code(asked), state=asked["state"]))

    def test_it_takes_ten_minutes_at_most(self, shared: Shared, visit: Visit, issuer: Issuer) -> None:
        asked = visit.begin()
        shared.clock.advance(601)
        assert "10 minutes" in refused(visit.come_back(code=issuer.code(asked), state=asked["state"]))
        [name] = [each for each in visit.cookies if each.endswith("_begun")]
        later = str(shared.clock.now() // 1_000_000)
        visit.begin()
        visit.cookies[name] = later + visit.cookies[name][len(later) :]
        visit.cookies[name] = visit.cookies[name].replace(later, str(int(later) - 1), 1)
        assert "another sign-in" in refused(visit.come_back(code="x", state=asked["state"]))

    def test_the_issuer_says_no(self, visit: Visit) -> None:
        asked = visit.begin()
        page = visit.come_back(error="access_denied", error_description="<script>", state=asked["state"])
        assert "said no" in refused(page)
        assert "<script>" not in page.text

    def test_it_comes_from_another_issuer(self, visit: Visit, issuer: Issuer) -> None:
        asked = visit.begin()
        came = {"code": issuer.code(asked), "state": asked["state"], "iss": "https://evil.example"}
        assert "not the answer of" in refused(visit.come_back(**came))

    @pytest.mark.few(2)
    @pytest.mark.parametrize(
        "query", ["", "state=a", "code=a&code=b&state={0}", "code=&state={0}", "%00=%ff", "a=1&" * 90]
    )
    def test_it_is_no_answer(self, visit: Visit, query: str) -> None:
        asked = visit.begin()
        refused(visit.get(f"{BACK}?{query.format(asked['state'])}"))

    def test_it_leads_to_no_other_place(self, visit: Visit) -> None:
        assert visit.sign_in("https://evil.example/ui/").headers["location"] == "/ui/"

    def test_tries_are_few(self, visit: Visit) -> None:
        for _ in range(10):
            visit.begin()
            refused(visit.come_back(code="x", state="y"))
        visit.begin()
        assert visit.come_back(code="x", state="y").status == 429
