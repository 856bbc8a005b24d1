"""What somebody keeps to themselves is not there for others: by no route, in no list, count or chart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, urlencode

import msgspec
import pytest
from msgspec.structs import replace

from faena.db import Read, Write, hiding, metadata
from faena.kernel.rights import Right
from faena.mlflow.routes import ROUTES
from faena.people import sharing
from faena.people.model import Role
from faena.runs import record_store, service
from faena.runs import store as runs
from faena.runs.submission_schemas import RERUN_OF, Checkpoint, DataInput
from faena.sweeps import store as sweeps
from faena.testing.sweep_history import fill_sweep
from tests.mlflow.clients import Client
from tests.mlflow.named import Named
from tests.people.shared import OWNER, Caller, Shared
from tests.server.house import Answer, Visitor
from tests.server.test_rights import routes

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
HUSH = "hush"
"""Nobody sends it, and all that is secret has it in its name."""
NAME = "quiet one"
SILENT = {"/experiments/as-of"}
"""What is answered to whatever name is asked for."""
BODIES: dict[str, Any] = {
    "/runs/{run_id:str}/fail": {"message": "x"},
    "/runs/{run_id:str}/comments": {"text": "x"},
    "/runs/{run_id:str}/comments/{comment_id:str}": {"text": "x"},
    "/runs/{run_id:str}/tags": {"a": "b"},
    "/runs/{run_id:str}/properties": {"a": "b"},
    "/runs/{run_id:str}/exported": [],
    "/runs/{run_id:str}": {"description": "x"},
}


@dataclass
class Kept:
    """A private experiment with all that can be in one."""

    shared: Shared
    named: dict[str, Any]
    other: Caller

    @property
    def run(self) -> str:
        return str(self.named["run_id"])

    def rows(self) -> dict[str, list[Any]]:
        """All that belongs to it, as it is kept."""
        ids = {str(self.named[field]) for field in ("run_id", "trace_id", "model_id")}
        number = int(self.named["experiment_id"])

        def read(read: Read) -> dict[str, list[Any]]:
            found = {}
            for table in metadata.sorted_tables:
                columns = [column for column in table.columns if column.name in hiding.OF_COLUMN]
                if table.name in ("runs", "experiments"):
                    columns = [table.c.id]
                for column in columns:
                    mine = number if column.name == "experiment_id" or table.name == "experiments" else ids
                    where = column == mine if isinstance(mine, int) else column.in_(mine)
                    found[f"{table.name}.{column.name}"] = [
                        tuple(row) for row in read.execute(table.select().where(where))
                    ]
            return found

        return self.shared.server.house.database.submit_read(read).result()


@pytest.fixture(scope="module")
def kept(shared: Shared) -> Kept:
    client = Client(cast("Visitor", shared.owner))
    named = Named(client).there
    client.post("experiments/update", experiment_id=named["experiment_id"], new_name=NAME)
    client.post("runs/set-tag", run_id=named["run_id"], key=f"{HUSH}-tag", value=HUSH)
    client.post("runs/log-parameter", run_id=named["run_id"], key=f"{HUSH}-parameter", value=HUSH)
    client.post("runs/log-metric", run_id=named["run_id"], key=f"{HUSH}-metric", value=1, timestamp=1)
    client.post("runs/update", run_id=named["run_id"], run_name=f"{HUSH}-run")
    assert client.put_artifact(client.run(named["run_id"]), f"{HUSH}/file.txt", HUSH.encode()).status == 200
    assert shared.owner.ask("POST", f"/runs/{named['run_id']}/comments", {"text": HUSH}).status < 300
    other = shared.person("dora", Role.CONTRIBUTOR)
    assert HUSH in other.ask("GET", f"/runs/{named['run_id']}/details").text, "it was there for all"
    share(shared.owner, private=True)
    return Kept(shared, {**named, "experiment_name": NAME}, other)


def _text(answer: Answer) -> str:
    return answer.body.decode("utf-8", "replace")


def share(caller: Caller, **change: Any) -> Answer:
    return caller.ask("PATCH", f"/experiments/sharing?{urlencode({'name': NAME})}", change)


def asked_of(kept: Kept, path: str) -> str:
    values = {"run_id": kept.run, "sweep_id": kept.run, "trace_id": str(kept.named["trace_id"])}

    def value(found: re.Match[str]) -> str:
        return quote(
            values.get(found[1], "1" if found[2] == "int" else "cancel" if found[1] == "action" else "x")
        )

    return re.sub(r"\{(\w+):(\w+)\}", value, path)


OF_WORKSPACE = "model_versions.run_id"
"""A registered model may be renamed, whatever run it is of."""


def of_kept(kept: Kept) -> Named:
    made = Named.__new__(Named)
    made.there = kept.named
    return made


def filled(kept: Kept, path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: str(kept.named.get(found[1], "x")), path)


@pytest.mark.long
def test_no_route_knows_of_it(kept: Kept) -> None:
    before, wrong = kept.rows(), {}
    assert sum(map(len, before.values())) > 15
    for verb, path, right in routes():
        if (
            right is None
            or right > Right.CONTRIBUTE
            or path in ("/ui/changes", "/ui/open", "/ui/endpoint-changes")
        ):
            continue
        asked = asked_of(kept, path)
        names_it = asked != path and any(word in path for word in ("{run_id", "{sweep_id", "{trace_id"))
        if path.startswith("/experiments/") or (path == "/experiments" and verb != "GET"):
            asked, names_it = f"{asked}?{urlencode({'name': NAME})}", True
        answer = kept.other.ask(verb, asked, BODIES.get(path, None if verb in ("GET", "DELETE") else {}))
        tells = HUSH in _text(answer)
        if not names_it:
            tells = tells or any(word in _text(answer) for word in (NAME, kept.run))
        elif answer.status < 400 and path not in SILENT:
            tells = True
        if tells or answer.status >= 500:
            wrong[verb, path] = answer.status, answer.body[:200]
    assert wrong == {}
    assert kept.rows() == before


def test_no_request_of_mlflows_knows_of_it(kept: Kept) -> None:
    before, wrong = kept.rows(), {}
    for route in ROUTES:
        fields, path = of_kept(kept).request(route.request), filled(kept, route.path)
        if route.method == "GET":
            given = {name: value for name, value in fields.items() if value is not None}
            answer = kept.other.get(f"/api{path}?{urlencode(given, doseq=True)}")
        else:
            answer = kept.other.ask(route.method, f"/api{path}", fields)
        if HUSH in _text(answer) or answer.status >= 500:
            wrong[route.method, route.path] = answer.status, answer.body[:300]
    assert wrong == {}
    changed = [name for name, rows in kept.rows().items() if rows != before[name] and name != OF_WORKSPACE]
    assert changed == []


def test_mlflows_files_are_nowhere_for_others(kept: Kept) -> None:
    place = str(kept.named["artifact_uri"]).removeprefix("mlflow-artifacts:/").lstrip("/")
    api, run = "/api/2.0/mlflow-artifacts/artifacts", kept.run
    before = kept.rows()
    answers = [
        kept.other.get(f"{api}/{place}/{HUSH}/file.txt"),
        kept.other.get(f"{api}?{urlencode({'path': place})}"),
        kept.other.get(f"/get-artifact?run_id={run}&path={HUSH}/file.txt"),
        kept.other.ask("PUT", f"{api}/{place}/new.txt", b"x"),
        kept.other.ask("POST", f"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path=new.txt", b"x"),
        kept.other.get(f"/ui/runs/{run}/files/{HUSH}/file.txt"),
        kept.other.get(f"/runs/{run}/files/{HUSH}/file.txt"),
    ]
    assert [each.status for each in answers] == [404] * len(answers), [each.text for each in answers]
    assert kept.rows() == before


def test_no_span_comes_into_it_from_others(kept: Kept) -> None:
    span = {"traceId": "0" * 31 + "1", "spanId": "0" * 15 + "1", "name": "x", "startTimeUnixNano": "1"}
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    number = str(kept.named["experiment_id"])
    before = kept.rows()
    answer = kept.other.ask("POST", "/v1/traces", body, **{"x-mlflow-experiment-id": number})
    assert answer.status == 404, answer.text
    assert kept.rows() == before


@pytest.mark.parametrize(
    "path",
    [
        "/runs?limit=1000",
        "/runs?filter=tags.hush-tag%20%3D%20%27hush%27",
        "/ui/runs?filter=metrics.hush-metric%20%3E%200",
        "/ui/runs?group=experiment&children=true",
        "/ui/run-fields?text=",
        "/experiments",
        "/usage",
        "/traces",
        "/deletions",
        "/model-names",
        "/ui/models",
        "/ui/clusters",
    ],
)
def test_it_is_in_no_list(kept: Kept, path: str) -> None:
    answer = kept.other.ask("GET", path)
    assert answer.status == 200, answer.text
    words = (NAME, kept.run) if "filter" in path else (HUSH, NAME, kept.run)  # a filter is shown again
    assert [word for word in words if word in answer.text] == []


def test_it_is_counted_nowhere(kept: Kept) -> None:
    def count(caller: Caller) -> int:
        return len(caller.ask("GET", "/runs?limit=1000").json["runs"])

    assert count(kept.shared.owner) > count(kept.other)


def test_its_pages_are_nowhere_for_others(kept: Kept) -> None:
    browser = kept.shared.browser(kept.other.token)
    page = browser.get(f"/ui/runs/{kept.run}")
    assert page.status == 404
    assert HUSH not in page.text
    shown = browser.get(f"/ui/compare?run={kept.run}&run={kept.run}")
    assert HUSH not in shown.text


def test_a_run_of_others_that_came_of_one_of_it_does_not_say_so(kept: Kept) -> None:
    """A run's id begins with its experiment's name."""
    visible = str(Client(cast("Visitor", kept.shared.owner)).new_run(experiment_id="0"))
    database, of = kept.shared.server.house.database, kept.run

    def come_of_it(write: Write) -> None:
        run = runs.get(write, visible)
        assert run is not None
        given = DataInput(name="net", token="x", variable="X", mode="download", run=of, digest="0" * 64)
        went_on = Checkpoint("outputs/checkpoints", of, "0" * 64)
        asked = replace(service.asked_for(run), inputs=(given,), checkpoint=went_on)
        runs.update(write, visible, {"parent": of, "submission": msgspec.json.encode(asked)})
        record_store.set_tags(write, visible, {RERUN_OF: of})
        record_store.add_properties(write, visible, {RERUN_OF: of})

    database.submit_write(come_of_it).result()
    fill_sweep(database, "HD_after", 2, experiment="Default")

    def go_on_from_it(write: Write) -> None:
        sweep = sweeps.get(write, "HD_after")
        assert sweep is not None
        sweeps.update(write, "HD_after", spec=replace(sweep.spec, resume_from=(of,), resume_child_runs=(of,)))

    database.submit_write(go_on_from_it).result()
    told = [f"/runs/{visible}", f"/runs/{visible}/submission", "/runs?include_children=true&limit=1000"]
    told += ["/sweeps/HD_after", f"/ui/runs/{visible}", "/ui/runs/HD_after"]
    told += [f"/ui/compare?run={visible}&run=HD_after", f"/api/2.0/mlflow/runs/get?run_id={visible}"]
    silent = {"/ui/runs/HD_after", f"/ui/compare?run={visible}&run=HD_after"}
    for path in told:
        assert path in silent or of in kept.shared.owner.ask("GET", path).text, path
        answer = kept.other.ask("GET", path)
        assert (answer.status, of in answer.text) == (200, False), path
    database.submit_write(lambda write: runs.update(write, visible, {"parent": None})).result()


def test_no_saved_view_names_it(kept: Kept) -> None:
    named = urlencode({"experiment": NAME}), urlencode({"filter": f'experiment = "{NAME}"'}), "filter=a"
    views = [
        kept.shared.owner.ask("POST", "/views", {"name": f"view {number}", "query": query}).json["id"]
        for number, query in enumerate(named)
    ]
    assert [each["id"] for each in kept.other.ask("GET", "/views").json if each["id"] in views] == views[2:]
    assert {each["id"] for each in kept.shared.owner.ask("GET", "/views").json} >= set(views)
    for number in views:
        kept.shared.owner.ask("DELETE", f"/views/{number}")


def test_whom_it_is_there_for(kept: Kept) -> None:
    """As notices ask, before they tell somebody of an end."""

    def seen(read: Read) -> list[bool]:
        return [sharing.sees(read, person, NAME) for person in (OWNER, "dora", "nobody")]

    assert kept.shared.server.house.database.submit_read(seen).result() == [True, False, False]


def own_experiment(kept: Kept, name: str) -> str:
    return str(Client(cast("Visitor", kept.other)).post("experiments/create", name=name)["experiment_id"])


def trace_told(kept: Kept, trace_id: str, number: str, run_id: str) -> Answer:
    """By somebody else, as a trace of an experiment of their own, made in this run."""
    info = {
        "trace_id": trace_id,
        "trace_location": {"mlflow_experiment": {"experiment_id": number}},
        "trace_metadata": {"mlflow.sourceRun": run_id},
    }
    return kept.other.ask("POST", "/api/3.0/mlflow/traces", {"trace": {"trace_info": info}})


def test_no_trace_of_others_is_in_its_runs(kept: Kept) -> None:
    number, before = own_experiment(kept, "with traces"), kept.rows()
    metadata = [{"key": "mlflow.sourceRun", "value": kept.run}]
    begun = {"experiment_id": number, "timestamp_ms": 1, "request_metadata": metadata}
    assert kept.other.ask("POST", "/api/2.0/mlflow/traces", begun).status == 200
    assert trace_told(kept, "tr-of-others", number, kept.run).status == 200
    assert kept.rows() == before


def test_nobody_takes_a_trace_of_others_into_their_own(kept: Kept) -> None:
    owner = Client(cast("Visitor", kept.shared.owner))
    trace_id = str(owner.post("traces", experiment_id="0", timestamp_ms=1)["trace_info"]["request_id"])
    assert trace_told(kept, trace_id, own_experiment(kept, "greedy"), "").status == 200
    assert owner.get(f"traces/{trace_id}/info")["trace_info"]["experiment_id"] == "0"


def test_nobody_takes_an_evaluation_set_of_others_into_their_own(kept: Kept) -> None:
    owner = Client(cast("Visitor", kept.shared.owner))
    made = owner.post("datasets/create", api="3.0", name="for all", experiment_ids=["0"])["dataset"]
    path, number = f"datasets/{made['dataset_id']}", own_experiment(kept, "quiet and greedy")
    where = f"/experiments/sharing?{urlencode({'name': 'quiet and greedy'})}"
    assert kept.other.ask("PATCH", where, {"private": True}).status == 200
    body = {"experiment_ids": [number]}
    answer = kept.other.ask("POST", f"/api/3.0/mlflow/{path}/add-experiments", body)
    assert (answer.status, answer.json["error_code"]) == (403, "PERMISSION_DENIED"), answer.text
    assert owner.get(f"{path}/experiment-ids", api="3.0")["experiment_ids"] == ["0"]
    owner.send("DELETE", path, api="3.0")


def test_an_id_of_its_traces_is_taken(kept: Kept) -> None:
    number, before = own_experiment(kept, "with ids"), kept.rows()
    answer = trace_told(kept, str(kept.named["trace_id"]), number, "")
    assert (answer.status, answer.json["error_code"]) == (400, "RESOURCE_ALREADY_EXISTS"), answer.text
    assert kept.rows() == before


def test_no_tag_of_its_evaluation_sets_goes(kept: Kept) -> None:
    owner = Client(cast("Visitor", kept.shared.owner))
    numbers, tags = [str(kept.named["experiment_id"])], '{"a": "b"}'
    made = owner.post("datasets/create", api="3.0", name="questions", experiment_ids=numbers, tags=tags)
    path = f"datasets/{made['dataset']['dataset_id']}"
    assert kept.other.ask("DELETE", f"/api/3.0/mlflow/{path}/tags/a").status == 404
    assert owner.get(path, api="3.0")["dataset"]["tags"] == tags
    owner.send("DELETE", path, api="3.0")


class TestSharing:
    def test_with_readers_who_put_no_trace_into_its_runs(self, kept: Kept) -> None:
        number = own_experiment(kept, "of a reader")
        share(kept.shared.owner, add={"dora": "reader"})
        try:
            before = kept.rows()
            assert trace_told(kept, "tr-of-a-reader", number, kept.run).status == 403
            assert kept.rows() == before
        finally:
            share(kept.shared.owner, remove=["dora"])

    def test_with_readers_who_change_nothing(self, kept: Kept) -> None:
        owner, other = kept.shared.owner, kept.other
        assert share(owner, add={"dora": "reader"}).status == 200
        try:
            assert HUSH in other.ask("GET", f"/runs/{kept.run}/details").text
            before = kept.rows()
            refused = [
                other.ask("PUT", f"/runs/{kept.run}/tags", {"a": "b"}),
                other.ask("POST", f"/runs/{kept.run}/comments", {"text": "x"}),
                other.ask(
                    "POST", "/api/2.0/mlflow/runs/log-metric", {**kept.named, "key": "loss", "value": 3}
                ),
                other.ask(
                    "POST", "/api/2.0/mlflow/runs/create", {"experiment_id": kept.named["experiment_id"]}
                ),
                other.ask("PATCH", f"/experiments?{urlencode({'name': NAME})}", {"archived": True}),
                share(other, private=False),
            ]
            assert [each.status for each in refused] == [403] * len(refused)
            assert kept.rows() == before
        finally:
            share(owner, remove=["dora"])

    @pytest.mark.long
    def test_no_route_lets_a_reader_change_it(self, kept: Kept) -> None:
        share(kept.shared.owner, add={"dora": "reader"})
        place = str(kept.named["artifact_uri"]).removeprefix("mlflow-artifacts:/").lstrip("/")
        asked: list[tuple[str, str, Any]] = [
            (verb, asked_of(kept, path), BODIES.get(path, None if verb == "DELETE" else {}))
            for verb, path, right in routes()
            if right is Right.CONTRIBUTE and verb != "GET" and ("{run_id" in path or "{sweep_id" in path)
        ]
        asked += [
            (route.method, f"/api{filled(kept, route.path)}", of_kept(kept).request(route.request))
            for route in ROUTES
            if route.method != "GET"
        ]
        asked.append(("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{place}/new.txt", b"x"))
        changed = []
        try:
            for verb, path, body in asked:
                before = kept.rows()
                answer = kept.other.ask(verb, path, body)
                after = kept.rows()
                if any(after[name] != before[name] for name in after if name != OF_WORKSPACE):
                    changed.append((verb, path, answer.status))
        finally:
            share(kept.shared.owner, remove=["dora"])
        assert changed == []

    def test_with_contributors(self, kept: Kept) -> None:
        share(kept.shared.owner, add={"dora": "contributor"})
        try:
            assert kept.other.ask("PUT", f"/runs/{kept.run}/tags", {"a": "b"}).status < 300
        finally:
            share(kept.shared.owner, remove=["dora"])
        assert kept.other.ask("GET", f"/runs/{kept.run}").status == 404, "at once"

    def test_whoever_makes_one_has_it(self, kept: Kept) -> None:
        made = kept.shared.person("mina", Role.CONTRIBUTOR)
        assert made.ask("PUT", "/experiments?name=minas").status == 204
        change = {"private": True}
        assert kept.other.ask("PATCH", "/experiments/sharing?name=minas", change).status == 403
        told = made.ask("PATCH", "/experiments/sharing?name=minas", change).json
        assert (told["owner"], told["private"], told["may_change"]) == ("mina", True, True)
        assert made.ask("GET", "/experiments/named?name=minas").status == 200
        assert kept.other.ask("GET", "/experiments/named?name=minas").status == 404
        assert kept.other.ask("PUT", "/experiments?name=minas").status == 409, "a name is had once"
        kept.shared.owner.api.people.remove("mina")
        again = kept.shared.person("mina", Role.CONTRIBUTOR)
        assert again.ask("GET", "/experiments/named?name=minas").status == 404, "somebody else of that name"
        assert kept.shared.owner.ask("GET", "/experiments/named?name=minas").status == 200

    def test_the_default_one_is_nobodys(self, kept: Kept) -> None:
        """Although somebody's first request of MLflow's makes it."""
        assert kept.other.ask("GET", "/experiments/sharing?name=Default").json["owner"] == ""
        asked = kept.other.ask("PATCH", "/experiments/sharing?name=Default", {"private": True})
        assert asked.status == 403

    @pytest.mark.parametrize(
        "wrong", [{"add": {"nobody-here": "reader"}}, {"add": {"dora": "king"}}, {"owner": "nobody"}]
    )
    def test_with_nobody(self, kept: Kept, wrong: dict[str, Any]) -> None:
        before = kept.shared.owner.ask("GET", f"/experiments/sharing?{urlencode({'name': NAME})}").json
        assert share(kept.shared.owner, **wrong).status in (400, 404)
        assert (
            kept.shared.owner.ask("GET", f"/experiments/sharing?{urlencode({'name': NAME})}").json == before
        )


def test_each_column_that_may_name_a_run_or_an_experiment_is_known() -> None:
    known = {*hiding.OF_COLUMN, "experiment"}
    named = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if column.name not in known and (_names_one(column) or re.search("run_|_run|experiment", column.name))
    }
    assert named - {"runs.parent", "model_versions.told_run"} == set()


def _names_one(column: Any) -> bool:
    of = {key.column.table.name for key in column.foreign_keys}
    return bool(of & {"runs", "experiments", "traces", "logged_models"})
