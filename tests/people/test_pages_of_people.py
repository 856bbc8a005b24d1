"""The pages about people: tokens, what they did, quotas, who sees an experiment, and who is told of ends."""

from __future__ import annotations

import re

import pytest

from faena.compute.shares import Line
from faena.people.model import Role, digest
from faena.people.schemas import TokenIn
from faena.runs import months, quota_store
from tests.people.shared import OWNER, Shared

PEOPLE, AUDIT = "/ui/people", "/ui/audit"
QUOTAS, SHARING, NOTICES = "/ui/quotas", "/ui/sharing", "/ui/notices"
HOUR = 3_600_000_000


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


@pytest.mark.long
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


def test_an_owner_sets_changes_and_lifts_a_quota(shared: Shared) -> None:
    owner = shared.browser(shared.owner.token)
    assert "Nobody has a quota" in owner.get(QUOTAS).text
    sent = owner.send(f"{QUOTAS}/do/quota", kind="everybody", nodes="4", node_hours="", bytes="1.5 GB")
    assert sent.status == 303
    page = owner.get(f"{QUOTAS}?done=quota").text
    assert "The quota is this one now." in page
    assert 'name="bytes" value="1.5 GB"' in page
    month = months.month_of(shared.clock.now())
    used = {month: 3 * HOUR}
    database = shared.server.house.database
    database.submit_write(lambda write: quota_store.add_use(write, Line("quinn", "e"), used)).result()
    shared.person("quinn", Role.CONTRIBUTOR)
    owner.send(f"{QUOTAS}/do/quota", kind="person", name="quinn", nodes="", node_hours="2.5", bytes="")
    assert re.search(r'refused">3 of 2.5<small>reached', owner.get(QUOTAS).text)
    owner.send(f"{QUOTAS}/do/quota", kind="person", name="quinn")
    assert "3, no limit" in owner.get(QUOTAS).text
    for wrong in (
        {"kind": "person", "name": "nobody"},
        {"kind": "x"},
        {"kind": "everybody", "nodes": "many"},
    ):
        assert 400 <= owner.send(f"{QUOTAS}/do/quota", **wrong).status < 500
    owner.send(f"{QUOTAS}/do/quota", kind="everybody")


def test_who_owns_an_experiment_shares_it_and_others_only_see_with_whom(shared: Shared) -> None:
    una, ugo = (shared.person(name, Role.CONTRIBUTOR) for name in ("una", "ugo"))
    una.ask("POST", "/api/2.0/mlflow/experiments/create", {"name": "hers"})
    browser, other = shared.browser(una.token), shared.browser(ugo.token)
    place = f"{SHARING}?experiment=hers"
    assert "there for all" in other.get(place).text
    assert "/do/" not in other.get(place).text.replace("/ui/runs", "")
    assert other.send(f"{SHARING}/do/private", experiment="hers").status == 403
    assert browser.send(f"{SHARING}/do/private", experiment="hers").status == 303
    assert other.get(place).status == 404
    browser.send(f"{SHARING}/do/share", experiment="hers", person="ugo", role="reader")
    page = other.get(place).text
    assert "ugo <small>you</small>" in page
    assert "Share no more" not in page
    browser.send(f"{SHARING}/do/unshare", experiment="hers", person="ugo")
    assert other.get(place).status == 404
    browser.send(f"{SHARING}/do/owner", experiment="hers", person="ugo")
    assert "Keep it" not in browser.get(place).text
    assert other.send(f"{SHARING}/do/public", experiment="hers").status == 303


def test_a_rule_for_notices_comes_and_goes_and_warns_at_once(shared: Shared) -> None:
    ned, nan = (shared.person(name, Role.CONTRIBUTOR) for name in ("ned", "nan"))
    browser = shared.browser(ned.token)
    assert "Nobody is told" in browser.get(NOTICES).text
    form = {"way": "webhook", "to": "http://127.0.0.1:9/secret", "Failed": "on"}
    made = browser.send(f"{NOTICES}/do/notice", **form).text
    assert "nothing will come as it is now: 127.0.0.1 is in a network" in made
    assert re.search("signed with <code>[^<]{40,}</code>", made)
    page = browser.get(NOTICES).text
    assert "secret" not in page
    assert "http://127.0.0.1:9/…" in page
    assert "signed with" not in page
    [rule] = re.findall('name="rule" value="([0-9a-f]+)"', page)
    assert rule not in shared.browser(nan.token).get(NOTICES).text
    assert shared.browser(nan.token).send(f"{NOTICES}/do/unnotice", rule=rule).status == 403
    assert browser.send(f"{NOTICES}/do/unnotice", rule=rule).status == 303
    assert "Nobody is told" in browser.get(NOTICES).text
    command = browser.send(f"{NOTICES}/do/notice", way="command", to="touch /nowhere")
    assert command.status == 400


def test_the_api_warns_of_a_rule_that_brings_nothing(shared: Shared) -> None:
    nat = shared.person("nat", Role.CONTRIBUTOR).api.notices
    assert "has no mail server" in nat.add(mail="ada@example.org").warning
    assert "was not found" in nat.add(webhook="https://nowhere.invalid/x").warning
    local = shared.owner.api.notices.add(webhook="http://127.0.0.1:9/x").warning
    assert "in a network" in local, "owners are people, too"
    for rule in nat.rules():
        nat.remove(rule.id)


@pytest.mark.parametrize("path", [QUOTAS, NOTICES, f"{SHARING}?experiment=Default"])
def test_what_is_not_theirs_is_not_offered_to_readers(shared: Shared, path: str) -> None:
    reader = shared.browser(shared.person("rio", Role.READER).token)
    shown = reader.get(path)
    if path == NOTICES:
        assert shown.status == 403
    else:
        assert f"{path.partition('?')[0]}/do/" not in shown.text
