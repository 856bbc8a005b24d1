"""Endpoints in the database: what is deployed once however often it is asked, what is refused, what may not go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from faena.compute import service as compute
from faena.compute import store as clusters
from faena.compute.model import Cluster, ClusterKind
from faena.data import store as snapshots
from faena.data.schemas import Snapshot, SnapshotFile
from faena.db import Database
from faena.endpoints import service, store
from faena.endpoints.model import Endpoint, Revision, Stage
from faena.endpoints.schemas import (
    Deployment,
    EndpointChange,
    Limits,
    ModelUse,
    RevisionSpec,
    Settings,
    Workers,
)
from faena.endpoints.views import view
from faena.environments import store as locks
from faena.environments.model import Interpreter, Lock
from faena.kernel import digests
from faena.kernel.errors import (
    ComputeTargetException,
    Conflict,
    FaenaError,
    ModelNotFoundException,
    NotFound,
    SnapshotException,
    UserErrorException,
    WebserviceException,
)
from faena.models import service as models
from faena.models.model import Framework, ModelFile, ModelVersion
from faena.tidying.store import unreferenced
from faena.workspaces import needs
from tests.databases import Databases

SNAPSHOT = "5" * 64


class Served:
    """A database with a model and a scoring script."""

    def __init__(self, database: Database) -> None:
        self.database = database
        file = SnapshotFile("score.py", 0, digests.of_bytes(b""))

        def prepare(write: Any) -> None:
            snapshots.put(write, Snapshot((file,), SNAPSHOT), set(), 1)
            for _ in range(2):
                models.add(write, model(), f"register-{_}")

        self.write(prepare)

    def write(self, work: Any) -> Any:
        return self.database.submit_write(work).result()

    def read(self, work: Any) -> Any:
        return self.database.submit_read(work).result()

    def deploy(
        self,
        name: str = "mnist",
        request: str = "a",
        onto: Any = "new",
        percentage: int = 100,
        settings: Settings | None = None,
        **changes: Any,
    ) -> tuple[Endpoint, Revision]:
        spec = RevisionSpec(
            **{"models": (ModelUse("m", 1),), "snapshot": SNAPSHOT, "entry": "score.py", **changes}
        )
        asked = Deployment(spec, settings or Settings(tags={"team": "a"}), onto, percentage)
        found: tuple[Endpoint, Revision] = self.write(
            lambda write: service.deploy(write, name, request, asked, 2)
        )
        return found

    def arrive(self, name: str = "mnist") -> None:
        """As the keeper writes down that what is wanted answers."""

        def settle(write: Any) -> None:
            endpoint = service.get(write, name)
            for revision in store.revisions_of(write, [name]):
                stage = Stage.READY if revision.number in (endpoint.wanted or {}) else Stage.RETIRED
                store.set_stage(write, revision, stage, python="/usr/bin/python3")
            arrived = replace(endpoint, state="Healthy", traffic=endpoint.wanted or {}, wanted=None)
            service.put(write, arrived, 3)

        self.write(settle)


def model() -> ModelVersion:
    return ModelVersion(
        name="m",
        version=0,
        run_id=None,
        path="m.npz",
        created_at=1,
        description="",
        tags={},
        properties={},
        framework=Framework("", ""),
        datasets=(),
        files=(ModelFile("m.npz", digests.of_bytes(b""), 0),),
    )


@pytest.fixture
def served(databases: Databases, tmp_path: Path) -> Iterator[Served]:
    yield Served(databases.open(tmp_path / "faena.db"))


def test_a_request_deploys_once(served: Served) -> None:
    first = served.deploy()
    assert served.deploy() == first
    assert [each.number for each in served.read(lambda read: store.revisions_of(read, ["mnist"]))] == [1]
    with pytest.raises(Conflict, match="deployed something else to mnist"):
        served.deploy(description="another one")
    with pytest.raises(Conflict, match="already exists"):
        served.deploy(request="b")
    with pytest.raises(NotFound, match="no endpoint other"):
        served.deploy("other", "c", "existing")


def test_what_is_told_of_one(served: Served) -> None:
    endpoint, revision = served.deploy()
    told = view(endpoint, [revision], None)
    assert (told.state, told.is_settled, told.scoring_uri, told.traffic) == ("Transitioning", False, None, {})
    assert [(each.number, each.state) for each in told.revisions] == [(1, "Preparing")]
    served.arrive()
    endpoint, revisions = served.read(_both)
    told = view(endpoint, revisions, None)
    assert (told.state, told.is_settled, told.traffic) == ("Healthy", True, {"1": 100})


def _both(read: Any) -> tuple[Endpoint, list[Revision]]:
    return service.get(read, "mnist"), store.revisions_of(read, ["mnist"])


@pytest.mark.few(4)
@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"models": (ModelUse("m", 3),)}, ModelNotFoundException, "m:3"),
        ({"snapshot": "6" * 64}, SnapshotException, "no snapshot"),
        ({"entry": "other.py"}, WebserviceException, "not in the source folder. There is: score.py"),
        ({"entry": "score.sh"}, WebserviceException, "not a .py file"),
        ({"kind": "sklearn"}, WebserviceException, "served alone and without a script"),
        ({"kind": "sklearn", "entry": "", "models": ()}, WebserviceException, "this names 0 models"),
        ({"workers": Workers(0)}, WebserviceException, "workers is 0"),
        ({"workers": Workers(max_batch_size=0)}, WebserviceException, "max_batch_size is 0"),
        ({"workers": Workers(max_latency_ms=-1)}, WebserviceException, "max_latency_ms is -1"),
        ({"environment_variables": {"FAENA_RUN_ID": "x"}}, FaenaError, "FAENA_RUN_ID"),
        ({"lock": "7" * 64}, NotFound, "has the environment"),
    ],
)
def test_what_cannot_be_deployed(served: Served, changes: Any, error: type[FaenaError], said: str) -> None:
    with pytest.raises(error, match=said):
        served.deploy(**changes)
    assert served.read(store.list_all) == []


def test_the_environment_of_a_run_that_had_an_older_python_is_refused(served: Served) -> None:
    python = Interpreter("/usr/bin/python3.7", "3.7.16", "CPython")
    lock = Lock(python, "linux-x86_64-glibc2.36", "", (), digests.of_bytes(b""))
    digest = served.write(lambda write: locks.put(write, lock, 1))
    with pytest.raises(UserErrorException, match=r"served by Python 3\.8 or newer.*has Python 3\.7\.16"):
        served.deploy(lock=digest)


def test_settings_that_cannot_be(served: Served) -> None:
    served.deploy()
    for wanted in (Limits(body_bytes=0), Limits(queue=0), Limits(timeout_seconds=0), Limits(header_bytes=1)):
        with pytest.raises(WebserviceException, match="Use a number from"):
            served.write(
                lambda write, wanted=wanted: service.change(write, "mnist", EndpointChange(limits=wanted), 3)
            )


@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (EndpointChange(cors_origins=tuple("http://x")), "cors_origins names 'h', which is no origin"),
        (EndpointChange(cors_origins=("https://x.org/app",)), "which is no origin"),
        (EndpointChange(sticky_header="x user"), "is no name of a header"),
        (EndpointChange(limits=Limits(body_bytes=0)), "max_body_bytes is 0"),
    ],
)
def test_a_setting_that_cannot_be_is_named(served: Served, wanted: EndpointChange, said: str) -> None:
    served.deploy()
    with pytest.raises(WebserviceException, match=said):
        served.write(lambda write: service.change(write, "mnist", wanted, 3))


def test_a_sticky_header_can_be_taken_away(served: Served) -> None:
    served.deploy()
    for header in ("x-user", ""):
        served.write(
            lambda write, header=header: service.change(
                write, "mnist", EndpointChange(sticky_header=header, cors_origins=("*",)), 3
            )
        )
        endpoint = served.read(lambda read: service.get(read, "mnist"))
        assert endpoint.settings.sticky_header == header


def test_a_model_that_is_deployed_is_kept(served: Served) -> None:
    served.deploy()
    [kept] = served.read(lambda read: needs.kept(read, [], [("m", 1), ("m", 2)]))
    assert kept.subjects == ("m:1",)
    assert "by the endpoint mnist" in kept.why
    assert served.read(lambda read: needs.kept(read, [], [("m", 2)])) == []
    assert served.read(needs.needs_server)
    served.write(lambda write: store.forget(write, "mnist"))
    assert served.read(lambda read: needs.kept(read, [], [("m", 1)])) == []
    assert not served.read(needs.needs_server)


def test_what_a_revision_is_made_of_is_kept_while_it_can_be_rolled_back_to(served: Served) -> None:
    """An older revision, which answers nothing, keeps its snapshot, environment and model as the newest does."""
    locks = {"a" * 64, "b" * 64}
    served.deploy()
    served.arrive()
    other = Snapshot((SnapshotFile("score.py", 0, digests.of_bytes(b"")),), "6" * 64)
    served.write(lambda write: snapshots.put(write, other, set(), 1))
    served.deploy(request="b", onto="existing", snapshot="6" * 64, models=(ModelUse("m", 2),))
    served.arrive()
    for number, lock in zip((1, 2), sorted(locks), strict=True):
        revision = next(
            each
            for each in served.read(lambda read: store.revisions_of(read, ["mnist"]))
            if each.number == number
        )
        served.write(lambda write, r=revision, lock=lock: store.set_stage(write, r, r.stage, lock=lock))
    assert served.read(lambda read: unreferenced.unneeded_snapshots(read, 1 << 60, 10)) == []
    assert locks <= served.read(needs.needed_environments)
    users = served.read(lambda read: store.users_of_models(read, ["m"]))
    assert users == {("m", 1): {"mnist": {1}}, ("m", 2): {"mnist": {2}}}
    [kept] = served.read(lambda read: needs.kept(read, [], [("m", 1), ("m", 2)]))
    assert kept.subjects == ("m:1", "m:2")
    served.write(lambda write: store.forget_revisions(write, "mnist", [1]))
    assert served.read(lambda read: unreferenced.unneeded_snapshots(read, 1 << 60, 10)) == [SNAPSHOT]
    assert not {"a" * 64} & served.read(needs.needed_environments)
    assert served.read(lambda read: needs.kept(read, [], [("m", 1)])) == []


def test_the_last_revision_is_rolled_back_to(served: Served) -> None:
    served.deploy()
    served.arrive()
    with pytest.raises(WebserviceException, match="no revision before"):
        served.write(lambda write: service.roll_back(write, "mnist", None, 3))
    served.deploy(request="b", onto="existing", percentage=10)
    assert served.read(lambda read: service.get(read, "mnist")).wanted == {1: 90, 2: 10}
    served.write(lambda write: service.change(write, "mnist", EndpointChange(traffic={"2": 1}), 3))
    served.arrive()
    rolled = served.write(lambda write: service.roll_back(write, "mnist", None, 4))
    assert rolled.wanted == {1: 100}
    stages = {
        each.number: each.stage for each in served.read(lambda read: store.revisions_of(read, ["mnist"]))
    }
    assert stages == {1: Stage.PREPARING, 2: Stage.READY}
    with pytest.raises(WebserviceException, match="has no revision 7"):
        served.write(lambda write: service.roll_back(write, "mnist", 7, 4))


def test_of_those_that_share_what_is_asked_the_first_is_rolled_back_to(served: Served) -> None:
    served.deploy()
    served.arrive()
    served.deploy(request="b", onto="existing", percentage=10)
    served.arrive()
    assert served.read(lambda read: service.get(read, "mnist")).traffic == {1: 90, 2: 10}
    assert served.write(lambda write: service.roll_back(write, "mnist", None, 4)).wanted == {1: 100}


def test_one_that_is_being_deleted_takes_nothing_in(served: Served) -> None:
    served.deploy()
    for _ in range(2):
        served.write(lambda write: service.delete(write, "mnist", 3))
    for ask in (
        lambda: served.deploy(request="b", onto="any"),
        lambda: served.write(
            lambda write: service.change(write, "mnist", EndpointChange(description="x"), 3)
        ),
    ):
        with pytest.raises(Conflict, match="being deleted"):
            ask()
    with pytest.raises(NotFound, match=r"other not found in provided workspace\. There is mnist\."):
        served.write(lambda write: service.delete(write, "other", 3))


def test_a_place_that_is_none_is_refused(served: Served) -> None:
    kinds = {"rays": ClusterKind.RAY, "here": ClusterKind.LOCAL, "shop": ClusterKind.JOINED}
    for name, kind in kinds.items():
        served.write(partial(clusters.put_cluster, cluster=cluster_of(name, kind)))
    for cluster, node, why in (
        ("nowhere", "", "ComputeTargetNotFound"),
        ("rays", "", "is a Ray cluster, whose nodes come when runs wait and go when they idle"),
        ("here", "", "are processes on the server's own host"),
        ("", "shed", "no cluster is named"),
        ("shop", "shed", "No machine 'shed' has joined"),
    ):
        with pytest.raises(FaenaError, match=why):
            served.deploy(settings=Settings(cluster=cluster, node=node))


def test_a_cluster_that_has_an_endpoint_stays_and_no_endpoint_changes_sides(served: Served) -> None:
    served.write(lambda write: clusters.put_cluster(write, cluster_of("shop", ClusterKind.JOINED)))
    served.deploy(settings=Settings(cluster="shop"))
    with pytest.raises(ComputeTargetException, match="'shop' has the endpoint mnist"):
        served.write(lambda write: compute.delete(write, "shop"))
    with pytest.raises(Conflict, match="mnist is on a machine of 'shop'"):
        served.deploy(request="b", onto="any", settings=Settings())
    kept = served.read(lambda read: service.get(read, "mnist"))
    assert (kept.settings, kept.machine) == (Settings(cluster="shop"), "")
    served.write(lambda write: store.change(write, replace(kept, machine="m-1")))
    assert served.read(lambda read: service.get(read, "mnist")).machine == "m-1"


def cluster_of(name: str, kind: ClusterKind) -> Cluster:
    return Cluster(name, 0, 2, 0.0, None, 1, 1, kind=kind)
