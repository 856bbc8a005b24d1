"""The pages about people, their tokens, and what they did."""

from __future__ import annotations

import re

import pytest

from faena.people.model import Role, digest
from faena.people.schemas import TokenIn
from tests.people.shared import OWNER, Shared

PEOPLE, AUDIT = "/ui/people", "/ui/audit"


def test_an_owner_lets_people_in_and_out(shared: Shared) -> None:
    owner = shared.browser(shared.owner.token)
    assert owner.send(f"{PEOPLE}/do/role", name="iris", role="reader").status == 303
    page = owner.get(f"{PEOPLE}?of=iris&done=role").text
    assert "The role is this one now." in page
    assert "Tokens of iris" in page
    reader = shared.caller("iris")
    owner.send(f"{PEOPLE}/do/role", name="iris", role="contributor")
    assert reader.api.people.me().role == "contributor"
    assert owner.send(f"{PEOPLE}/do/remove", name="iris").status == 303
    assert reader.ask("GET", "/me").status == 401
    assert "iris" not in owner.get(PEOPLE).text


def test_others_see_who_there_is_and_their_own_tokens(shared: Shared) -> None:
    reader = shared.person("ivan", Role.READER)
    laptop = shared.caller("ivan", TokenIn("the laptop")).token
    browser = shared.browser(reader.token)
    page = browser.get(PEOPLE).text
    assert OWNER in page
    assert "the laptop" in page
    assert reader.token not in page
    assert [word for word in ("Let somebody in", "/do/role", "/do/remove", AUDIT) if word in page] == []
    sent = browser.send(f"{PEOPLE}/do/revoke", name="ivan", token=digest(laptop)[:12])
    assert (sent.status, shared.stranger(laptop).ask("GET", "/me").status) == (303, 401)
    assert "revoked" in browser.get(PEOPLE).text


@pytest.mark.parametrize(
    ("action", "form"),
    [
        ("role", {"name": "igor", "role": "owner"}),
        ("remove", {"name": OWNER}),
        ("revoke", {"name": OWNER, "token": "0" * 12}),
    ],
)
def test_what_is_not_theirs_is_refused(shared: Shared, action: str, form: dict[str, str]) -> None:
    browser = shared.browser(shared.person("igor", Role.CONTRIBUTOR).token)
    assert browser.send(f"{PEOPLE}/do/{action}", **form).status == 403
    assert browser.get(f"{PEOPLE}?of={OWNER}").status == 403
    assert browser.get(AUDIT).status == 403


def test_the_audit_log_is_read_page_by_page(shared: Shared) -> None:
    busy = shared.person("ida", Role.CONTRIBUTOR)
    for number in range(103):
        busy.ask("DELETE", f"/experiments?name=none-{number}")
    owner = shared.browser(shared.owner.token)
    first = owner.get(f"{AUDIT}?person=ida").text
    assert first.count("DELETE /experiments") == 100
    [older] = re.findall(r'href="([^"]+)" rel="next"', first)
    last = owner.get(older.replace("&amp;", "&")).text
    assert last.count("DELETE /experiments") == 3
    assert "Older ones" not in last
    assert "The latest" in last
    assert "Nothing of nobody" in owner.get(f"{AUDIT}?person=nobody").text


def test_what_is_named_in_another_way_is_shown_as_text(shared: Shared) -> None:
    shared.owner.ask("DELETE", "/experiments/%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    page = shared.browser(shared.owner.token).get(AUDIT).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
