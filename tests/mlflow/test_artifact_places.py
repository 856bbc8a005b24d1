"""Where files lie, other than among a run's own, and what is told of those that are fetched."""

from __future__ import annotations

import json
from typing import Any

import pytest

from faena.mlflow.artifacts import downloads, locations
from faena.mlflow.artifacts.locations import TAG
from tests.mlflow.clients import Client
from tests.server.house import Running

FILES = "/api/2.0/mlflow-artifacts/artifacts"


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        ("a.txt", "text/plain", "attachment; filename=a.txt"),
        ("MLmodel", "text/plain", "attachment; filename=MLmodel"),
        ("a.json", "text/plain", "attachment; filename=a.json"),
        ("b.pkl", "application/octet-stream", "attachment; filename=b.pkl"),
        ("dog+step%20.png", "image/png", "attachment; filename=dog+step%20.png"),
        (
            'a "b".pdf',
            "application/pdf",
            "attachment; filename=\"a _b_.pdf\"; filename*=UTF-8''a%20%22b%22.pdf",
        ),
        ("ä", "application/octet-stream", "attachment; filename=\"_\"; filename*=UTF-8''%C3%A4"),
    ],
)
def test_a_download_has_a_kind_and_a_name(name: str, kind: str, told: str) -> None:
    assert (downloads.media_type(name), downloads.disposition(name)) == (kind, told)


class TestFilesOfNobody:
    def test_are_kept_in_the_workspaces_datastore(self, client: Client, server: Running) -> None:
        assert client.visitor.ask("PUT", f"{FILES}/shared/dir/b.txt", b"1").status == 200
        assert client.visitor.ask("PUT", f"{FILES}/shared/dir/b.txt", b"12").status == 200
        got = client.visitor.get(f"{FILES}/shared/dir/b.txt")
        assert (got.body, got.headers["content-type"]) == (b"12", "text/plain")
        assert client.visitor.get_all(f"{FILES}/shared/dir/b.txt", "x-content-type-options") == ["nosniff"]
        assert client.visitor.get(f"{FILES}?path=shared").json == {"files": [{"path": "dir", "is_dir": True}]}
        below = client.visitor.get(f"{FILES}?path=shared/dir").json["files"]
        assert below == [{"path": "b.txt", "is_dir": False, "file_size": 2}]
        where = server.house.folder.path / "datastores/workspaceblobstore/mlflow-artifacts/shared/dir/b.txt"
        assert where.read_bytes() == b"12"
        assert client.visitor.ask("DELETE", f"{FILES}/shared").status == 200
        assert client.visitor.get(f"{FILES}?path=shared").json == {}
        assert client.visitor.get(f"{FILES}/shared/dir/b.txt").status == 404
        assert client.visitor.ask("DELETE", f"{FILES}/shared").status == 200

    def test_none_without_a_name_or_below_a_file(self, client: Client) -> None:
        assert client.visitor.ask("PUT", f"{FILES}/flat", b"1").status == 200
        for path in ("", "flat/below"):
            refused = client.visitor.ask("PUT", f"{FILES}/{path}", b"1")
            assert (refused.status, refused.json["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


class TestTheLocationOfAnExperiment:
    def made(self, client: Client, name: str, location: str) -> Any:
        number = client.post("experiments/create", name=name, artifact_location=location)["experiment_id"]
        experiment = client.get("experiments/get", experiment_id=number)["experiment"]
        assert not experiment["tags"]
        return experiment

    @pytest.mark.parametrize("location", ["s3://bucket/a", "file:///data/a", "/data/a", "dbfs:/a?endpoint=b"])
    def test_is_where_clients_write(self, client: Client, location: str) -> None:
        experiment = self.made(client, f"at {location}", location)
        assert experiment["artifact_location"] == location
        run = client.run(client.new_run(experiment_id=experiment["experiment_id"]))
        expected = locations.below(location, f"{run['info']['run_id']}/artifacts")
        assert run["info"]["artifact_uri"] == expected
        listed = client.get("artifacts/list", run_id=run["info"]["run_id"])
        assert (listed["root_uri"], listed["files"]) == (expected, [])
        model = client.post("logged-models", experiment_id=experiment["experiment_id"])["model"]["info"]
        assert model["artifact_uri"] == locations.below(location, f"models/{model['model_id']}/artifacts")

    def test_counts_from_where_the_workspace_lies(self, client: Client, server: Running) -> None:
        folder = server.house.folder.path.parent
        assert self.made(client, "relative", "a/b")["artifact_location"] == f"{folder}/a/b"

    def test_may_be_another_address_here(self, client: Client) -> None:
        number = self.made(client, "of a team", "mlflow-artifacts:/team/x")["experiment_id"]
        run = client.run(client.new_run(experiment_id=number))
        assert run["info"]["artifact_uri"].startswith("mlflow-artifacts:/team/x/")
        assert client.put_artifact(run, "a.txt", b"1").status == 200
        assert client.get("artifacts/list", run_id=run["info"]["run_id"])["files"][0]["path"] == "a.txt"

    @pytest.mark.parametrize(
        "location", ["a#b", "s3://b/a?x=..", "/a/../b", "file:///a/%2e%2e/b", "x" * 2001]
    )
    def test_is_an_address(self, client: Client, location: str) -> None:
        refused = client.refused("experiments/create", name="never", artifact_location=location)
        assert refused[:2] == (400, "INVALID_PARAMETER_VALUE")

    def test_stays_what_it_was(self, client: Client) -> None:
        number = self.made(client, "kept", "s3://bucket/kept")["experiment_id"]
        for path in ("set-experiment-tag", "delete-experiment-tag"):
            refused = client.refused(f"experiments/{path}", experiment_id=number, key=TAG, value="s3://other")
            assert refused[0] in (400, 404)

    def test_a_model_of_it_may_lie_in_a_folder_of_this_machine(self, client: Client) -> None:
        number = self.made(client, "with models", "/data/models")["experiment_id"]
        run = client.run(client.new_run(experiment_id=number))["info"]
        client.post("registered-models/create", name="of a folder")
        given = {"name": "of a folder", "run_id": run["run_id"]}
        made = client.post("model-versions/create", **given, source=f"{run['artifact_uri']}/model")
        assert made["model_version"]["source"] == f"{run['artifact_uri']}/model"
        for elsewhere in ("/data/models", f"{run['artifact_uri']}/../x", "/etc", f"{run['artifact_uri']}x"):
            refused = client.refused("model-versions/create", **given, source=elsewhere)
            assert "To use a local path as a model version source" in refused[2]


def test_a_run_tells_which_models_older_clients_logged(client: Client) -> None:
    run = client.new_run()
    told = {"artifact_path": "model", "flavors": {}, "utc_time_created": "now", "run_id": run}
    for path in ("a", "b"):
        client.post("runs/log-model", run_id=run, model_json=json.dumps({**told, "artifact_path": path}))
    tags = {tag["key"]: tag["value"] for tag in client.run(run)["data"]["tags"]}
    models = json.loads(tags["mlflow.log-model.history"])
    assert [model["artifact_path"] for model in models] == ["a", "b"]
    for text, said in (
        ("{", "Malformed model info"),
        ("[]", "Malformed"),
        ("{}", "missing mandatory fields"),
    ):
        assert said in client.refused("runs/log-model", run_id=run, model_json=text)[2]
    assert "Missing value" in client.refused("runs/log-model", run_id=run)[2]
