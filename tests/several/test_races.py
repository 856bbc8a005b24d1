"""What is asked of two processes at once, and what one of them is told and the other asked."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, count
from pathlib import Path
from typing import Any, TypeVar

import pytest

from faena import Cluster, Environment, Estimator, Experiment, Model, Run, Workspace
from faena.kernel.errors import Conflict, FaenaError
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

    def test_runs_are_numbered_once_each(self, both: Both) -> None:
        name = next(names)
        made = mlflow(both.callers[0], "POST", "experiments/create", {"name": name})["experiment_id"]

        def create(place: int) -> None:
            for _ in range(EACH):
                mlflow(both.callers[place], "POST", "runs/create", {"experiment_id": made})

        both.at_once(create)
        numbers = [row.number for row in both.leader.api.listed(experiment=name)]
        assert sorted(numbers) == list(range(1, 2 * EACH + 1))

    def test_one_snapshot_is_whole_for_both(self, both: Both, tmp_path: Path) -> None:
        """Also while what nobody needs is collected."""
        cluster = Cluster.get_or_create(both.leader, "cpu", max_nodes=2)
        folder = tmp_path / "source"
        folder.mkdir()
        for number in range(30):
            (folder / f"part{number}.py").write_text(f"value = {next(names)!r} * 1000")
        (folder / "train.py").write_text("import part29")

        def submit(place: int) -> Run:
            both.callers[place].ask("POST", "/collections", {})
            return Experiment(both.workspaces()[place], "snapshots").submit(
                Estimator(folder, entry_script="train.py", compute_target=cluster, interpreter=sys.executable)
            )

        runs = both.at_once(submit)
        assert [run.wait_for_completion()["status"] for run in runs] == ["Completed"] * 2
        assert len({run.refresh().snapshot for run in runs}) == 1

    def test_one_environment_is_built_once(self, both: Both) -> None:
        made = Environment(next(names))
        made.environment_variables = {"OF": made.name}
        builds = both.at_once(lambda place: made.build(both.workspaces()[place]))
        views = [build.wait_for_completion(show_output=False) for build in builds]
        assert len({view.digest for view in views}) == 1

    def test_a_version_is_deleted_or_gets_an_alias(self, both: Both, tmp_path: Path) -> None:
        (tmp_path / "weights").write_text("w")
        for _ in range(EACH):
            name = next(names)
            made = Model.register(both.leader, str(tmp_path / "weights"), name)

            def change(place: int, made: Model = made, name: str = name) -> bool:
                if place:
                    asked = {"name": name, "alias": "best", "version": str(made.version)}
                    path = "/api/2.0/mlflow/registered-models/alias"
                    return both.callers[1].ask("POST", path, asked).status == 200
                try:
                    made.delete()
                except Conflict:  # it has an alias
                    return False
                return True

            deleted, named = both.at_once(change)
            assert deleted != named
            path = f"/api/2.0/mlflow/registered-models/alias?name={name}&alias=best"
            found = 200 if named else 404
            assert [caller.ask("GET", path).status for caller in both.callers] == [found, found]

    def test_a_run_that_is_deleted_while_a_version_is_made_of_it_keeps_what_that_needs(
        self, both: Both, tmp_path: Path
    ) -> None:
        for _ in range(EACH):
            run_id = new_run(both.callers[0])
            file = f"/api/2.0/mlflow-artifacts/artifacts/0/{run_id}/artifacts/weights"
            assert both.callers[0].ask("PUT", file, run_id).status == 200
            name = next(names)

            def change(place: int, run_id: str = run_id, name: str = name) -> int | None:
                if place == 0:
                    both.callers[0].ask("POST", "/deletions", {"runs": [run_id]})
                    both.callers[0].ask("POST", "/collections", {"now": True})
                    return None
                try:
                    return int(Run.get(both.other, run_id).register_model(name, "weights").version)
                except FaenaError:
                    return None

            version = both.at_once(change)[1]
            there = Model.list(both.leader, name=name)
            assert [model.version for model in there] == ([] if version is None else [version])
            for model in there:
                target = Path(model.download(tmp_path / name))
                assert target.read_text().strip('"') == run_id


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
        def asked() -> list[tuple[str, str]]:
            log = both.callers[0].ask("GET", "/audit-log").json
            return [(each["person"], each["address"]) for each in log if each["path"] == "/collections"]

        before = asked()
        assert both.callers[1].ask("POST", "/collections", {"dry_run": True}).status < 300
        assert asked() == [("ada", "127.0.0.1"), *before]


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
