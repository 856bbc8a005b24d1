"""What is asked of two processes at once, and what one of them is told and the other asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, count
from pathlib import Path
from typing import Any, TypeVar

import pytest

from faena import Model, Run, Workspace
from faena.people.schemas import TokenIn
from tests.people.shared import Caller
from tests.several.processes import Job, Server, until

pytestmark = [pytest.mark.postgresql, pytest.mark.long]
EACH = 6
SOON_S = 10.0
"""Half a second on a machine that has nothing else to do."""
T = TypeVar("T")
names = (f"name-{number}" for number in count())


class Both:
    def __init__(self, server: Server) -> None:
        self.server = server
        self.leader, self.other = (server.by(process) for process in server.processes)
        self.callers = [server.caller(process) for process in server.processes]

    def at_once(self, work: Callable[[int], T]) -> list[T]:
        """What two do at the same time, each by one of the processes, by its place."""
        begin = threading.Barrier(2)

        def each(place: int) -> T:
            begin.wait(60)
            return work(place)

        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(each, range(2)))

    def workspaces(self) -> list[Workspace]:
        return [self.leader, self.other]


@pytest.fixture(scope="module")
def both(pair: Server) -> Iterator[Both]:
    yield Both(pair)


def mlflow(caller: Caller, verb: str, path: str, body: Any = None) -> Any:
    answer = caller.ask(verb, f"/api/2.0/mlflow/{path}", body)
    assert answer.status == 200, answer.text
    return answer.json


def new_run(caller: Caller) -> str:
    return str(mlflow(caller, "POST", "runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"])


class TestAtOnce:
    def test_versions_of_a_model_are_numbered_once_each(self, both: Both, tmp_path: Path) -> None:
        name = next(names)
        (tmp_path / "weights").write_text("w")

        def register(place: int) -> list[int]:
            workspace = both.workspaces()[place]
            return [
                Model.register(
                    workspace, str(tmp_path / "weights"), name, tags={"n": f"{place}-{number}"}
                ).version
                for number in range(EACH)
            ]

        assert sorted(chain.from_iterable(both.at_once(register))) == list(range(1, 2 * EACH + 1))

    def test_an_experiment_of_one_name_is_one(self, both: Both) -> None:
        name = next(names)

        def create(place: int) -> int:
            return (
                both.callers[place].ask("POST", "/api/2.0/mlflow/experiments/create", {"name": name}).status
            )

        assert sorted(both.at_once(create)) == [200, 400]

    def test_an_alias_is_one_versions(self, both: Both) -> None:
        name = next(names)
        mlflow(both.callers[0], "POST", "registered-models/create", {"name": name})
        source = {"name": name, "source": f"runs:/{new_run(both.callers[0])}/m"}
        for caller in both.callers:
            mlflow(caller, "POST", "model-versions/create", source)

        def point(place: int) -> None:
            for _ in range(EACH):
                asked = {"name": name, "alias": "best", "version": str(place + 1)}
                mlflow(both.callers[place], "POST", "registered-models/alias", asked)

        both.at_once(point)
        path = f"registered-models/alias?name={name}&alias=best"
        found = [mlflow(caller, "GET", path)["model_version"]["version"] for caller in both.callers]
        assert found[0] == found[1]

    def test_points_of_one_run_are_all_there(self, both: Both) -> None:
        run_id = new_run(both.callers[0])

        def log(place: int) -> None:
            for batch in range(EACH):
                steps = range(batch * 100, batch * 100 + 100)
                points = [
                    {"key": f"m{place}", "value": step, "timestamp": 1000 + step, "step": step}
                    for step in steps
                ]
                mlflow(both.callers[place], "POST", "runs/log-batch", {"run_id": run_id, "metrics": points})

        both.at_once(log)
        for place in range(2):
            path = f"metrics/get-history?run_id={run_id}&metric_key=m{place}"
            found = mlflow(both.callers[1 - place], "GET", path)["metrics"]
            assert [point["step"] for point in found] == list(range(EACH * 100))


class TestAtTheOther:
    def test_a_small_file_that_one_has_just_taken_is_there(self, both: Both) -> None:
        run_id = new_run(both.callers[1])
        path = f"/api/2.0/mlflow-artifacts/artifacts/0/{run_id}/artifacts/note.txt"
        for text in ("first", "second"):
            assert both.callers[1].ask("PUT", path, text).status == 200
            assert both.callers[0].ask("GET", path).json == text

    def test_a_token_that_one_was_told_to_revoke_is_good_for_nothing(self, both: Both) -> None:
        both.leader.api.people.put("bob", "reader")
        made = both.leader.api.people.new_token("bob", TokenIn())
        bob = Caller(both.callers[1].url, made.token)
        try:
            assert bob.ask("GET", "/me").status == 200
            assert both.callers[0].ask("DELETE", f"/people/bob/tokens/{made.id}").status == 204
            until(lambda: bob.ask("GET", "/me").status == 401, "it is refused", SOON_S)
        finally:
            bob.close()

    def test_what_is_sent_on_is_in_the_audit_log_once_with_who_asked(self, both: Both) -> None:
        assert both.callers[1].ask("POST", "/collections", {"dry_run": True}).status < 300
        entries = [
            each for each in both.callers[0].ask("GET", "/audit-log").json if each["path"] == "/collections"
        ]
        assert [(each["person"], each["address"]) for each in entries] == [("ada", "127.0.0.1")]


def test_logs_come_and_cancels_go_by_the_process_that_does_not_lead(
    both: Both, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    job = Job(both.other, tmp_path)
    heard: list[tuple[float, float]] = []
    took = []

    def listen() -> None:
        for event in both.other.api.follow(job.run.id, {}):
            lines = getattr(event, "text", "").splitlines()
            heard.extend(
                (float(line.split()[2]), time.time()) for line in lines if line.startswith("said at")
            )

    follower = threading.Thread(target=listen, daemon=True)
    follower.start()
    for number in range(1, 6):
        job.say()
        until(lambda: len(heard) >= number, "the line comes", SOON_S)  # noqa: B023  it is asked at once
    took = [round(at - said, 3) for said, at in heard]
    record_property("seconds", took)
    print("lines took", took)
    assert sorted(took)[2] < 2.0
    Run.get(both.other, job.run.id).cancel()
    assert Run.get(both.leader, job.run.id).wait_for_completion(raise_on_error=False)["status"] == "Canceled"
    follower.join(60)
