"""Owners say how much persons and experiments use; everybody sees it."""

from __future__ import annotations

import pytest

from faena.compute.model import Cluster
from faena.compute.store import put_cluster
from faena.kernel.errors import ExperimentExecutionException, NotAllowed, UserErrorException
from faena.people.model import Role
from faena.runs import service, store
from faena.runs.quotas.schemas import Amounts
from faena.runs.submission_schemas import Submission
from tests.people.shared import Caller, Shared


@pytest.fixture(scope="module")
def uma(shared: Shared) -> Caller:
    return shared.person("uma", Role.CONTRIBUTOR)


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


def test_a_run_that_asks_for_more_than_its_person_may_have_is_refused(shared: Shared, uma: Caller) -> None:
    database = shared.server.house.database
    database.submit_write(lambda write: put_cluster(write, Cluster("many", 0, 9, 1.0, 1, 0, 0))).result()
    shared.owner.api.quotas.set(person="uma", nodes=3)
    asked = Submission("e", "0" * 64, "t.py", "many", node_count=4, user="uma")
    with pytest.raises(ExperimentExecutionException, match="node_count is 4; uma's quota is 3 at once"):
        database.submit_read(lambda read: service.check(read, asked)).result()
    assert database.submit_read(store.unfinished).result() == []
    shared.owner.api.quotas.lift(person="uma")
