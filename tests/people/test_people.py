"""People come and go, with their tokens; what they did stays told."""

from __future__ import annotations

import http.client
import ssl
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import faena
from faena.client.workspace import Workspace
from faena.client.workspaces import mlflow_address
from faena.client.workspaces.opened import OpenedWorkspace
from faena.client.workspaces.people import People
from faena.kernel.errors import (
    AuthenticationException,
    Conflict,
    FaenaError,
    NotAllowed,
    NotFound,
    UserErrorException,
)
from faena.people import model
from faena.people.model import Role
from faena.people.schemas import TokenIn
from faena.runs.submission_schemas import Submission
from faena.server.caller_names import named
from faena.server.team.listener import owner_token
from faena.sweeps.schemas import SweepRequest
from tests.people.shared import OWNER, UNKNOWN, Denied, Shared


def test_the_first_owner_has_a_token_that_nobody_else_reads(shared: Shared) -> None:
    file = owner_token(shared.server.house.folder.path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert shared.owner.api.people.me().name == OWNER
    assert shared.owner.token not in file.with_name("faena.db-wal").read_bytes().decode("latin-1")


def test_our_client_is_told_faenas_version_and_mlflows_its_own(shared: Shared) -> None:
    assert shared.owner.api.version().package == faena.__version__
    assert shared.owner.ask("GET", "/version").text.startswith("3.")


def test_mlflows_clients_are_told_who_asks_and_which_certificate_to_trust(
    shared: Shared, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FAENA_HOME", str(tmp_path))
    kim = shared.person("kim", Role.READER)
    told = mlflow_address.variables(OpenedWorkspace.connect(shared.url, kim.token))
    assert (told["MLFLOW_TRACKING_URI"], told["MLFLOW_TRACKING_TOKEN"]) == (shared.url, kim.token)
    trusting = ssl.create_default_context(cafile=told["MLFLOW_TRACKING_SERVER_CERT_PATH"])
    there = urlsplit(shared.url)
    asked = http.client.HTTPSConnection(str(there.hostname), there.port, context=trusting, timeout=60)
    asked.request("GET", "/version", headers={"Authorization": f"Bearer {told['MLFLOW_TRACKING_TOKEN']}"})
    assert asked.getresponse().status == 200
    asked.close()


def test_there_is_always_an_owner(shared: Shared) -> None:
    people = shared.owner.api.people
    with pytest.raises(Conflict, match="only owner"):
        people.put(OWNER, "reader")
    with pytest.raises(Conflict, match="only owner"):
        people.remove(OWNER)


class TestTokens:
    def test_a_revoked_one_is_good_for_nothing_at_once(self, shared: Shared) -> None:
        caller = shared.person("rob", Role.READER)
        assert caller.ask("GET", "/me").status == 200
        (token,) = shared.owner.api.people.tokens("rob")
        shared.owner.api.people.revoke("rob", token.id)
        assert Denied.of(caller.ask("GET", "/me")) == UNKNOWN
        with pytest.raises(NotFound, match="has no token"):
            shared.owner.api.people.revoke("rob", "0" * 12)

    def test_what_was_begun_with_it_before_is_not_done(self, shared: Shared) -> None:
        eve = shared.person("eve", Role.OWNER)
        begun = [
            eve.begin("PUT", "/people/mallory", {"role": "owner"}),
            eve.begin("POST", "/people/eve/tokens", {"label": "for later"}),
            eve.begin("POST", "/objects/several", {"digests": ["0" * 64]}),
        ]
        assert eve.ask("GET", "/me").status == 200  # by then the others were let in, too
        shared.owner.api.people.put("eve", Role.READER)
        assert Denied.of(begun.pop(0)()) == UNKNOWN
        shared.owner.api.people.remove("eve")
        assert [Denied.of(go_on()) for go_on in begun] == [UNKNOWN, UNKNOWN]
        assert "mallory" not in {each.name for each in shared.owner.api.people.all()}
        assert all(each.revoked_at for each in shared.owner.api.people.tokens("eve"))

    def test_a_stream_ends_with_it(self, shared: Shared) -> None:
        watcher = shared.person("wanda", Role.READER)
        began = watcher.ask("PUT", "/experiments?name=x")  # a connection, and a token that is known
        assert began.status == 403
        with shared.streaming(watcher, "/ui/changes?after=0") as events:
            assert events.next()
            shared.owner.api.people.remove("wanda")
            shared.owner.api.create_experiment("new")
            assert events.ends()

    def test_it_ends_by_itself(self, shared: Shared) -> None:
        shared.owner.api.people.put("eve", "reader")
        caller = shared.caller("eve", TokenIn(days=1))
        lasting = shared.caller("eve", TokenIn(days=None))
        assert caller.ask("GET", "/me").status == 200
        shared.clock.advance(86_401)
        assert Denied.of(caller.ask("GET", "/me")) == UNKNOWN
        assert lasting.ask("GET", "/me").status == 200

    def test_one_made_with_another_may_do_no_more(self, shared: Shared) -> None:
        contributor = shared.person("cleo", Role.CONTRIBUTOR)
        small = contributor.api.people.new_token("cleo", TokenIn(role="reader")).token
        made = shared.stranger(small).api.people.new_token("cleo", TokenIn(role="owner"))
        assert shared.stranger(made.token).api.people.me().role == "reader"

    def test_others_are_nobodys_business(self, shared: Shared) -> None:
        reader = shared.person("nosy", Role.READER)
        for ask in (
            lambda: reader.api.people.tokens(OWNER),
            lambda: reader.api.people.new_token(OWNER, TokenIn()),
            lambda: reader.api.people.revoke(OWNER, "0" * 12),
        ):
            with pytest.raises(NotAllowed, match=f"What concerns {OWNER}"):
                ask()

    def test_only_its_maker_sees_it(self, shared: Shared) -> None:
        made = shared.owner.api.people.new_token(OWNER, TokenIn("for the robot"))
        assert made.token not in repr(made)
        listed = shared.owner.ask("GET", f"/people/{OWNER}/tokens")
        assert "for the robot" in listed.text
        assert made.token not in listed.text

    @pytest.mark.parametrize(
        "wrong", [TokenIn(days=0), TokenIn(days=1e9), TokenIn("x" * 121), TokenIn(role="king")]
    )
    def test_odd_ones_are_refused(self, shared: Shared, wrong: TokenIn) -> None:
        with pytest.raises(UserErrorException):
            shared.owner.api.people.new_token(OWNER, wrong)


@pytest.mark.parametrize("name", ["", "a b", "-x", "x" * 65, "ä", "a/b", "\x00"])
def test_what_can_be_no_name(name: str) -> None:
    with pytest.raises(UserErrorException, match="cannot be a person's name"):
        model.check_name(name)


def test_nobody_submits_in_anothers_name(shared: Shared) -> None:
    submission = Submission(experiment="e", snapshot="", script="t.py", cluster="c", user="somebody")
    assert named(Submission, submission, "carl").user == "carl"
    swept = SweepRequest.__annotations__["submission"]
    assert swept == "Submission", "trials are submitted in a name, too"


def test_who_did_what_is_told(shared: Shared) -> None:
    contributor = shared.person("deb", Role.CONTRIBUTOR)
    contributor.ask("PUT", "/experiments?name=told")
    contributor.ask("DELETE", "/experiments?name=told")
    contributor.ask("GET", "/runs")
    searched = contributor.ask("POST", "/api/2.0/mlflow/experiments/search", {"max_results": 1})
    assert searched.status == 200
    told = shared.owner.api.people.audit_log("deb", None, 10)
    assert [(each.verb, each.path, each.status) for each in told] == [
        ("DELETE", "/experiments?name=told", 403),
        ("PUT", "/experiments?name=told", 204),
    ]
    assert [each.address for each in told] == ["127.0.0.1"] * 2
    older = shared.owner.api.people.audit_log("deb", told[0].number, 10)
    assert [each.verb for each in older] == ["PUT"]


Connect = Callable[[str | None], People]


@pytest.fixture
def people(shared: Shared) -> Iterator[Connect]:
    """By a token, or by that of environment or login."""
    with ExitStack() as opened:

        def connect(token: str | None) -> People:
            workspace = Workspace.connect(shared.url, token)
            opened.callback(workspace.api.transport.close)
            return workspace.people

        yield connect


def test_ws_people_lets_people_in_and_out(shared: Shared, people: Connect) -> None:
    owner = people(shared.owner.token)
    owner.add("pia", "reader")
    assert {each.name: each.role for each in owner.list()}["pia"] == "reader"
    made = owner.new_token("pia", label="the laptop", days=1)
    assert made.token not in repr(made)
    pia = people(made.token)
    assert pia.me().name == "pia"
    assert [each.label for each in pia.tokens()] == ["the laptop"]
    lesser = pia.new_token(days=None, role="owner")
    assert (lesser.role, lesser.expires_at) == ("reader", None)
    pia.revoke_token(lesser.id)
    with pytest.raises(NotAllowed):
        pia.add("pit")
    assert owner.audit_log("pia", limit=1)[0].verb == "PUT"
    owner.remove("pia")
    with pytest.raises(AuthenticationException):
        pia.me()
    with pytest.raises(NotFound):
        owner.remove("pia")
    with pytest.raises(Conflict):
        owner.add(OWNER, "reader")


def test_ws_people_shares_experiments(shared: Shared, people: Connect) -> None:
    shared.person("pam", Role.READER)
    shared.owner.ask("POST", "/api/2.0/mlflow/experiments/create", {"name": "of people"})
    owner = people(shared.owner.token)
    assert owner.share("of people", {"pam": "reader"}, private=True).people == {"pam": "reader"}
    assert owner.share("of people", without=["pam"]).people == {}
    assert owner.sharing("of people").private
    with pytest.raises(UserErrorException, match=r"without is 'pam'\. Use a list"):
        owner.share("of people", without="pam")


def test_ws_people_takes_names_and_numbers(shared: Shared, people: Connect) -> None:
    owner = people(shared.owner.token)
    given: Any = 7
    for wrong in (owner.add, owner.remove, owner.tokens, owner.revoke_token, owner.sharing):
        with pytest.raises(UserErrorException, match="is text, not 7"):
            wrong(given)
    with pytest.raises(UserErrorException, match="days is 'long'"):
        owner.new_token(days="long")  # type: ignore[arg-type]  # what it refuses


class TestATokenThatIsNotGood:
    @pytest.fixture(autouse=True)
    def _elsewhere(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("FAENA_TOKEN", "FAENA_TOKEN_FILE"):
            monkeypatch.delenv(name, raising=False)

    def told(self, people: Connect, token: str) -> str:
        with pytest.raises(FaenaError) as told:
            people(None).me()
        assert token not in str(told.value)
        return str(told.value)

    @pytest.mark.parametrize("token", ["garbage", "FAENAP-plain-garbage"])
    def test_that_names_no_certificate(
        self, people: Connect, monkeypatch: pytest.MonkeyPatch, token: str
    ) -> None:
        monkeypatch.setenv("FAENA_TOKEN", token)
        said = self.told(people, "garbage")
        assert "the token names none" in said
        assert "The token is that of FAENA_TOKEN: unset it to use the one of `faena login`." in said

    def test_that_nobody_knows(
        self, shared: Shared, people: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        token = f"{shared.owner.token.rpartition('-')[0]}-{'0' * 48}"
        monkeypatch.setenv("FAENA_TOKEN", token)
        said = self.told(people, token)
        assert said.startswith("The token is not good here")
        assert said.endswith("The token is that of FAENA_TOKEN: unset it to use the one of `faena login`.")

    def test_that_is_no_text_of_a_token(self, people: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FAENA_TOKEN", "g\u00e4rbage")
        assert "The token is that of FAENA_TOKEN" in self.told(people, "g\u00e4rbage")
