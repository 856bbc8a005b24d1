"""Experiments, runs, and what is logged to them, by MLflow's protocol and read by its words and ours."""

from __future__ import annotations

import math
from typing import Any

import pytest

from faena.db import Read, Write
from faena.mlflow.logging import _keep_tags
from faena.runs import service
from faena.tracking import query
from faena.tracking.store.streams import streams
from tests.mlflow.clients import Client
from tests.server.house import Running


def test_a_run_from_its_beginning_to_its_end(client: Client, server: Running) -> None:
    experiment = client.post("experiments/create", name="cats / dogs", tags=[{"key": "team", "value": "a"}])
    run = client.new_run(**experiment, run_name="first", start_time=1_700_000_000_000, user_id="me")
    client.post("runs/log-parameter", run_id=run, key="lr", value="0.1")
    for step, loss in enumerate((0.5, 0.25)):
        client.post(
            "runs/log-metric",
            run_id=run,
            key="loss",
            value=loss,
            timestamp=1_700_000_000_000 + step,
            step=step,
        )
    client.post("runs/set-tag", run_id=run, key="mlflow.note.content", value="a note")
    ended = client.post("runs/update", run_id=run, status="FINISHED", end_time=1_700_000_001_000)

    shown = client.run(run)
    assert ended["run_info"] == shown["info"]
    assert shown["info"]["status"] == "FINISHED"
    assert (shown["info"]["start_time"], shown["info"]["end_time"]) == (1_700_000_000_000, 1_700_000_001_000)
    assert shown["info"]["lifecycle_stage"] == "active"
    assert shown["data"]["params"] == [{"key": "lr", "value": "0.1"}]
    assert shown["data"]["metrics"] == [
        {"key": "loss", "value": 0.25, "timestamp": 1_700_000_000_001, "step": 1}
    ]
    assert {"key": "mlflow.runName", "value": "first"} in shown["data"]["tags"]

    def ours(read: Read) -> tuple[Any, ...]:
        view = service.view(read, service.get(read, run))
        metrics = query.metrics(read, server.house.objects.files, run)
        return view.experiment, view.status, view.name, view.description, metrics

    read = server.do(server.house.database.read(ours))
    assert read == ("cats / dogs", "Completed", "first", "a note", {"loss": [0.5, 0.25]})


class TestMetrics:
    def history(self, client: Client, run: str, key: str, **asked: Any) -> list[tuple[int, int, Any]]:
        answer = client.get("metrics/get-history", run_id=run, metric_key=key, **asked)
        return [(each["timestamp"], each["step"], each["value"]) for each in answer["metrics"]]

    def test_a_point_again_changes_nothing(self, client: Client) -> None:
        run = client.new_run()
        points = [
            {"key": "loss", "value": value, "timestamp": at, "step": step}
            for value, at, step in ((1.0, 10, 0), ("NaN", 10, 0), (2.0, 10, 0), (1.0, 11, 0), (1.0, 10, 1))
        ]
        for _ in range(3):
            client.post("runs/log-batch", run_id=run, metrics=points)
            client.post("runs/log-metric", run_id=run, **points[0])
        found = self.history(client, run, "loss")
        assert sorted(map(str, found)) == sorted(
            map(str, [(10, 0, 1.0), (10, 0, "NaN"), (10, 0, 2.0), (11, 0, 1.0), (10, 1, 1.0)])
        )

    def test_points_that_come_late_are_kept_and_known_again(self, client: Client) -> None:
        """Also of a metric that begins behind others of its run, and where no request has come for long."""
        run = client.new_run()
        late = [("b", 5, 1), ("a", 7, 0), ("a", 10, 0), ("a", 10, 1), ("c", 10, 0), ("a", 3, 2)]
        for key, at, step in [("a", 10, 0), *late, *late]:
            client.post("runs/log-metric", run_id=run, key=key, value=1.0, timestamp=at, step=step)
        expected = {"a": [(3, 2), (7, 0), (10, 0), (10, 1)], "b": [(5, 1)], "c": [(10, 0)]}
        for key, points in expected.items():
            assert self.history(client, run, key) == [(at, step, 1.0) for at, step in points]

    def test_points_of_a_server_that_did_not_know_their_latest_time(
        self, client: Client, server: Running
    ) -> None:
        run = client.new_run()
        point = {"run_id": run, "key": "a", "value": 1.0, "timestamp": 10, "step": 0}
        client.post("runs/log-metric", **point)
        forgotten = streams.update().where(streams.c.run_id == run).values(latest=None)
        server.do(server.house.database.write(lambda write: write.execute(forgotten)))
        client.post("runs/log-metric", **point)
        assert self.history(client, run, "a") == [(10, 0, 1.0)]

    def test_the_last_value_is_that_of_the_greatest_step(self, client: Client) -> None:
        run = client.new_run()
        for value, at, step in ((1.0, 50, 2), (2.0, 60, 1), (3.0, 40, 2), (4.0, 50, 2)):
            client.post("runs/log-metric", run_id=run, key="loss", value=value, timestamp=at, step=step)
        assert client.run(run)["data"]["metrics"] == [
            {"key": "loss", "value": 4.0, "timestamp": 50, "step": 2}
        ]

    def test_what_json_has_no_number_for(self, client: Client) -> None:
        run = client.new_run()
        for value in ("NaN", "Infinity", "-Infinity"):
            client.post("runs/log-metric", run_id=run, key=value, value=value, timestamp=1)
        found = {each["key"]: each["value"] for each in client.run(run)["data"]["metrics"]}
        assert found == {"NaN": "NaN", "Infinity": "Infinity", "-Infinity": "-Infinity"}
        assert math.isnan(float(found["NaN"]))

    def test_a_history_comes_in_pages(self, client: Client) -> None:
        run = client.new_run()
        points = [{"key": "loss", "value": float(at), "timestamp": at, "step": at} for at in range(1000)]
        client.post("runs/log-batch", run_id=run, metrics=points)
        found: list[int] = []
        asked: dict[str, Any] = {"run_id": run, "metric_key": "loss", "max_results": 300}
        for _ in range(4):
            answer = client.get("metrics/get-history", **asked)
            found += [each["step"] for each in answer["metrics"]]
            asked["page_token"] = answer.get("next_page_token", "")
        assert (found, asked["page_token"]) == (list(range(1000)), "")


class TestParametersAndTags:
    def test_a_parameter_never_changes(self, client: Client) -> None:
        run = client.new_run()
        for _ in range(2):
            client.post("runs/log-parameter", run_id=run, key="lr", value="0.1")
        status, code, message = client.refused("runs/log-parameter", run_id=run, key="lr", value="0.2")
        assert (status, code) == (400, "INVALID_PARAMETER_VALUE")
        assert "Changing param values is not allowed" in message

    def test_a_tag_does_and_can_go(self, client: Client) -> None:
        run = client.new_run()
        for value in ("a", "b"):
            client.post("runs/set-tag", run_id=run, key="x", value=value)
        assert {"key": "x", "value": "b"} in client.run(run)["data"]["tags"]
        client.post("runs/delete-tag", run_id=run, key="x")
        assert client.refused("runs/delete-tag", run_id=run, key="x")[:2] == (404, "RESOURCE_DOES_NOT_EXIST")

    def test_a_batch_is_kept_whole_or_not_at_all(self, client: Client) -> None:
        run = client.new_run()
        client.post("runs/log-parameter", run_id=run, key="lr", value="1")
        metrics = [{"key": "loss", "value": 1.0, "timestamp": 1}]
        client.refused("runs/log-batch", run_id=run, metrics=metrics, params=[{"key": "lr", "value": "2"}])
        assert client.run(run)["data"]["metrics"] == []

    def test_a_transaction_that_is_tried_again_keeps_all_of_them(
        self, client: Client, server: Running
    ) -> None:
        run = client.new_run()
        tags = {"mlflow.runName": "named", "mlflow.note.content": "a note", "team": "a"}

        def twice(write: Write) -> None:
            with write.connection.begin_nested() as first:
                _keep_tags(write, run, tags)
                first.rollback()
            _keep_tags(write, run, tags)

        server.do(server.house.database.write(twice))
        shown = client.run(run)["data"]["tags"]
        assert {"key": "mlflow.runName", "value": "named"} in shown
        assert {"key": "mlflow.note.content", "value": "a note"} in shown


class TestExperiments:
    def test_are_found_by_number(self, client: Client) -> None:
        number = client.post("experiments/create", name="by number")["experiment_id"]
        for text in (f"experiment_id = '{number}'", f"experiment_id IN ('{number}', '99999')"):
            found = client.post("experiments/search", max_results=9, filter=text)["experiments"]
            assert [each["name"] for each in found] == ["by number"]

    def test_have_numbers_and_the_default_one_is_there(self, client: Client) -> None:
        assert client.get("experiments/get", experiment_id="0")["experiment"]["name"] == "Default"
        made = client.post("experiments/create", name="numbered")
        assert (
            client.get("experiments/get-by-name", experiment_name="numbered")["experiment"]["experiment_id"]
            == (made["experiment_id"])
        )

    def test_one_that_is_renamed_keeps_its_runs(self, client: Client) -> None:
        made = client.post("experiments/create", name="before")
        run = client.new_run(**made)
        client.post("experiments/update", **made, new_name="after")
        assert client.get("experiments/get", **made)["experiment"]["name"] == "after"
        assert client.run(run)["info"]["experiment_id"] == made["experiment_id"]
        assert client.refused("experiments/create", name="after")[:2] == (400, "RESOURCE_ALREADY_EXISTS")

    def test_one_that_is_deleted_hides_its_runs_until_it_is_restored(self, client: Client) -> None:
        made = client.post("experiments/create", name="gone")
        run = client.new_run(**made)
        client.post("experiments/delete", **made)
        assert client.run(run)["info"]["lifecycle_stage"] == "deleted"
        assert client.refused("runs/create", **made)[1] == "INVALID_PARAMETER_VALUE"
        assert client.refused("experiments/create", name="gone")[1] == "RESOURCE_ALREADY_EXISTS"
        client.post("experiments/restore", **made)
        assert client.run(run)["info"]["lifecycle_stage"] == "active"


@pytest.fixture(scope="module")
def experiment(client: Client) -> str:
    """With five runs to be searched."""
    made = client.post("experiments/create", name="searched")["experiment_id"]
    for number, loss in enumerate((0.3, 0.1, "NaN", None, 0.2)):
        run = client.new_run(experiment_id=made, run_name=f"r{number}", start_time=1000 + number)
        if loss is not None:
            client.post("runs/log-metric", run_id=run, key="val/loss", value=loss, timestamp=1)
        client.post("runs/log-parameter", run_id=run, key="kind", value="A" if number % 2 else "b")
    return str(made)


class TestSearch:
    def names(self, client: Client, experiment: str, **asked: Any) -> list[str]:
        found = client.post("runs/search", experiment_ids=[experiment], **asked)
        return [each["info"]["run_name"] for each in found.get("runs", [])]

    @pytest.mark.parametrize(
        ("text", "wanted"),
        [
            ("", "r4 r3 r2 r1 r0"),
            ("metrics.`val/loss` < 0.25", "r4 r1"),
            ("metrics.\"val/loss\" <= 0.3 and params.kind = 'b'", "r4 r0"),
            ("params.kind LIKE 'a'", ""),
            ("params.kind ILIKE 'a'", "r3 r1"),
            ("attributes.run_name IN ('r1')", None),
            ("run_name != 'r1' AND start_time >= 1003", "r4 r3"),
            ("tags.nothing IS NULL", "r4 r3 r2 r1 r0"),
            ("status = 'RUNNING'", "r4 r3 r2 r1 r0"),
        ],
    )
    def test_a_filter(self, client: Client, experiment: str, text: str, wanted: str | None) -> None:
        if wanted is None:
            assert client.refused("runs/search", experiment_ids=[experiment], filter=text)[0] == 400
        else:
            assert self.names(client, experiment, filter=text) == wanted.split()

    def test_an_order_has_what_is_missing_last_both_ways(self, client: Client, experiment: str) -> None:
        for order, wanted in (("ASC", "r1 r4 r0 r2 r3"), ("DESC", "r0 r4 r1 r2 r3")):
            assert self.names(client, experiment, order_by=[f"metrics.`val/loss` {order}"]) == wanted.split()

    def test_pages(self, client: Client, experiment: str) -> None:
        first = client.post("runs/search", experiment_ids=[experiment], max_results=3)
        rest = client.post(
            "runs/search", experiment_ids=[experiment], max_results=3, page_token=first["next_page_token"]
        )
        assert [len(page["runs"]) for page in (first, rest)] == [3, 2]
        assert "next_page_token" not in rest


class TestArtifacts:
    def test_are_the_runs_files(self, client: Client) -> None:
        run = client.run(client.new_run())
        run_id = run["info"]["run_id"]
        assert client.put_artifact(run, "plots/a%20b.txt", b"first").status == 200
        assert client.put_artifact(run, "plots/a%20b.txt", b"hello").status == 200
        top = client.get("artifacts/list", run_id=run_id)
        assert top["files"] == [{"path": "plots", "is_dir": True}]
        below = client.get("artifacts/list", run_id=run_id, path="plots")
        assert below["files"] == [{"path": "plots/a b.txt", "is_dir": False, "file_size": 5}]
        got = client.artifact(run, "plots/a%20b.txt")
        assert (got.status, got.body) == (200, b"hello")
        assert got.headers["content-disposition"] == 'attachment; filename="a b.txt"'

    @pytest.mark.parametrize("path", ["../x", "a/../../x", "%2e%2e/x", "a%2f..%2f..%2fx", "%252e%252e/x"])
    def test_nothing_is_outside(self, client: Client, path: str) -> None:
        run = client.run(client.new_run())
        for answer in (client.put_artifact(run, path, b"x"), client.artifact(run, path)):
            assert (answer.status, answer.json["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), path


class TestHistoriesOfSeveralRuns:
    def logged(self, client: Client, steps: int) -> str:
        run = client.new_run()
        points = [{"key": "loss", "value": 10.0, "timestamp": 1, "step": step} for step in range(steps)]
        client.post("runs/log-batch", run_id=run, metrics=points)
        return run

    def test_the_same_steps_of_all_and_the_ends_of_each(self, client: Client) -> None:
        short, long = self.logged(client, 10), self.logged(client, 20)
        asked = {"metric_key": "loss", "max_results": 5}
        answer = client.get("metrics/get-history-bulk-interval", run_ids=[short, long], **asked)
        found = [(point["run_id"], point["step"]) for point in answer["metrics"]]
        assert found == [(short, step) for step in (0, 4, 8, 9)] + [
            (long, step) for step in (0, 4, 8, 9, 12, 16, 19)
        ]

    def test_one_run_after_the_other(self, client: Client) -> None:
        runs = sorted([self.logged(client, 2), self.logged(client, 2)])
        answer = client.get("metrics/get-history-bulk", run_id=runs, metric_key="loss", max_results=3)
        assert [(point["run_id"], point["step"]) for point in answer["metrics"]] == [
            (runs[0], 0),
            (runs[0], 1),
            (runs[1], 0),
        ]


def test_what_mlflows_page_sends_and_asks_for(client: Client) -> None:
    run = client.new_run()
    sent = client.visitor.ask(
        "POST", f"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path=a.txt", b"hello"
    )
    assert sent.status == 200, sent.text
    assert client.visitor.get(f"/get-artifact?run_id={run}&path=a.txt").text == "hello"
    outside = client.visitor.get(f"/get-artifact?run_id={run}&path=../a.txt")
    assert (outside.status, outside.json["message"]) == (400, "Invalid path")


def test_its_parameters_are_shown_and_where_it_runs(client: Client, server: Running) -> None:
    run = client.new_run()
    client.post("runs/log-parameter", run_id=run, key="lr", value="0.1")
    view = server.do(server.house.database.read(lambda read: service.view(read, service.get(read, run))))
    assert view.parameters == {"lr": "0.1"}
    assert view.place.startswith("elsewhere")
    page = client.visitor.get(f"/ui/runs/{run}", Accept="text/html").text
    assert "lr: 0.1" in page and "elsewhere" in page


def test_a_question_that_was_tried_on_mlflows_page_is_a_run(client: Client) -> None:
    path, asked = "runs/create-promptlab-run", dict[str, Any]()
    for name, value in (
        ("experiment_id", "0"),
        ("prompt_template", "Say {{what}}"),
        ("prompt_parameters", [{"key": "what", "value": "hello"}]),
        ("model_route", "a model"),
        ("model_input", "Say hello"),
        ("mlflow_version", "3.0"),
    ):
        assert client.refused(path, **asked)[2] == f"CreatePromptlabRun request must specify {name}."
        asked[name] = value
    run = client.post(path, **asked, model_output="hello", model_parameters=[{"key": "t", "value": "1"}])[
        "run"
    ]
    assert run["info"]["status"] == "FINISHED"
    params = {param["key"]: param["value"] for param in run["data"]["params"]}
    assert params == {"model_route": "a model", "prompt_template": "Say {{what}}", "t": "1"}
    table = client.artifact(run, "eval_results_table.json").json
    assert table == {"columns": ["what", "prompt", "output"], "data": [["hello", "Say hello", "hello"]]}


def test_a_note_goes_as_it_came(client: Client) -> None:
    run = client.new_run(tags=[{"key": "mlflow.note.content", "value": "a note"}])
    client.post("runs/delete-tag", run_id=run, key="mlflow.note.content")
    assert "mlflow.note.content" not in {tag["key"] for tag in client.run(run)["data"]["tags"]}
    refused = client.refused("runs/delete-tag", run_id=run, key="mlflow.note.content")
    assert refused[:2] == (404, "RESOURCE_DOES_NOT_EXIST")


@pytest.mark.parametrize("path", ["mpu/create/0/x", "presigned/0/x"])
def test_files_do_not_come_in_parts(client: Client, path: str) -> None:
    """Clients send and fetch them whole, once they are told so."""
    answer = client.visitor.ask("POST", f"/api/2.0/mlflow-artifacts/{path}")
    assert (answer.status, answer.json["error_code"]) == (501, "NOT_IMPLEMENTED")
    assert answer.json["message"].endswith("is not supported for the current artifact repository")
