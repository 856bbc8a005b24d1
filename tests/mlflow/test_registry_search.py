"""What is found in the registry by MLflow's protocol, in which order, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mlflow.clients import Client
from tests.mlflow.registries import MODELS, VERSIONS, made


@pytest.fixture(scope="module")
def searched(client: Client) -> str:
    """Five models, every second with a version, and a prompt."""
    for number in range(5):
        tags = [{"key": "kind", "value": "even" if number % 2 == 0 else "odd"}]
        made(client, f"Found{number}", number % 2, tags=tags)
    made(client, "FoundPrompt", tags=[{"key": "mlflow.prompt.is_prompt", "value": "true"}])
    return "name LIKE 'Found%'"


class TestSearch:
    def names(self, client: Client, **asked: Any) -> list[str]:
        found = client.get(f"{MODELS}/search", **asked)
        return [each["name"].removeprefix("Found") for each in found.get("registered_models", [])]

    @pytest.mark.parametrize(
        ("text", "wanted"),
        [
            ("", "0 1 2 3 4"),
            (" and tags.`mlflow.prompt.is_prompt` != 'true'", "0 1 2 3 4"),
            (" and tag.`mlflow.prompt.is_prompt` = 'true'", "Prompt"),
            (" and tags.kind = 'odd'", "1 3"),
            (" and tags.kind ILIKE 'EV%'", "0 2 4"),
            (" and name ILIKE '%nd3'", "3"),
            (" and name LIKE '%ND3'", ""),
            (" and name IN ('Found1', 'Found4')", "1 4"),
        ],
    )
    def test_a_filter(self, client: Client, searched: str, text: str, wanted: str) -> None:
        assert self.names(client, filter=searched + text) == wanted.split()

    def test_an_order(self, client: Client, searched: str) -> None:
        assert self.names(client, filter=searched, order_by=["name DESC"]) == list("43210")
        last = self.names(client, filter=searched, order_by=["last_updated_timestamp ASC"])
        assert last == list("01234")

    def test_pages(self, client: Client, searched: str) -> None:
        first = client.get(f"{MODELS}/search", filter=searched, max_results=3)
        token = first["next_page_token"]
        rest = client.get(f"{MODELS}/search", filter=searched, max_results=3, page_token=token)
        assert [len(page["registered_models"]) for page in (first, rest)] == [3, 2]
        assert "next_page_token" not in rest

    def test_versions(self, client: Client, searched: str) -> None:
        for order, wanted in (
            (["name DESC"], ["Found3", "Found1"]),
            (["version_number DESC"], ["Found1", "Found3"]),
            ([], ["Found3", "Found1"]),
        ):
            found = client.get(
                f"{VERSIONS}/search", filter=f"{searched} and version_number = 1", order_by=order
            )
            assert [each["name"] for each in found["model_versions"]] == wanted

    @pytest.mark.parametrize(
        ("path", "asked", "said"),
        [
            (MODELS, {"filter": "run_id = 'x'"}, "Invalid attribute key 'run_id'"),
            (MODELS, {"filter": "metrics.a = 'x'"}, "Invalid entity type 'metrics'"),
            (MODELS, {"filter": "name = 1"}, "Expected a quoted string value"),
            (MODELS, {"order_by": "kind"}, "Invalid order by key 'kind'"),
            (MODELS, {"max_results": 1001}, "Invalid value 1001 for parameter 'max_results'"),
            (VERSIONS, {"filter": "version_number = 1.5"}, "Invalid value for numeric attribute"),
            (VERSIONS, {"max_results": 200_001}, "Invalid value 200001 for parameter 'max_results'"),
            (VERSIONS, {"page_token": "?"}, "for parameter 'page_token'"),
        ],
    )
    def test_refuses_and_says_why(self, client: Client, path: str, asked: dict[str, Any], said: str) -> None:
        answer = client.ask(f"{path}/search", **asked)
        assert (answer.status, answer.json["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
        assert said in answer.json["message"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("path", "fields", "said"),
        [
            (f"{MODELS}/create", {"name": " "}, "Missing value for required parameter 'name'."),
            (f"{MODELS}/create", {"name": "a/b"}, "Names cannot contain '/' or ':'."),
            (f"{MODELS}/create", {"name": 123}, "Invalid value 123 for parameter 'name' supplied"),
            (f"{MODELS}/create", {"name": ".."}, "Invalid value"),
            (f"{VERSIONS}/create", {"name": "a"}, "Missing value for required parameter 'source'."),
            (
                f"{VERSIONS}/transition-stage",
                {"name": "a", "version": "x", "stage": "None"},
                "must be an integer",
            ),
            (
                f"{MODELS}/set-tag",
                {"name": "a", "key": "k" * 251, "value": "v"},
                "exceeded length limit of 250",
            ),
            (
                f"{MODELS}/set-tag",
                {"name": "a", "key": "k", "value": "v" * 100_001},
                "length limit of 100000",
            ),
        ],
    )
    def test_names_what_is_wrong(self, client: Client, path: str, fields: dict[str, Any], said: str) -> None:
        status, code, message = client.refused(path, **fields)
        assert (status, code) == (400, "INVALID_PARAMETER_VALUE")
        assert said in message

    def test_what_is_no_json_behind_a_field_of_a_wrong_type(self, client: Client) -> None:
        answer = client.send("PATCH", f"{MODELS}/update", name=1, description="\ud800")
        assert (answer.status, answer.json["error_code"]) == (400, "BAD_REQUEST")
