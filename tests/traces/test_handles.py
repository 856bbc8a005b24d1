"""Traces and evaluation sets in our own words: handles, commands and pages, on a server that was told of some."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import islice

import pytest
from msgspec.structs import replace

from faena.client.traces.evaluation_set import EvaluationSet
from faena.client.traces.trace import Trace
from faena.client.workspace import Workspace
from faena.db import Write
from faena.kernel.errors import NotFound, UserErrorException
from faena.traces import model, recording, service, span_files, store
from faena.traces.evaluation_sets import service as sets
from faena.traces.evaluation_sets.model import Told
from faena.traces.model import Span, SpanStatus, TraceFile
from faena.traces.recording import Facts
from faena.workspaces import store as workspaces
from tests.cli.terminal import within
from tests.server.house import Running, running
from tests.traces.test_tree import OLD, span

NAMED = {"mlflow.traceName": "answer"}
TOLD = {
    "status": {"code": 2, "message": "no model"},
    "attributes": [
        {"key": "mlflow.spanInputs", "value": {"string_value": '{"q": "why"}'}},
        {"key": "model", "value": {"string_value": "tiny"}},
    ],
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("traces")) as found:
        digest, size = found.house.objects.files.put([json.dumps({"spans": [OLD]}).encode()])

        def work(write: Write) -> None:
            for number, name in enumerate(("chat", "other"), 1):
                workspaces.create_experiment(write, name, 1, number)
            for number in (1, 2, 3):
                _tell(write, f"tr-{number}", number, "run_1" if number == 1 else None)
            _tell(write, "tr-file", 4, None, spans=())
            service.put_file(write, "tr-file", TraceFile(span_files.NAME, digest, size), 1)
            _tell(
                write, "tr-long", 5, None, tuple(span(each, 1, each) for each in range(1, 251)), experiment=2
            )
            _tell(write, "tr-gone", 0, None, experiment=2)
            store.link(write, ["tr-2"], "run_1")
            _make_sets(write)

        found.house.database.submit_write(work).result()
        yield found


ODD = "odd\x1b]8;;http://example.org\x07\x9b31m"
"""What terminals obey."""


def _make_sets(write: Write) -> None:
    for number, (name, of) in enumerate((("capitals", 1), ("twice", 1), ("twice", 77), ("gone", 77))):
        made = sets.create(write, name, {"team": "a"}, [of], number, "ann")
        told = [Told({"q": each}, expectations={"answer": each * 2}) for each in range(1, 1003)]
        sets.add_records(write, made.id, told if name == "capitals" else [], number, "ann")
    sets.create(write, ODD, {}, (), 5, None)


def _tell(
    write: Write,
    trace_id: str,
    at: int,
    run: str | None,
    spans: tuple[Span, ...] | None = None,
    experiment: int = 1,
) -> None:
    told = json.dumps(TOLD)
    failed = Span(
        "2" * 16, trace_id, "1" * 16, "llm", at * 10**9, at * 10**9 + 1000, SpanStatus.FAILED, told, "LLM"
    )
    root = Span("1" * 16, trace_id, None, "whole", at * 10**9, at * 10**9 + 5000, SpanStatus.OK, "{}")
    chosen = (root, failed) if spans is None else spans
    facts = {trace_id: Facts(new_tags=NAMED, request=f'"question {at}"')}
    if not chosen:
        store.add(write, model.Trace(trace_id, experiment, at * 10**6, run))
        return
    recording.add_spans(write, [replace(each, trace_id=trace_id) for each in chosen], facts, experiment, run)


@pytest.fixture(scope="module")
def ws(server: Running) -> Workspace:
    visitor = server.client()
    token = visitor.headers["Authorization"].removeprefix("Bearer ")
    return Workspace.connect(f"http://127.0.0.1:{visitor.port}", token)


def ids(found: Iterator[Trace]) -> list[str]:
    return [each.id for each in found]


def test_they_are_found_by_experiment_run_status_and_text(ws: Workspace) -> None:
    chat = ws.experiments["chat"]
    assert ids(chat.get_traces()) == ["tr-file", "tr-3", "tr-2", "tr-1"]
    assert ids(Trace.list(ws, run="run_1")) == ["tr-2", "tr-1"], "one was put to it later"
    assert ids(chat.get_traces(text="QUESTION 2")) == ["tr-2"]
    assert ids(chat.get_traces(status="in progress")) == ["tr-file"]
    assert ids(islice(Trace.list(ws, text="answer"), 2)) == ["tr-3", "tr-2"]
    assert ids(Trace.list(ws, limit=1)) == ["tr-file"]
    with pytest.raises(UserErrorException, match="'in progress', 'ok', 'failed'"):
        ids(Trace.list(ws, status="sad"))
    with pytest.raises(NotFound, match="There is 'chat'"):
        ids(Trace.list(ws, experiment="chta"))


def test_a_trace_has_its_steps_as_a_tree(ws: Workspace) -> None:
    trace = ws.get_trace("tr-1")
    assert (trace.name, trace.status, trace.run_id, trace.experiment_name) == (
        "answer",
        "ok",
        "run_1",
        "chat",
    )
    assert trace.seconds == 5e-6
    whole, step = trace.spans
    assert whole.children == [step]
    assert (step.name, step.kind, step.status, step.depth) == ("llm", "LLM", "failed", 1)
    assert (step.inputs, step.outputs, step.message) == ({"q": "why"}, None, "no model")
    assert step.attributes == {"model": "tiny"}
    [from_file] = ws.get_trace("tr-file").spans
    assert (from_file.name, from_file.inputs) == ("ask", {"q": 1})
    with pytest.raises(NotFound):
        ws.get_trace("tr-none")


def test_what_is_said_of_a_trace_and_its_tags_are_kept_until_they_are_taken_back(ws: Workspace) -> None:
    trace = ws.get_trace("tr-2")
    said = trace.add_feedback("good", 0.5, "half of it", span_id="2" * 16)
    trace.add_expectation("answer", {"city": "Paris"})
    assert [(each.name, each.value, each.kind) for each in trace.assessments] == [
        ("good", 0.5, "feedback"),
        ("answer", {"city": "Paris"}, "expectation"),
    ]
    trace.remove_assessment(said.id)
    assert [each.name for each in ws.get_trace("tr-2").assessments] == ["answer"]
    trace.set_tags({"team": "a"})
    assert trace.tags == {**NAMED, "team": "a"}
    trace.remove_tags("team")
    assert "team" not in ws.get_trace("tr-2").tags
    for name in ("", "x" * 251):
        with pytest.raises(UserErrorException, match="characters"):
            trace.add_feedback(name, 1)
    with pytest.raises(UserErrorException, match="key of a tag"):
        trace.set_tags({"": "a"})


def test_a_trace_is_deleted_for_good(ws: Workspace) -> None:
    trace = ws.get_trace("tr-gone")
    trace.delete()
    trace.delete()
    with pytest.raises(NotFound):
        trace.refresh()


@pytest.fixture
def faena(server: Running) -> Callable[..., tuple[int, str]]:
    visitor = server.client()
    token = visitor.headers["Authorization"].removeprefix("Bearer ")
    given = {"FAENA_WORKSPACE": f"http://127.0.0.1:{visitor.port}", "FAENA_TOKEN": token}

    def said(*arguments: str) -> tuple[int, str]:
        done = within(server.house.folder.path.parent, *arguments, given=given)
        return done.returncode, done.stdout.decode()

    return said


def test_commands_list_them_and_draw_one(faena: Callable[..., tuple[int, str]]) -> None:
    code, listed = faena("traces", "--text", "question 1")
    assert code == 0
    assert "tr-1" in listed
    assert "tr-2" not in listed
    code, drawn = faena("trace", "tr-1")
    assert code == 0
    assert "1  whole" in drawn
    assert "2    llm  LLM" in drawn
    code, step = faena("trace", "tr-1", "--step", "2")
    assert json.loads(step)["message"] == "no model"
    assert faena("trace", "tr-1", "--step", "9")[0] == 2
    code, long = faena("trace", "tr-long", "--limit", "3")
    assert "and 247 more steps" in long


def test_pages_show_the_list_and_the_waterfall(server: Running) -> None:
    browser = server.browser()
    text = browser.get("/ui/traces?experiment=chat").text
    assert "/ui/traces/tr-1" in text
    assert "tr-long" not in text
    one = browser.get("/ui/traces/tr-1").text
    assert one.count("<rect") == 2
    assert "no model" not in one
    assert "no model" in browser.get(f"/ui/traces/tr-1?step={'2' * 16}").text
    assert browser.get(f"/ui/traces/tr-1?step={'9' * 16}").status == 200
    long = browser.get("/ui/traces/tr-long").text
    assert long.count("<rect") == 200
    assert "1 to 200 of 250" in long
    assert browser.get("/ui/traces/tr-long?from=200").text.count("<rect") == 50
    for wrong, status in (
        ("/ui/traces/none", 404),
        ("/ui/traces?status=x", 400),
        ("/ui/traces?experiment=x", 404),
    ):
        assert browser.get(wrong).status == status


def test_a_page_takes_what_somebody_says_of_a_trace(server: Running, ws: Workspace) -> None:
    browser = server.browser()
    ours = f"http://127.0.0.1:{browser.port}"
    kind = {"Content_Type": "application/x-www-form-urlencoded", "Origin": ours}
    said = browser.ask("POST", "/ui/traces/tr-3/do/feedback", b"name=right&value=no&why=it+is+Rome", **kind)
    assert (said.status, said.headers["location"]) == (303, "/ui/traces/tr-3?done=feedback")
    assert "it is Rome" in browser.get("/ui/traces/tr-3?done=feedback").text
    [kept] = ws.get_trace("tr-3").assessments
    assert (kept.name, kept.value, kept.rationale) == ("right", False, "it is Rome")
    assert browser.ask("POST", "/ui/traces/tr-3/do/feedback", b"name=&value=1", **kind).status == 400
    assert browser.ask("POST", "/ui/traces/tr-3/do/nothing", b"name=a&value=1", **kind).status in (403, 404)


def test_a_set_is_found_by_its_name_or_its_id_with_all_its_records(ws: Workspace) -> None:
    found = EvaluationSet(ws, "capitals")
    assert (len(found), found.tags, found.experiment_names) == (1002, {"team": "a"}, ["chat"])
    records = list(found.records)
    assert sorted(each.inputs["q"] for each in records) == list(range(1, 1003)), "of two pages"
    assert all(each.expectations == {"answer": 2 * each.inputs["q"]} for each in records)
    assert EvaluationSet(ws, found.id).view == found.view
    with pytest.raises(NotFound, match="There is 'capitals'"):
        EvaluationSet(ws, "captals")
    with pytest.raises(UserErrorException, match="2 evaluation sets are called 'twice'"):
        EvaluationSet(ws, "twice")


def test_they_are_listed_by_experiment_and_deleted_for_good(ws: Workspace) -> None:
    assert [each.name for each in EvaluationSet.list(ws, "chat")] == ["twice", "capitals"]
    with pytest.raises(NotFound):
        EvaluationSet.list(ws, "none")
    gone = EvaluationSet(ws, "gone")
    gone.delete()
    with pytest.raises(NotFound):
        gone.refresh()


def test_commands_list_sets_and_show_one(faena: Callable[..., tuple[int, str]]) -> None:
    assert "capitals" in faena("evaluation-sets", "--experiment", "chat")[1]
    assert faena("evaluation-set", "capitals", "--limit", "2")[1].count("answer: ") == 2


@pytest.mark.parametrize("command", [("evaluation-sets",), ("evaluation-set", ODD)])
def test_what_a_terminal_would_obey_is_not_printed(
    faena: Callable[..., tuple[int, str]], command: tuple[str, ...]
) -> None:
    code, text = faena(*command)
    assert code == 0
    assert "odd" in text
    assert text.replace("\n", "").isprintable()
