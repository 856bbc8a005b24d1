"""The model registry by MLflow's protocol, and the same models by our words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import pytest

from faena.db import Read
from faena.models import service
from faena.workspaces import needs
from tests.mlflow.clients import Client
from tests.mlflow.registries import MODELS, VERSIONS, made, model, of_run, version
from tests.server.house import Running


class TestModels:
    def test_one_without_versions(self, client: Client) -> None:
        tags = [{"key": "a b", "value": "1"}]
        answer = client.post(f"{MODELS}/create", name="Größe 1", tags=tags, description="what")
        shown = model(client, "Größe 1")
        assert answer["registered_model"] == shown
        assert (shown["description"], shown["tags"]) == ("what", tags)
        assert (shown["latest_versions"], shown["aliases"]) == ([], [])
        assert shown["creation_timestamp"] == shown["last_updated_timestamp"] > 10**12

    def test_is_there_once(self, client: Client) -> None:
        made(client, "once")
        assert client.refused(f"{MODELS}/create", name="once") == (
            400,
            "RESOURCE_ALREADY_EXISTS",
            "Registered Model (name=once) already exists.",
        )

    def test_another_name_takes_all_along(self, client: Client) -> None:
        source, before = of_run(client, "before")
        client.post(f"{MODELS}/alias", name="before", alias="best", version="1")
        client.post(f"{VERSIONS}/set-tag", name="before", version="1", key="k", value="v")
        client.post(f"{MODELS}/set-tag", name="before", key="of", value="all")
        client.post(f"{MODELS}/rename", name="before", new_name="after it")
        after = version(client, "after it")
        assert (after["source"], after["run_id"], after["aliases"]) == (source, before["run_id"], ["best"])
        assert (after["tags"], model(client, "after it")["tags"]) == (
            [{"key": "k", "value": "v"}],
            [{"key": "of", "value": "all"}],
        )
        answer = client.ask(f"{MODELS}/get", name="before")
        assert answer.json["message"] == "Registered Model with name=before not found"
        made(client, "taken")
        assert client.refused(f"{MODELS}/rename", name="after it", new_name="taken")[1] == (
            "RESOURCE_ALREADY_EXISTS"
        )

    def test_one_that_is_deleted_is_gone_and_another_has_its_name(self, client: Client) -> None:
        made(client, "gone", 2, description="old", tags=[{"key": "a", "value": "b"}])
        client.post(f"{MODELS}/alias", name="gone", alias="best", version="2")
        assert client.send("DELETE", f"{MODELS}/delete", name="gone").status == 200
        for verb, path in (("GET", "get"), ("DELETE", "delete"), ("POST", "rename"), ("POST", "set-tag")):
            fields = {"name": "gone", "new_name": "x", "key": "a"}
            answer = (
                client.ask(f"{MODELS}/get", name="gone")
                if verb == "GET"
                else client.send(verb, f"{MODELS}/{path}", **fields)
            )
            assert (answer.status, answer.json["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
        made(client, "gone")
        assert (model(client, "gone")["tags"], model(client, "gone").get("description")) == ([], None)

    def test_our_words_show_it_too(self, client: Client, server: Running) -> None:
        _, shown = of_run(client, "both")
        client.post(f"{VERSIONS}/transition-stage", name="both", version="1", stage="production")

        def ours(read: Read) -> Any:
            return service.view(read, service.get(read, "both", None))

        view = server.do(server.house.database.read(ours))
        assert (view.id, view.run_id, view.stage) == ("both:1", shown["run_id"], "Production")
        assert [file.path for file in view.files] == ["model/MLmodel", "model/data/w.bin"]
        assert shown["user_id"] == "ann"

    def test_one_that_is_needed_stays_as_it_is(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        made(client, "served", 1)
        client.post(f"{MODELS}/alias", name="served", alias="best", version="1")
        before = version(client, "served")

        def serve(_: Read, __: Sequence[str], models: needs.Models) -> needs.Kept | None:
            return needs.Kept(("served:1",), "Deployed: served:1.") if ("served", 1) in models else None

        monkeypatch.setattr(needs.keepers, "_functions", [*needs.keepers, serve])
        for verb, path in (
            ("DELETE", f"{MODELS}/delete"),
            ("DELETE", f"{VERSIONS}/delete"),
            ("POST", f"{MODELS}/rename"),
        ):
            answer = client.send(verb, path, name="served", version="1", new_name="other name")
            assert (answer.status, answer.json["error_code"]) == (409, "RESOURCE_CONFLICT")
            assert answer.json["message"] == "Deployed: served:1."
        assert version(client, "served") == before

    def test_pages_show_what_there_is(self, client: Client, server: Running) -> None:
        made(client, "bare on a page", description="to come")
        made(client, "far on a page", 1)
        client.post(f"{VERSIONS}/transition-stage", name="far on a page", version="1", stage="Staging")
        browser = server.browser()
        listed = browser.get("/ui/models?text=on%20a%20page").text
        assert ("bare on a page" in listed, "to come" in listed, "s3://bucket/m" in listed) == (True,) * 3
        page = browser.get("/ui/models/far%20on%20a%20page")
        assert (page.status, "in Staging" in page.text) == (200, True)


class TestVersions:
    def test_have_numbers_that_are_never_given_again(self, client: Client) -> None:
        made(client, "counted", 3)
        for number in ("1", "3"):
            assert client.send("DELETE", f"{VERSIONS}/delete", name="counted", version=number).status == 200
        answer = client.post(f"{VERSIONS}/create", name="counted", source="s3://b/m")
        assert answer["model_version"]["version"] == "4"
        answer = client.send("DELETE", f"{VERSIONS}/delete", name="counted", version="1")
        assert answer.json["message"] == "Model Version (name=counted, version=1) not found"
        for number in ("2", "4"):
            client.send("DELETE", f"{VERSIONS}/delete", name="counted", version=number)
        assert model(client, "counted")["latest_versions"] == []

    def test_what_was_not_told_is_an_empty_text(self, client: Client) -> None:
        made(client, "bare")
        client.post(f"{VERSIONS}/create", name="bare", source="s3://b/m")
        shown = version(client, "bare")
        assert (shown["description"], shown["run_id"]) == ("", "")
        found = client.get(f"{VERSIONS}/search", filter="name = 'bare' and run_id != 'x'")
        assert len(found["model_versions"]) == 1
        assert client.ask(f"{VERSIONS}/get", name="bare", version="-1").status == 404

    def test_of_a_run_that_nobody_knows(self, client: Client) -> None:
        made(client, "elsewhere")
        client.post(f"{VERSIONS}/create", name="elsewhere", source="runs:/abc/model", run_id="abc")
        shown = version(client, "elsewhere")
        assert (shown["source"], shown["run_id"], shown["status"]) == ("runs:/abc/model", "abc", "READY")
        asked = client.get(f"{VERSIONS}/get-download-uri", name="elsewhere", version=1)
        assert asked["artifact_uri"] == "runs:/abc/model"
        found = client.get(f"{VERSIONS}/search", filter="run_id = 'abc' and source_path LIKE 'runs:%'")
        assert [each["name"] for each in found["model_versions"]] == ["elsewhere"]

    def test_a_copy_has_the_same_files(self, client: Client) -> None:
        source, _ = of_run(client, "original")
        client.post(f"{MODELS}/alias", name="original", alias="best", version="1")
        made(client, "copied")
        client.post(f"{VERSIONS}/create", name="copied", source="models:/original@best")
        assert version(client, "copied")["source"] == "models:/original/1"
        asked = client.get(f"{VERSIONS}/get-download-uri", name="copied", version=1)
        assert asked["artifact_uri"] == source

    def test_of_a_logged_model(self, client: Client) -> None:
        logged = client.post("logged-models", experiment_id="0", name="mine")["model"]
        assert client.put_artifact(logged, "MLmodel", b"flavors: {}").status == 200
        made(client, "of logged")
        model_id, place = logged["info"]["model_id"], logged["info"]["artifact_uri"]
        for source in (f"models:/{model_id}", place):
            client.post(f"{VERSIONS}/create", name="of logged", source=source, model_id=model_id)
        assert version(client, "of logged", 2)["model_id"] == model_id
        asked = client.get(f"{VERSIONS}/get-download-uri", name="of logged", version=1)
        assert asked["artifact_uri"] == place
        tags = client.get(f"logged-models/{model_id}")["model"]["info"]["tags"]
        assert json.loads(tags[0]["value"]) == [{"name": "of logged", "version": each} for each in (1, 2)]

    def test_files_that_are_gone_from_their_run_are_kept(self, client: Client) -> None:
        source, _ = of_run(client, "50% kept")
        where = "/api/2.0/mlflow-artifacts/artifacts"
        path = source.removeprefix("mlflow-artifacts:/")
        assert client.visitor.ask("DELETE", f"{where}/{path}").status == 200
        asked = client.get(f"{VERSIONS}/get-download-uri", name="50% kept", version=1)["artifact_uri"]
        place = asked.removeprefix("mlflow-artifacts:/")
        assert place == "registered/50~25~20kept/1"
        for spelled in (quote(place), place):  # as clients of several ages ask
            listed = client.visitor.get(f"{where}?path={spelled}").json
            assert listed["files"] == [
                {"path": "MLmodel", "is_dir": False, "file_size": 11},
                {"path": "data", "is_dir": True},
            ]
            got = client.visitor.get(f"{where}/{spelled}/data/w.bin")
            assert (got.status, got.body) == (200, b"weights")
        answer = client.visitor.ask("PUT", f"{where}/{place}/x", b"x")
        assert (answer.status, answer.json["error_code"]) == (400, "INVALID_PARAMETER_VALUE")

    def test_the_model_changes_with_them_but_not_by_their_descriptions(self, client: Client) -> None:
        made(client, "timed", 1)
        before = model(client, "timed")["last_updated_timestamp"]
        answer = client.send("PATCH", f"{VERSIONS}/update", name="timed", version="1", description="new")
        assert answer.json["model_version"]["description"] == "new"
        assert model(client, "timed")["last_updated_timestamp"] == before
        client.post(f"{VERSIONS}/transition-stage", name="timed", version="1", stage="Staging")
        assert model(client, "timed")["last_updated_timestamp"] > before

    @pytest.mark.parametrize(
        ("source", "said"),
        [
            ("/etc", "To use a local path as a model version source"),
            ("file:///etc", "To use a local path as a model version source"),
            ("model", "To use a local path as a model version source"),
            ("mlflow-artifacts://host:9000/models/../../", "If supplying a source as an http, https"),
            ("mlflow-artifacts:/0/x/artifacts/..%2f..%2fy", "If supplying a source as an http, https"),
            ("s3://bucket/%252e%252e/x", "If supplying a source as an http, https"),
            ("http://host/artifact%00", "If supplying a source as an http, https"),
            ("models:/nobody/1", "Unable to fetch model from model URI source artifact location"),
        ],
    )
    def test_are_of_no_file_outside(self, client: Client, source: str, said: str) -> None:
        if client.ask(f"{MODELS}/get", name="inside").status != 200:
            made(client, "inside")
        status, code, message = client.refused(f"{VERSIONS}/create", name="inside", source=source)
        assert (status, code) == (400, "INVALID_PARAMETER_VALUE")
        assert said in message

    def test_are_of_the_run_that_is_named(self, client: Client) -> None:
        source, _ = of_run(client, "named run")
        answer = client.refused(
            f"{VERSIONS}/create", name="named run", source=source, run_id=client.new_run()
        )
        assert "The run_id request parameter must identify the resource" in answer[2]


class TestStages:
    def test_the_latest_of_each(self, client: Client) -> None:
        made(client, "staged", 5)
        for number, stage in enumerate(("archived", "PRODUCTION", "Production", "staging"), 1):
            client.post(f"{VERSIONS}/transition-stage", name="staged", version=number, stage=stage)

        def latest(*stages: str) -> dict[str, str]:
            answer = client.post(f"{MODELS}/get-latest-versions", name="staged", stages=list(stages))
            return {each["current_stage"]: each["version"] for each in answer["model_versions"]}

        assert latest() == {"Archived": "1", "Production": "3", "Staging": "4", "None": "5"}
        assert list(latest().values()) == ["1", "3", "4", "5"]
        assert latest("none", "Production") == {"Production": "3", "None": "5"}

    def test_others_are_archived(self, client: Client) -> None:
        made(client, "archive", 3)
        for number in (1, 2):
            client.post(f"{VERSIONS}/transition-stage", name="archive", version=number, stage="Staging")
        fields = {"name": "archive", "version": "3", "archive_existing_versions": True}
        client.post(f"{VERSIONS}/transition-stage", stage="Staging", **fields)
        stages = [version(client, "archive", number)["current_stage"] for number in (1, 2, 3)]
        assert stages == ["Archived", "Archived", "Staging"]
        refused = client.refused(f"{VERSIONS}/transition-stage", stage="Archived", **fields)
        assert "is not an Active stage" in refused[2]
        refused = client.refused(f"{VERSIONS}/transition-stage", stage="Best", **fields)
        assert refused[2].startswith("Invalid Model Version stage: Best. Value must be one of None, Staging")


class TestAliases:
    def test_come_and_go(self, client: Client) -> None:
        made(client, "named", 2)
        for number in ("1", "2"):
            client.post(f"{MODELS}/alias", name="named", alias="champion", version=number)
        assert model(client, "named")["aliases"] == [{"alias": "champion", "version": "2"}]
        meant = client.get(f"{MODELS}/alias", name="named", alias="champion")
        assert meant["model_version"] == version(client, "named", 2)
        for _ in range(2):
            assert client.send("DELETE", f"{MODELS}/alias", name="named", alias="champion").status == 200
        answer = client.ask(f"{MODELS}/alias", name="named", alias="champion")
        assert (answer.status, answer.json["message"]) == (400, "Registered model alias champion not found.")
        assert client.get(f"{MODELS}/alias", name="named", alias="latest")["model_version"]["version"] == "2"

    def test_go_with_their_version(self, client: Client) -> None:
        made(client, "with it", 1)
        client.post(f"{MODELS}/alias", name="with it", alias="a", version="1")
        assert client.send("DELETE", f"{VERSIONS}/delete", name="with it", version="1").status == 200
        assert model(client, "with it")["aliases"] == []

    @pytest.mark.parametrize("alias", ["latest", "LaTest", "v1", "V12", "a b", "a/b", "x" * 256])
    def test_that_cannot_be(self, client: Client, alias: str) -> None:
        answer = client.refused(f"{MODELS}/alias", name="whatever", alias=alias, version="1")
        assert answer[:2] == (400, "INVALID_PARAMETER_VALUE")
        assert alias[:200].lower() in answer[2].lower()
