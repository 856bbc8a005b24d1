"""`ws.people`: what owners and people do with tokens and roles, in Python; and what a token that is not good says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from faena.client.workspace import Workspace
from faena.client.workspaces.people import People
from faena.kernel.errors import (
    AuthenticationException,
    Conflict,
    FaenaError,
    NotAllowed,
    NotFound,
    UserErrorException,
)
from faena.people.model import Role
from tests.people.shared import OWNER, Shared

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


def test_an_owner_lets_people_in_and_out(shared: Shared, people: Connect) -> None:
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


def test_experiments_are_shared(shared: Shared, people: Connect) -> None:
    shared.person("pam", Role.READER)
    shared.owner.ask("POST", "/api/2.0/mlflow/experiments/create", {"name": "of people"})
    owner = people(shared.owner.token)
    assert owner.share("of people", {"pam": "reader"}, private=True).people == {"pam": "reader"}
    assert owner.share("of people", without=["pam"]).people == {}
    assert owner.sharing("of people").private
    with pytest.raises(UserErrorException, match=r"without is 'pam'\. Use a list"):
        owner.share("of people", without="pam")


def test_what_is_no_name_or_number(shared: Shared, people: Connect) -> None:
    owner = people(shared.owner.token)
    given: Any = 7
    for wrong in (owner.add, owner.remove, owner.tokens, owner.revoke_token, owner.sharing):
        with pytest.raises(UserErrorException, match="is text, not 7"):
            wrong(given)
    with pytest.raises(UserErrorException, match="days is 'long'"):
        owner.new_token(days="long")  # type: ignore[arg-type]


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
