"""Owners say how much persons and experiments use; everybody sees it."""

from __future__ import annotations

import hashlib
import itertools
import time

import pytest

from faena.compute.model import Cluster
from faena.compute.shares import Line
from faena.compute.store import put_cluster
from faena.kernel.errors import ExperimentExecutionException, NotAllowed, UserErrorException
from faena.people.model import Role
from faena.people.schemas import SharingChange
from faena.runs import byte_quotas, service
from faena.runs.quotas.schemas import Amounts
from faena.runs.submission_schemas import Submission
from faena.tidying.schemas import DeletionRequest
from tests.people.shared import Caller, Shared


@pytest.fixture(scope="module")
def uma(shared: Shared) -> Caller:
    return shared.person("uma", Role.CONTRIBUTOR)


_times = itertools.count(1)


def later(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the server knows of quotas and bytes is old."""
    ahead = 100 * next(_times)
    known = byte_quotas.known_of(shared.server.house.database)
    monkeypatch.setattr(known, "monotonic", lambda: time.monotonic() + ahead)


def test_owners_set_and_lift_them_and_the_audit_log_has_it(shared: Shared, uma: Caller) -> None:
    for refused in (uma.api.quotas.set, uma.api.quotas.lift):
        with pytest.raises(NotAllowed, match="needs the role owner"):
            refused(everybody=True)
    made = shared.owner.api.quotas.set(person="uma", nodes=3)
    assert made.limits == Amounts(3)
    assert [(each.name, each.applies.nodes) for each in uma.api.quotas.all()] == [("uma", 3)]
    told = shared.owner.ask("GET", "/audit-log?most=1").json[0]
    assert (told["verb"], told["path"], told["person"], told["status"]) == ("PATCH", "/quotas", "ada", 200)
    shared.owner.api.quotas.lift("nodes", person="uma")
    assert uma.api.quotas.all() == []
    with pytest.raises(UserErrorException, match="No quota limits 'cores'"):
        shared.owner.api.quotas.lift("cores", person="uma")


def test_who_keeps_as_many_bytes_as_they_may_adds_none_until_something_is_deleted(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    vic = shared.person("vic", Role.CONTRIBUTOR)
    made = vic.ask("POST", "/api/2.0/mlflow/runs/create", {"experiment_id": "0", "start_time": 1})
    run_id = made.json["run"]["info"]["run_id"]
    artifact = f"/api/2.0/mlflow-artifacts/artifacts/0/{run_id}/artifacts/{{}}"
    assert vic.ask("PUT", artifact.format("a.bin"), b"x" * 3000).status == 200
    assert vic.ask("PUT", artifact.format("same.bin"), b"x" * 3000).status == 200, "one object"
    shared.owner.api.quotas.set(person="vic", bytes=2999)
    [view] = [each for each in vic.api.quotas.all() if each.name == "vic"]
    assert (view.used.bytes, view.applies.bytes) == (3000, 2999)
    later(shared, monkeypatch)
    refused = vic.ask("PUT", artifact.format("b.bin"), b"y")
    assert refused.status == 403
    assert "The runs of vic keep 3 kB, and their quota is 3 kB: nothing is added until" in refused.text
    digest = hashlib.sha256(b"z").hexdigest()
    for verb, path in (("PUT", f"/objects/{digest}"), ("PUT", f"/uploads/{digest}?offset=0&size=1")):
        assert vic.ask(verb, path, b"z").status == 403
    line = Line("vic", "any")
    with pytest.raises(NotAllowed, match="nothing is added"):
        byte_quotas.refuse_submission(shared.server.house.database, line)
    assert shared.owner.ask("PUT", f"/objects/{digest}", b"z").status == 204, "somebody else may"
    shared.owner.api.tidy.delete(DeletionRequest(runs=(run_id,), part="outputs"))
    later(shared, monkeypatch)
    byte_quotas.refuse_submission(shared.server.house.database, line)
    assert vic.ask("PUT", f"/objects/{digest}", b"z").status == 204
    shared.owner.api.quotas.lift(person="vic")


def test_one_object_is_not_larger_than_what_is_left(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    wim = shared.person("wim", Role.CONTRIBUTOR)
    made = wim.ask("POST", "/api/2.0/mlflow/runs/create", {"experiment_id": "0", "start_time": 1})
    run_id = made.json["run"]["info"]["run_id"]
    artifact = f"/api/2.0/mlflow-artifacts/artifacts/0/{run_id}/artifacts/a"
    shared.owner.api.quotas.set(person="wim", bytes=1000)
    later(shared, monkeypatch)
    large, digest = b"w" * 1001, hashlib.sha256(b"w" * 1001).hexdigest()
    for path in (artifact, f"/objects/{digest}", f"/uploads/{digest}?offset=0&size=1001"):
        refused = wim.ask("PUT", path, large)
        assert (refused.status, "quota is 1 kB: 1 kB more are not added" in refused.text) == (403, True)
    assert wim.ask("PUT", artifact, large[:1000]).status == 200
    shared.owner.api.quotas.lift(person="wim")


def test_nobody_learns_of_a_quota_of_what_is_not_there_for_them(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = shared.owner.ask("POST", "/api/2.0/mlflow/experiments/create", {"name": "unseen"})
    number = made.json["experiment_id"]
    run = shared.owner.ask("POST", "/api/2.0/mlflow/runs/create", {"experiment_id": number, "start_time": 1})
    shared.owner.api.people.share("unseen", SharingChange(private=True))
    shared.owner.api.quotas.set(experiment="unseen", bytes=0)
    later(shared, monkeypatch)
    xia = shared.person("xia", Role.CONTRIBUTOR)
    run_id = run.json["run"]["info"]["run_id"]
    answer = xia.ask("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{number}/{run_id}/artifacts/a", b"x")
    assert answer.status == 404 and "unseen" not in answer.text
    shared.owner.api.quotas.lift(experiment="unseen")


def test_that_of_a_private_experiment_counts_whoever_asked_before(
    shared: Shared, uma: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = shared.server.house.database
    shared.owner.api.create_experiment("kept")
    shared.owner.api.people.share("kept", SharingChange(private=True))
    shared.owner.api.quotas.set(experiment="kept", bytes=0)
    later(shared, monkeypatch)
    assert uma.ask("PUT", f"/objects/{hashlib.sha256(b'u').hexdigest()}", b"u").status == 204
    with pytest.raises(NotAllowed, match="The runs of experiment 'kept' keep"):
        byte_quotas.refuse_submission(database, Line("ada", "kept"))
    shared.owner.api.quotas.lift(experiment="kept")


def test_a_run_that_asks_for_more_than_its_person_may_have_is_refused(shared: Shared, uma: Caller) -> None:
    database = shared.server.house.database
    database.submit_write(lambda write: put_cluster(write, Cluster("many", 0, 9, 1.0, 1, 0, 0))).result()
    shared.owner.api.quotas.set(person="uma", nodes=3)
    asked = Submission("e", "0" * 64, "t.py", "many", node_count=4, user="uma")
    with pytest.raises(ExperimentExecutionException, match="node_count is 4; uma's quota is 3 at once"):
        database.submit_read(lambda read: service.check(read, asked)).result()
    shared.owner.api.quotas.lift(person="uma")
