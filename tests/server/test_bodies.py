"""Bodies of requests: bounded, and read as what their route takes, since the server does nothing else meanwhile."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import msgspec
import pytest

from faena import Experiment, Workspace
from faena.client.runs.run import Run
from faena.kernel.discovery import Rendezvous
from faena.kernel.errors import UserErrorException
from faena.kernel.tag_rules import MOST_MARKS
from tests.journeys.scripts import Project


def ask(workspace: Workspace, verb: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
    with Rendezvous(workspace.files.path).connect(60) as connection:
        client = HTTPConnection("localhost")
        client.sock = connection
        client.request(verb, path, body)
        answer = client.getresponse()
        return answer.status, json.loads(answer.read())


def cpu_seconds(workspace: Workspace) -> float:
    """Spent by the server."""
    holder = Path(f"/proc/{server_pid(workspace)}/stat").read_text().rpartition(")")[2].split()
    return (int(holder[11]) + int(holder[12])) / 100


def server_pid(workspace: Workspace) -> int:
    return int(msgspec.json.decode((workspace.files.path / "server.lock").read_bytes())["pid"])


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("verb", "path", "made"),
    [
        ("PUT", "/runs/a_1", lambda: b"[" + b"1," * 2_000_000 + b"1]"),
        ("PUT", "/runs/a_1", lambda: b"{" + b",".join(b'"k%d":{}' % each for each in range(500_000)) + b"}"),
        ("PUT", "/runs/a_1/tags", lambda: b'{"a":[' + b"{}," * 2_000_000 + b"{}]}"),
        ("PUT", "/secrets", lambda: b'{"a":' + b"[[]," * 500 + b"[]" + b"]" * 500 + b"}"),
    ],
)
def test_what_is_no_body_of_its_route_is_refused_at_once(
    lasting_workspace: Workspace, verb: str, path: str, made: Callable[[], bytes]
) -> None:
    lasting_workspace.api.version()
    body = made()
    began = time.process_time()
    msgspec.json.decode(body)
    read_whole = time.process_time() - began
    before = cpu_seconds(lasting_workspace)
    status, answer = ask(lasting_workspace, verb, path, body)
    spent = cpu_seconds(lasting_workspace) - before
    assert (status, answer["code"]) == (400, "UserErrorException")
    assert answer["message"].startswith(f"{verb} {path} is refused: ")
    assert spent < max(0.15, read_whole), "it is not made into values first"


def test_a_mistake_is_named_with_its_place(lasting_workspace: Workspace) -> None:
    files = [{"name": "a", "path": "/a"}, {"name": 5, "path": "/b"}]
    body = msgspec.json.encode({"files": files})
    status, answer = ask(lasting_workspace, "POST", "/runs/a_1/files", body)
    assert status == 400
    assert "files[1].name: Expected str, got int" in answer["message"]
    status, answer = ask(lasting_workspace, "PUT", "/runs/a_1/tags", b'{"team": "a", "rate": [1]}')
    assert (status, answer["message"]) == (
        400,
        "PUT /runs/a_1/tags is refused: 'rate': Expected str, got array.",
    )
    with pytest.raises(UserErrorException, match=r"The secret 'weights' has 9,000,000 characters"):
        lasting_workspace.api.secrets.put({"token": "x", "weights": "w" * 9_000_000})


@pytest.mark.long
def test_a_long_body_is_refused_with_the_bound_of_its_route(lasting_workspace: Workspace) -> None:
    lasting_workspace.api.version()  # a server is there
    long = b'{"a":"' + b"x" * (9 << 20) + b'"}'
    status, answer = ask(lasting_workspace, "PUT", "/runs/a_1/tags", long)
    assert (status, answer["code"]) == (413, "UserErrorException")
    assert "more than 8,388,608 bytes" in answer["message"]
    digests = [f"{each:064x}" for each in range(150_000)]
    status, _ = ask(lasting_workspace, "POST", "/objects/missing", msgspec.json.encode({"digests": digests}))
    assert status == 200, "a list of many files may be long"


@pytest.mark.long
def test_a_run_has_so_many_tags_and_properties_and_no_more(lasting_workspace: Workspace) -> None:
    many = {f"t{each}": "v" for each in range(MOST_MARKS)}
    with Experiment(lasting_workspace, "tags").start_logging(
        snapshot_directory=None, outputs=None
    ) as started:
        run = Run(Experiment(lasting_workspace, "tags"), started.id)
        run.set_tags(many)
        with pytest.raises(UserErrorException, match="10,001 keys of a tag; a run has at most 10,000"):
            run.tag("one", "more")
        run.tag("t0", "changed")
        assert len(run.get_tags()) == MOST_MARKS
        assert run.get_tags()["t0"] == "changed"
        run.add_properties(many)
        with pytest.raises(UserErrorException, match="10,001 keys of a property"):
            run.add_properties({"one": "more"})


@pytest.mark.long
def test_tags_of_a_script_beyond_that_are_left_out_and_the_run_says_so(project: Project) -> None:
    run = project.run(
        """
        from faena import Run
        run = Run.get_context()
        for each in range(10_005):
            run.tag(f"t{each}", "v")
        run.tag("t0", "changed")
        """
    )
    assert run.get_status() == "Completed"
    tags = run.get_tags()
    assert (len(tags), tags["t0"]) == (MOST_MARKS, "changed")
    notes = {note.code: note.message for note in project.workspace.api.run(run.id).notes}
    assert "more than 10,000 tags" in notes["tags_left_out"]


def test_what_is_no_text_is_refused_here_and_not_shown(lasting_workspace: Workspace) -> None:
    vault = lasting_workspace.get_default_keyvault()
    with pytest.raises(UserErrorException, match=r"holds '\\ud800', which is not Unicode text") as refused:
        vault.set_secret("KEY", "pass\ud800word")
    assert "word" not in str(refused.value)
    with pytest.raises(UserErrorException, match="not Unicode text"):
        vault.get_secret("a\ud800")
    with (
        Experiment(lasting_workspace, "tags").start_logging(snapshot_directory=None, outputs=None) as run,
        pytest.raises(UserErrorException, match="not Unicode text"),
    ):
        run.description = "a\ud800"
