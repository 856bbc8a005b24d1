"""The description of the API says of each route what it is for, what it takes, how it fails, and shows true answers."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # without types
import pytest

from faena.kernel.rights import Right
from faena.server.application import Tenant, app_for
from faena.server.reference.completing import Example, completed, described, examples, operations
from faena.server.reference.writing import pages
from faena.testing.clock import ManualClock
from tests.people.shared import Shared
from tests.server.api_examples import record
from tests.server.api_examples.session import Session
from tests.server.house import running

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
FOLDER = Path(__file__).parents[2] / "docs" / "api"
OF_HOST = Right.HOST.name
WITHOUT = {
    ("POST", "/restart"): "there is no other process to take its place",
    ("POST", "/datasets/{name}"): "asks a package index for the data",
    ("GET", "/sample-data/{name}/{part}"): "the same",
    ("POST", "/nodes/machines/{name}/drain"): "a machine must have joined",
    ("DELETE", "/nodes/machines/{name}"): "the same",
    ("PUT", "/ray/{name}"): "a Ray cluster must run",
    ("POST", "/ray/{name}/check"): "the same",
    ("GET", "/environment-locks/{digest}/archives/{archive}"): "a package's bytes",
}
"""Routes without an example, and why."""


@cache
def schema() -> dict[str, Any]:
    with warnings.catch_warnings():  # of how the framework will want parameters to be marked some day
        warnings.simplefilter("ignore", DeprecationWarning)
        app = app_for(Tenant())
        app.make_all()
        return described(app)


@pytest.fixture(scope="module", autouse=True)
def once() -> None:
    """In one process, which has made the description: that costs more than all of the tests."""
    schema()


def public() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, verb, operation in operations(schema()):
        if operation.get("x-faena-right") not in (None, OF_HOST) and "pages" not in operation["tags"]:
            yield path, verb, operation


def test_the_pages_are_those_of_the_routes() -> None:
    there = {path.name: path.read_text() for path in FOLDER.glob("*.md")}
    made = pages(schema())
    told = "run python -m faena.server.api_pages docs/api"
    assert sorted(there) == sorted(made), told
    assert [name for name, text in made.items() if there[name] != text] == [], told


def test_each_route_says_what_it_is_for_and_what_it_needs() -> None:
    found = list(public())
    assert len(found) > 150
    assert [
        (verb, path) for path, verb, said in found if not said.get("summary") or not said["description"]
    ] == []


def test_each_parameter_has_a_meaning() -> None:
    without = [
        (verb, path, parameter["name"])
        for path, verb, said in public()
        for parameter in said.get("parameters", ())
        if not parameter.get("description")
    ]
    assert without == []


def test_each_route_says_how_it_fails() -> None:
    for path, verb, said in public():
        wanted = {"400", "401", "403", "default", *(["404"] if "{" in path else [])}
        assert wanted <= set(said["responses"]), (verb, path)
        for code in wanted:
            (content,) = said["responses"][code]["content"].values()
            assert content["schema"] == {"$ref": "#/components/schemas/ErrorBody"}


def test_to_complete_it_again_changes_nothing() -> None:
    app = app_for(Tenant())
    before = json.dumps(schema())
    assert json.dumps(completed(json.loads(before), app)) == before


def test_examples_are_of_the_form_that_is_described() -> None:
    said = {(verb, path): operation for path, verb, operation in operations(schema())}
    wrong = []
    for (verb, route), example in examples().items():
        operation = said[verb, route]
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        answer = operation["responses"][str(example.status)].get("content", {})
        for value, form in (
            (example.body, body),
            (example.answer, answer.get("application/json", {}).get("schema")),
        ):
            if value is not None and form is not None:
                wrong += [f"{verb} {route}: {each.message}" for each in errors(value, form)]
    assert wrong == []


def test_each_route_has_an_example_or_a_reason_for_none() -> None:
    asked = {(verb, path) for path, verb, said in public() if said["x-faena-right"] != OF_HOST}
    assert asked - examples().keys() == WITHOUT.keys(), "ask for it in tests/server/api_examples"


def errors(value: Any, form: dict[str, Any]) -> list[jsonschema.ValidationError]:
    whole = {**form, "components": schema()["components"]}
    return list(jsonschema.Draft202012Validator(whole).iter_errors(value))


def test_examples_hold_nothing_of_whoever_recorded_them() -> None:
    text = str([each.answer for each in examples().values()])
    assert "/tmp" not in text
    assert "/root" not in text
    assert "FAENAP-…" in text
    assert "FAENAP-" not in text.replace("FAENAP-…", "")


def shape(value: Any) -> Any:
    """What does not differ from one recording to the next."""
    if isinstance(value, dict) and all(isinstance(each, int) for each in value.values()):
        return "numbers by name"
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value[:1]]
    return None if value is None else type(value).__name__


@pytest.mark.long
def test_a_server_answers_them_today(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAENA_HOME", str(tmp_path / "home"))  # where other tests have built nothing
    clock = ManualClock()
    with running(tmp_path, clock, settings=Shared.settings()) as server:
        shared = Shared(server, clock)
        now = {(each.verb, each.route): each for each in record(Session(shared))}
        shared.close()
    told = "run python -m tests.server.api_examples src/faena/server/reference/examples.json"
    assert sorted(now) == sorted(examples()), told

    def told_of(example: Example) -> Any:
        return example.status, shape(example.body), shape(example.answer)

    assert [key for key, each in now.items() if told_of(each) != told_of(examples()[key])] == [], told
