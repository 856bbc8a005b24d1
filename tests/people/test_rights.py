"""What each route answers to people: by its right, whatever it is, before it looks at what is asked."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from faena.kernel.rights import Right
from faena.mlflow.rights import asked_of_people
from faena.people.model import Role
from tests.people.shared import NOT_ALLOWED, UNKNOWN, Denied, Shared
from tests.server.test_rights import routes

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def asked(right: Right | None = None) -> list[tuple[str, str]]:
    """Verbs and paths of routes that ask more than `right`, or of all."""
    return [
        (verb, re.sub(r"\{\w+:(\w+)\}", lambda kind: "1" if kind[1] == "int" else "x", path))
        for verb, path, needed in routes()
        if right is None or (needed is not None and needed > right)
    ]


def test_nobody_is_answered_without_a_token(shared: Shared) -> None:
    stranger = shared.stranger()
    answers = {
        each: Denied.of(stranger.ask(*each)) for each in [*asked(), ("GET", "/nowhere"), ("GET", "/schema")]
    }
    assert {each: told for each, told in answers.items() if told != UNKNOWN} == {}


@pytest.mark.parametrize("token", ["", "FAENAP-plain-none"])
def test_mlflows_clients_read_why_they_are_not_answered(shared: Shared, token: str) -> None:
    shown = {"Authorization": f"Bearer {token}"} if token else {}
    answer = shared.stranger().ask("POST", "/api/2.0/mlflow/runs/create", {}, **shown)
    assert (answer.status, answer.json["error_code"]) == (401, "UNAUTHENTICATED")
    assert "token" in answer.json["message"]


@pytest.mark.parametrize("path", ["/runs", "/api/2.0/mlflow/experiments/get?experiment_id=0", "/nowhere"])
def test_what_a_program_is_answered_runs_in_no_browser_either(shared: Shared, path: str) -> None:
    answer = shared.person("rita", Role.READER).ask("GET", path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("role", Role)
def test_nobody_may_more_than_their_role(shared: Shared, role: Role) -> None:
    caller = shared.person(f"some-{role}", role)
    more = asked(role.right)
    answers = {each: Denied.of(caller.ask(*each)) for each in more}
    assert {each: told for each, told in answers.items() if told != NOT_ALLOWED} == {}
    assert len(more) > 20


def test_a_reader_reads_and_changes_nothing(shared: Shared) -> None:
    reader = shared.person("rita", Role.READER)
    assert reader.ask("GET", "/runs").status == 200
    assert reader.ask("GET", "/me").json == {"name": "rita", "role": "reader", "workspace": "test"}
    refused = reader.ask("PUT", "/experiments?name=mine")
    assert refused.status == 403
    assert "needs the role contributor; rita's token has reader" in refused.text


def test_a_contributor_adds(shared: Shared) -> None:
    contributor = shared.person("carl", Role.CONTRIBUTOR)
    assert contributor.ask("PUT", "/experiments?name=carls").status == 204
    assert contributor.ask("DELETE", "/experiments?name=carls").status == 403
    assert shared.owner.ask("DELETE", "/experiments?name=carls").status == 204


class TestMlflow:
    def test_a_reader_searches(self, shared: Shared) -> None:
        reader = shared.person("mia", Role.READER)
        assert reader.ask("POST", "/api/2.0/mlflow/experiments/search", {"max_results": 5}).status == 200
        assert (
            reader.ask("GET", "/api/2.0/mlflow/experiments/get-by-name?experiment_name=Default").status == 200
        )

    @pytest.mark.parametrize(
        ("verb", "path"),
        [
            ("POST", "experiments/create"),
            ("POST", "runs/log-metric"),
            ("PATCH", "registered-models/update"),
            ("DELETE", "model-versions/delete"),
        ],
    )
    def test_a_reader_changes_nothing(self, shared: Shared, verb: str, path: str) -> None:
        reader = shared.person("mia", Role.READER)
        refused = reader.ask(verb, f"/api/2.0/mlflow/{path}", {"name": "x"})
        assert (refused.status, refused.json["error_code"]) == (403, "PERMISSION_DENIED")

    def test_a_contributor_deletes_no_models(self, shared: Shared) -> None:
        contributor = shared.person("max", Role.CONTRIBUTOR)
        made = contributor.ask("POST", "/api/2.0/mlflow/registered-models/create", {"name": "net"})
        assert made.status == 200
        assert (
            contributor.ask("DELETE", "/api/2.0/mlflow/registered-models/delete", {"name": "net"}).status
            == 403
        )
        assert (
            shared.owner.ask("DELETE", "/api/2.0/mlflow/registered-models/delete", {"name": "net"}).status
            == 200
        )

    def test_the_user_of_what_is_made_is_the_person_who_asks(self, shared: Shared) -> None:
        contributor = shared.person("max", Role.CONTRIBUTOR)
        tags = [{"key": "mlflow.user", "value": "somebody else"}, {"key": "a", "value": "b"}]

        def ask(path: str, body: dict[str, object], version: str = "2.0") -> Any:
            answer = contributor.ask("POST", f"/api/{version}/mlflow/{path}", body)
            assert answer.status == 200, answer.text
            return answer.json

        run = ask("runs/create", {"experiment_id": "0", "user_id": "root", "tags": tags})["run"]
        ask("runs/set-tag", {"run_id": run["info"]["run_id"], "key": "mlflow.user", "value": "root"})
        run = contributor.ask("GET", f"/api/2.0/mlflow/runs/get?run_id={run['info']['run_id']}").json["run"]
        told = {each["key"]: each["value"] for each in run["data"]["tags"]}
        assert (run["info"]["user_id"], told["mlflow.user"], told["a"]) == ("max", "max", "b")
        text = '{"mlflow.user": "root", "n": 5}'
        made = ask("datasets/create", {"name": "questions", "tags": text}, "3.0")["dataset"]
        assert (made["created_by"], json.loads(made["tags"])["n"]) == ("max", "5")

    @pytest.mark.parametrize(
        ("verb", "path", "right"),
        [
            ("POST", "/graphql", Right.READ),
            ("POST", "/3.0/mlflow/traces/batchGetInfos", Right.READ),
            ("DELETE", "/2.0/mlflow/registered-models/alias", Right.CONTRIBUTE),
            ("POST", "/2.0/mlflow/runs/delete", Right.CONTRIBUTE),
            ("POST", "/3.0/mlflow/traces/delete-traces", Right.OWN),
            ("DELETE", "/3.0/mlflow/datasets/d-1", Right.OWN),
            ("DELETE", "/2.0/mlflow-artifacts/artifacts/0/r/artifacts/tags", Right.OWN),
            ("PUT", "/2.0/mlflow-artifacts/artifacts/0/r/artifacts/search", Right.CONTRIBUTE),
        ],
    )
    def test_what_each_kind_of_request_needs(self, verb: str, path: str, right: Right) -> None:
        assert asked_of_people(verb, path) is right

    def test_a_token_may_be_a_password(self, shared: Shared) -> None:
        reader = shared.person("mia", Role.READER)
        stranger = shared.stranger()
        assert stranger.ask("GET", "/me", Authorization=basic("mia", reader.token)).json["name"] == "mia"


def basic(user: str, password: str) -> str:
    import base64

    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
