"""What one request may hold, and one more; names by which something else could be meant; several clients at once."""

from __future__ import annotations

import gzip
import json
import math
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest

from faena.mlflow.artifacts import addresses
from tests.mlflow.clients import JSON, Client
from tests.server.house import Answer

SEARCHES = ("runs/search", "logged-models/search", "experiments/search", "registered-models/search")


@pytest.fixture(scope="module")
def run(client: Client) -> Any:
    experiment = client.post("experiments/create", name="of limits")
    return client.run(client.new_run(**experiment))


def is_told(answer: Answer) -> None:
    """It is refused for good: a client that is told 500 tries again for minutes."""
    assert (answer.status, answer.json["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), answer.text


def many(number: int) -> list[str]:
    return [str(each) for each in range(number)]


def keyed(number: int) -> list[dict[str, str]]:
    return [{"key": f"k{each}", "value": "v"} for each in range(number)]


@pytest.mark.parametrize(
    ("path", "field", "values", "most"),
    [
        ("runs/search", "experiment_ids", many, 50_000),
        ("logged-models/search", "experiment_ids", many, 50_000),
        ("runs/search", "order_by", lambda number: [f"metrics.m{each}" for each in range(number)], 20),
        ("runs/search", "order_by", lambda number: ["start_time"] * number, 20),
        ("experiments/search", "order_by", lambda number: ["name"] * number, 20),
        ("logged-models/search", "order_by", lambda number: [{"field_name": "metrics.a"}] * number, 20),
        ("logged-models/search", "datasets", lambda number: [{"dataset_name": "a"}] * number, 100),
        ("experiments/create", "tags", keyed, 1000),
        ("runs/create", "tags", keyed, 1000),
        ("logged-models", "tags", keyed, 1000),
        ("registered-models/create", "tags", keyed, 1000),
        ("registered-models/create", "description", lambda number: "d" * number, 100_000),
        ("traces", "tags", keyed, 1000),
        ("traces/delete-traces", "request_ids", many, 10_000),
        ("runs/log-batch", "metrics", lambda number: [
            {"key": f"k{each}", "value": 1, "timestamp": 1} for each in range(number)], 1000),
        ("runs/log-batch", "params", keyed, 100),
        ("runs/log-batch", "tags", keyed, 100),
        ("runs/log-parameter", "key", lambda number: "k" * number, 250),
        ("runs/log-metric", "key", lambda number: "k" * number, 250),
        ("runs/set-tag", "key", lambda number: "k" * number, 250),
        ("runs/search", "filter", lambda number: "metrics.a>1" + " " * (number - 11), 10_000),
        ("runs/search", "filter", lambda number: " and ".join(["metrics.a > 1"] * number), 100),
        ("runs/search", "max_results", int, 50_000),
        ("experiments/search", "max_results", int, 50_000),
        ("logged-models/search", "max_results", int, 1000),
    ],
)  # fmt: skip
def test_so_much_and_no_more(client: Client, run: Any, path: str, field: str, values: Any, most: int) -> None:
    info = run["info"]
    given = {
        "run_id": info["run_id"],
        "experiment_id": info["experiment_id"],
        "experiment_ids": [info["experiment_id"]],
        "timestamp_ms": 1,
        "timestamp": 1,
        "value": "1",
        "max_results": 5,
        "name": f"{path.replace('/', ' ')} {field}",
    }
    is_told(client.send("POST", path, **{**given, field: values(most + 1)}))
    answer = client.send("POST", path, **{**given, field: values(most)})
    assert answer.status == 200, answer.text


@pytest.mark.long
@pytest.mark.parametrize(("most", "of_one_trace"), [(10_000, True), (2_000, False)])
def test_so_many_spans_and_no_more(client: Client, run: Any, most: int, of_one_trace: bool) -> None:
    headers = {**JSON, "x_mlflow_experiment_id": run["info"]["experiment_id"]}
    times = {"startTimeUnixNano": "1000000", "endTimeUnixNano": "2000000"}
    for number, status in ((most + 1, 400), (most, 200)):
        spans = [
            {
                "traceId": f"{1 if of_one_trace else each + 1:032x}",
                "spanId": f"{each + 1:016x}",
                "name": "s",
                **times,
            }
            for each in range(number)
        ]
        body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()
        answer = client.visitor.ask("POST", "/v1/traces", body, **headers)
        assert answer.status == status, answer.text
        assert status == 200 or "smaller batches" in answer.json["message"]


def test_texts_that_are_cut_are_kept_as_far_as_the_limit(client: Client, run: Any) -> None:
    run_id = run["info"]["run_id"]
    client.post("runs/log-parameter", run_id=run_id, key="long", value="é" * 6001)
    client.post("runs/set-tag", run_id=run_id, key="long", value="é" * 8001)
    data = client.run(run_id)["data"]
    assert {"key": "long", "value": "é" * 6000} in data["params"]
    assert {"key": "long", "value": "é" * 8000} in data["tags"]


@pytest.mark.parametrize("asked", [-1, -(2**63), "x", 1.5])
def test_a_page_has_a_positive_number_of_entries(client: Client, run: Any, asked: Any) -> None:
    run_id = run["info"]["run_id"]
    for path in ("metrics/get-history", "metrics/get-history-bulk"):
        is_told(client.ask(path, run_id=run_id, metric_key="a", max_results=asked))
    for path in SEARCHES[:3]:
        is_told(client.send("POST", path, experiment_ids=["0"], max_results=asked))


@pytest.mark.parametrize(
    "token", ["x", "YWZ0ZXI6LTE=", "YWZ0ZXI6OTk5OTk5OTk5OTk5", "YWZ0ZXI6eA==", "é", "\x00", "=" * 5000]
)
def test_a_page_token_that_was_made_up_is_refused(client: Client, run: Any, token: str) -> None:
    for path in SEARCHES[:3]:
        is_told(client.send("POST", path, experiment_ids=["0"], max_results=5, page_token=token))
    is_told(client.ask("registered-models/search", page_token=token))
    is_told(client.ask("metrics/get-history", run_id=run["info"]["run_id"], metric_key="a", page_token=token))


def test_filters_take_linear_time(client: Client, run: Any) -> None:
    """All are as long as a filter may be, and made to be read again and again."""
    whole = 10_000
    filters = [
        "(" * whole, "'" * whole, "metrics." + "`" * (whole - 8), "a" + ".a" * (whole // 2 - 1), "and " * (whole // 4),
        "metrics.a > " + "1" * (whole - 12), "run_id IN (" + ",".join(["'a'"] * 2400) + ")", '"' * whole,
        "tags.a LIKE '" + "%_" * 120 + "x'", "a" + " " * (whole - 2) + "b", "`a" * (whole // 2), "1." * (whole // 2),
    ]  # fmt: skip
    began = time.process_time()
    for each in filters:
        assert client.send("POST", "runs/search", experiment_ids=["0"], filter=each).status in (200, 400)
    for each in ("x" * 100_000, "(" * 100_000):
        is_told(client.send("POST", "runs/search", experiment_ids=["0"], filter=each))
    assert time.process_time() - began < 5


SPELLED = {
    "NaN": math.nan, "nan": math.nan, "-nan": math.nan, "Infinity": math.inf, "+inf": math.inf, "inf": math.inf,
    "-Infinity": -math.inf, "-inf": -math.inf, "1e400": math.inf, "-1e400": -math.inf, "1e-400": 0.0, "-0": -0.0,
}  # fmt: skip


def test_numbers_that_are_none_are_taken_in_each_spelling(client: Client, run: Any) -> None:
    run_id = run["info"]["run_id"]
    for step, spelled in enumerate(SPELLED):
        point = {"key": "odd", "value": spelled, "timestamp": 1, "step": step}
        client.post("runs/log-metric", run_id=run_id, **point)
    history = client.get("metrics/get-history", run_id=run_id, metric_key="odd")["metrics"]
    told = {each["step"]: float(each["value"]) for each in history}
    assert [str(told[step]) for step in range(len(SPELLED))] == [str(value) for value in SPELLED.values()]
    for wrong in (b"NaN", b"Infinity", b"1e400", b"true", b'"0x10"', b'"1,5"', b"[1]", b'""', b"01"):
        body = b'{"run_id":"%s","key":"odd","timestamp":1,"value":%s}' % (run_id.encode(), wrong)
        answer = client.visitor.ask("POST", "/api/2.0/mlflow/runs/log-metric", body, **JSON)
        assert answer.status == 400 and answer.json["error_code"], wrong


@pytest.mark.parametrize(
    "path",
    [
        "../x", "a/../../x", "..%2fx", "%2e%2e/x", "%252e%252e/x", "%25252e%25252e/x", "..\\x", "..%5cx", "..",
        "a%5c..%5c..%5cx", "file:///etc/passwd", "file%3a%2f%2f%2fetc/passwd", "a%00b", "%00", "a%0ab", "%ff",
        "a%c0%afb", "C:\\x", "x" * 256, "a/" + "%C3%A9" * 128, "a/" * 1000 + "x",
    ],
)  # fmt: skip
def test_a_path_that_is_no_files_is_refused_everywhere(client: Client, run: Any, path: str) -> None:
    info = run["info"]
    files = f"/api/2.0/mlflow-artifacts/artifacts/{info['experiment_id']}/{info['run_id']}/artifacts"
    before = client.get("artifacts/list", run_id=info["run_id"])
    is_told(client.visitor.ask("PUT", f"{files}/{path}", b"x"))
    for verb in ("GET", "DELETE"):
        assert client.visitor.ask(verb, f"{files}/{path}").status in (200, 400, 404)
    assert client.visitor.get(f"/get-artifact?run_id={info['run_id']}&path={quote(path)}").status in (
        400,
        404,
    )
    assert client.get("artifacts/list", run_id=info["run_id"]) == before
    assert client.visitor.ask("PUT", f"/api/2.0/mlflow-artifacts/artifacts/loose/{path}", b"x").status == 400


def test_all_of_the_files_that_are_nobodys_are_not_removed_at_once(client: Client) -> None:
    for path in ("", "/", "."):
        is_told(client.visitor.ask("DELETE", f"/api/2.0/mlflow-artifacts/artifacts/{path}"))


@pytest.mark.parametrize(
    "name", ["%41", "a%20b", "100%", "~41", "a+b", "a?b#c", "a;b=c&d", "'\"`", "é日😀", "-", "x.."]
)
def test_a_version_is_found_at_its_address_whatever_its_name(client: Client, run: Any, name: str) -> None:
    info = run["info"]
    assert client.put_artifact(run, "net/MLmodel", b"flavors: {}").status == 200
    for each in (name, f"other {name}"):
        client.post("registered-models/create", name=each)
        client.post(
            "model-versions/create", name=each, source=f"{info['artifact_uri']}/net", run_id=info["run_id"]
        )
    found = client.get("model-versions/search", filter="name = '" + name.replace("'", "''") + "'")[
        "model_versions"
    ]
    assert [each["name"] for each in found] == [name]
    kept = addresses.of_version(name, 1).removeprefix("mlflow-artifacts:/")
    files = "/api/2.0/mlflow-artifacts/artifacts"
    assert client.visitor.get(f"{files}/{kept}/MLmodel").body == b"flavors: {}"
    listed = client.visitor.get(f"{files}?path={quote(kept)}").json["files"]
    assert "MLmodel" in [each["path"] for each in listed]


class TestSeveralAtOnce:
    """Each client asks over a connection of its own."""

    @staticmethod
    def said(client: Client, path: str, *given: dict[str, Any]) -> Counter[tuple[int, str]]:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda each: client.send("POST", path, **each), given))
        return Counter((each.status, each.json.get("error_code", "")) for each in answers)

    @pytest.mark.parametrize("path", ["experiments/create", "registered-models/create"])
    def test_one_gets_the_name(self, client: Client, path: str) -> None:
        said = self.said(client, path, *[{"name": "wanted by all"}] * 16)
        assert said == {(200, ""): 1, (400, "RESOURCE_ALREADY_EXISTS"): 15}

    def test_versions_have_numbers_of_their_own(self, client: Client) -> None:
        client.post("registered-models/create", name="of many")
        self.said(client, "model-versions/create", *[{"name": "of many", "source": "s3://b/x"}] * 16)
        found = client.get("model-versions/search", filter="name = 'of many'")["model_versions"]
        assert sorted(int(each["version"]) for each in found) == list(range(1, 17))
        numbers = [{"name": "of many", "alias": "best", "version": str(each)} for each in range(1, 17)]
        assert self.said(client, "registered-models/alias", *numbers) == {(200, ""): 16}
        assert len(client.get("registered-models/get", name="of many")["registered_model"]["aliases"]) == 1

    def test_a_parameter_has_one_value(self, client: Client, run: Any) -> None:
        given = [
            {"run_id": run["info"]["run_id"], "key": "one", "value": str(each % 2)} for each in range(16)
        ]
        said = self.said(client, "runs/log-parameter", *given)
        assert said == {(200, ""): 8, (400, "INVALID_PARAMETER_VALUE"): 8}


def test_bodies_that_are_huge_deep_or_compressed_are_refused(client: Client) -> None:
    path = "/api/2.0/mlflow/runs/search"
    bomb = gzip.compress(b"[" * 50_000_000)
    for body, headers in (
        (b"[" * 1_000_000, {}),
        (b'{"a":' * 100_000, {}),
        (b'{"tags":[' + b"{}," * 300_000 + b"{}]}", {}),
        (b" " * (17 << 20), {}),
        (bomb, {"Content-Encoding": "gzip"}),
        (json.dumps({"filter": "x" * 1_000_000}).encode(), {}),
    ):
        began = time.process_time()
        answer = client.visitor.ask("POST", path, body, **JSON, **headers)
        assert answer.status in (200, 400), answer.text
        assert time.process_time() - began < 3
