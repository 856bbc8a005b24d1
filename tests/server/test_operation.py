"""What whoever runs a server watches: probes without a token, and metrics for readers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from faena.people.model import Role
from faena.server.operation.requests import NOWHERE, Requests
from faena.testing.clock import ManualClock
from tests.people.shared import Shared
from tests.server.house import running


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    clock = ManualClock()
    with running(tmp_path_factory.mktemp("operation"), clock, settings=Shared.settings()) as server:
        found = Shared(server, clock)
        yield found
        found.close()


def samples(shared: Shared) -> dict[str, float]:
    """By name and labels, as Prometheus's own client reads them."""
    answer = shared.owner.ask("GET", "/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        f"{each.name}{labels(each.labels)}": each.value
        for family in text_string_to_metric_families(answer.text)
        for each in family.samples
    }


def labels(given: dict[str, str]) -> str:
    shown = ",".join(f'{name}="{given[name]}"' for name in sorted(given))
    return f"{{{shown}}}" if given else ""


class TestProbes:
    def test_who_has_no_token_hears_that_it_lives_and_is_ready_and_no_more(self, shared: Shared) -> None:
        nobody = shared.stranger()
        assert nobody.ask("GET", "/health").text == "OK"
        ready = nobody.ask("GET", "/ready")
        assert (ready.status, ready.json) == (200, {"ready": True, "missing": []})
        assert nobody.ask("POST", "/ready").status == 405
        assert nobody.ask("GET", "/health/more").status == 401

    def test_one_that_leaves_is_not_ready_and_lives(self, shared: Shared) -> None:
        readiness = shared.server.house.watched.readiness
        readiness.leaving = True
        nobody = shared.stranger()
        ready = nobody.ask("GET", "/ready")
        readiness.leaving = False
        assert (ready.status, ready.json) == (503, {"ready": False, "missing": ["leaving"]})
        assert nobody.ask("GET", "/health").status == 200

    def test_objects_that_cannot_be_written_are_missing_until_they_can(self, shared: Shared) -> None:
        incoming = shared.server.house.folder.objects / "incoming"
        aside = incoming.with_name("aside")
        incoming.rename(aside)
        incoming.write_bytes(b"no folder")
        shared.clock.advance(2)
        nobody = shared.stranger()
        assert nobody.ask("GET", "/ready").json["missing"] == ["objects"]
        incoming.unlink()
        aside.rename(incoming)
        assert nobody.ask("GET", "/ready").status == 503  # known for a second, however many ask
        shared.clock.advance(2)
        assert nobody.ask("GET", "/ready").status == 200
        assert list(incoming.iterdir()) == []

    def test_a_database_that_another_version_has_changed_is_missing(self, shared: Shared) -> None:
        database = shared.server.house.database

        def become(version: int) -> None:
            shared.server.do(
                database.write(
                    lambda write: write.connection.exec_driver_sql(
                        f"UPDATE schema_version SET version = {version}"
                    )
                )
            )
            shared.clock.advance(2)

        nobody = shared.stranger()
        from faena.db.schema import SCHEMA_VERSION

        become(SCHEMA_VERSION + 1)
        assert nobody.ask("GET", "/ready").json["missing"] == ["schema"]
        become(SCHEMA_VERSION)
        assert nobody.ask("GET", "/ready").status == 200


class TestMetrics:
    def test_they_are_for_readers(self, shared: Shared) -> None:
        assert shared.stranger().ask("GET", "/metrics").status == 401
        assert shared.person("prometheus", Role.READER).ask("GET", "/metrics").status == 200

    @pytest.mark.long
    def test_requests_are_counted_by_route_and_not_by_path(self, shared: Shared) -> None:
        before = samples(shared)
        for number in range(5):
            shared.owner.ask("GET", f"/runs/none_{number}")
            shared.owner.ask("GET", f"/api/2.0/mlflow/runs/get?run_id=none_{number}")
            shared.owner.ask("GET", f"/nowhere/{number}")
            shared.stranger().ask("GET", f"/runs/none_{number}")
        after = samples(shared)
        more = {name: value - before.get(name, 0) for name, value in after.items()}
        total = "faena_http_requests_total"
        assert more[f'{total}{{method="GET",route="/runs/{{run_id}}",status="404"}}'] == 5
        assert more[f'{total}{{method="GET",route="/api/2.0/mlflow/runs/get",status="404"}}'] == 5
        assert more[f'{total}{{method="GET",route="{NOWHERE}",status="404"}}'] == 5
        assert more[f'{total}{{method="GET",route="{NOWHERE}",status="401"}}'] == 5
        assert more['faena_http_request_seconds_count{route="/runs/{run_id}"}'] == 5
        assert not any("none_" in name for name in after)

    def test_verbs_that_nobody_knows_are_one(self) -> None:
        requests = Requests()
        for number in range(50):
            requests.refused(f"VERB{number}", 401)
        assert requests.counts == {("other", NOWHERE, 401): 50}

    def test_what_the_workspace_has_is_told_by_state(self, shared: Shared) -> None:
        shared.clock.advance(100)
        found = samples(shared)
        assert found['faena_runs{state="Completed"}'] == 0
        assert found['faena_nodes{state="idle"}'] == 0
        assert found["faena_queue_length"] == 0
        assert found["faena_database_up"] == 1
        assert found["faena_database_commits_total"] > 0
        assert found["process_resident_memory_bytes"] > 1 << 20

    def test_points_and_objects_are_counted(self, shared: Shared) -> None:
        mlflow = "/api/2.0/mlflow/runs"
        before = samples(shared)
        made = shared.owner.ask("POST", f"{mlflow}/create", {"experiment_id": "0"}).json["run"]["info"]
        for step in range(3):
            metric = {"key": "loss", "value": 0.5, "timestamp": step, "step": step}
            shared.owner.ask("POST", f"{mlflow}/log-metric", {"run_id": made["run_id"], **metric})
        shared.clock.advance(10)
        after = samples(shared)
        assert after["faena_metric_points_total"] - before["faena_metric_points_total"] >= 3
        assert after['faena_runs{state="Running"}'] == before['faena_runs{state="Running"}'] + 1


def test_metrics_say_which_database_there_is(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        assert 'database="sqlite"' in server.client().get("/metrics").text
