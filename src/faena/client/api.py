"""Typed requests to a workspace's server: what goes over the wire, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

import msgspec

from faena.client.requests.backups import BackupApi
from faena.client.requests.data import DataApi
from faena.client.requests.gateway import GatewayApi
from faena.client.requests.models import ModelApi
from faena.client.requests.people import PeopleApi
from faena.client.requests.records import RecordApi
from faena.client.requests.secrets import SecretApi
from faena.client.requests.tidying import TidyApi
from faena.client.wire import encode
from faena.compute.schemas import ClusterRequest, ClusterView
from faena.data.schemas import Snapshot
from faena.environments.schemas import (
    BuildRequest,
    BuildView,
    BuiltView,
    EnvironmentDefinition,
    EnvironmentRequest,
    EnvironmentView,
    LockView,
    PruneRequest,
    PruneView,
)
from faena.kernel import batches, ids
from faena.kernel.addresses import Address
from faena.kernel.connections import Answer
from faena.kernel.run_requests import RunRequests
from faena.kernel.transport import Transport, file_segment, segment
from faena.kernel.unresponsive import Silence
from faena.runs.list_schemas import Curve, Curves, RunPage, RunRow
from faena.runs.schemas import (
    Failure,
    FileView,
    LogEvent,
    PointsEvent,
    RunView,
    SnapshotChoice,
    StartedView,
    StatusEvent,
)
from faena.runs.submission_schemas import StartRequest, Submission
from faena.workspaces.schemas import (
    DefaultDate,
    ExperimentChange,
    ExperimentView,
    VersionView,
    WorkspaceChange,
    WorkspaceView,
)

if TYPE_CHECKING:
    from faena.client.requests.comments import CommentApi
    from faena.client.requests.endpoints import EndpointApi
    from faena.client.requests.evaluation_sets import EvaluationSetApi
    from faena.client.requests.nodes import NodeApi
    from faena.client.requests.notices import NoticeApi
    from faena.client.requests.quotas import QuotaApi
    from faena.client.requests.ray import RayApi
    from faena.client.requests.sweeps import SweepApi
    from faena.client.requests.traces import TraceApi
    from faena.runs.waiting_line.schemas import Queue

T = TypeVar("T")
_CHUNK = 1 << 20
_ANSWER = 120.0
_SILENT = 10.0
"""Seconds without a word after which a stream that has one every other second counts as broken."""
_COPYING = 3600.0
"""Seconds that the server may take where it copies files before it answers."""


class ServerApi:
    """Each method is one request; each raises the FaenaError that the server names, or ServerUnreachable."""

    def __init__(
        self, address: Address, *, tells: bool = True, patience: float = 60.0, answering: float = _ANSWER
    ) -> None:
        """`tells`, `patience` and `answering`: of its `Transport`."""
        self.transport = Transport(address, tells=tells, patience=patience, answering=answering)
        self.data = DataApi(self.transport, self.transport.download)
        self.models = ModelApi(self.transport)
        self.records = RecordApi(self.transport)
        self.tidy = TidyApi(self.transport)
        self.backups = BackupApi(self.transport)
        self.gateway = GatewayApi(self.transport)
        self.secrets = SecretApi(self.transport)
        self.people = PeopleApi(self.transport)
        self._sweeps: SweepApi | None = None
        self._endpoints: EndpointApi | None = None
        self.questions = RunRequests(self.transport)
        """What handles of runs ask, as scripts do."""

    @property
    def comments(self) -> CommentApi:
        """Loaded when it is first asked for: few comment."""
        from faena.client.requests.comments import CommentApi

        return CommentApi(self.transport)

    @property
    def notices(self) -> NoticeApi:
        """Likewise."""
        from faena.client.requests.notices import NoticeApi

        return NoticeApi(self.transport)

    @property
    def quotas(self) -> QuotaApi:
        """Likewise."""
        from faena.client.requests.quotas import QuotaApi

        return QuotaApi(self.transport)

    @property
    def nodes(self) -> NodeApi:
        """Loaded when it is first asked for: few have nodes on other machines."""
        from faena.client.requests.nodes import NodeApi

        return NodeApi(self.transport)

    @property
    def ray(self) -> RayApi:
        """Likewise."""
        from faena.client.requests.ray import RayApi

        return RayApi(self.transport)

    @property
    def traces(self) -> TraceApi:
        """Likewise."""
        from faena.client.requests.traces import TraceApi

        return TraceApi(self.transport)

    @property
    def evaluation_sets(self) -> EvaluationSetApi:
        """Likewise."""
        from faena.client.requests.evaluation_sets import EvaluationSetApi

        return EvaluationSetApi(self.transport)

    @property
    def sweeps(self) -> SweepApi:
        """Loaded when it is first asked for, likewise."""
        from faena.client.requests.sweeps import SweepApi

        if self._sweeps is None:
            self._sweeps = SweepApi(self.transport)
        return self._sweeps

    @property
    def endpoints(self) -> EndpointApi:
        """Loaded when it is first asked for, likewise."""
        from faena.client.requests.endpoints import EndpointApi

        if self._endpoints is None:
            self._endpoints = EndpointApi(self.transport)
        return self._endpoints

    def version(self) -> VersionView:
        return self._get("/version", VersionView)

    def workspace(self) -> WorkspaceView:
        return self._get("/workspace", WorkspaceView)

    def experiments(self) -> list[ExperimentView]:
        return self._get("/experiments", list[ExperimentView])

    def experiment(self, name: str) -> ExperimentView:
        return self._get("/experiments/named" + _query({"name": name}), ExperimentView)

    def default_as_of(self, experiment: str) -> str:
        """The date of environments of its runs that name none: its own, else the workspace's; empty: there is none."""
        return self._get("/experiments/as-of" + _query({"name": experiment}), DefaultDate).as_of

    def change_experiment(self, name: str, wanted: ExperimentChange) -> ExperimentView:
        path = "/experiments" + _query({"name": name})
        return msgspec.json.decode(
            self.transport.request("PATCH", path, encode(wanted)).data, type=ExperimentView
        )

    def change_workspace(self, wanted: WorkspaceChange) -> WorkspaceView:
        answer = self.transport.request("PATCH", "/workspace", encode(wanted))
        return msgspec.json.decode(answer.data, type=WorkspaceView)

    def create_experiment(self, name: str) -> None:
        self.transport.request("PUT", "/experiments" + _query({"name": name}))

    def delete_experiment(self, name: str) -> None:
        self.transport.request("DELETE", "/experiments" + _query({"name": name}))

    def archive_experiment(self, name: str, *, archived: bool) -> None:
        self.change_experiment(ids.check_experiment_name(name), ExperimentChange(archived))

    def missing_objects(self, snapshot: Snapshot) -> list[str]:
        """Offer a snapshot: kept when the answer is empty, else the objects to send first."""
        return self._put(f"/snapshots/{snapshot.digest}", snapshot, list[str])

    def take_file(self, digest: str, path: Path) -> None:
        """Have the server take an object from a file of this host."""
        if not self.transport.shares_files:
            from faena.kernel import uploads  # a server elsewhere is asked by few

            uploads.send(self.transport, digest, path)
            return
        self.transport.json("PUT", f"/objects/{digest}/file", {"path": str(path)}, timeout=_COPYING)

    def send_objects(self, objects: Sequence[tuple[str, bytes]]) -> None:
        """Send small ones, given as (digest, bytes), within the bounds of `faena.kernel.batches`."""
        self.transport.request("POST", "/objects/batch", batches.write(objects), timeout=_COPYING)

    def send_object(self, digest: str, data: bytes) -> None:
        self.transport.request("PUT", f"/objects/{digest}", data)

    def submit(self, run_id: str, submission: Submission, *, offered: bool = True) -> RunView:
        """`offered`: False where the snapshot was offered earlier. Raises SnapshotMissing where it is gone since."""
        self.bring_archives(submission.environment)
        return self._put(f"/runs/{segment(run_id)}{'' if offered else '?offered=false'}", submission, RunView)

    def start(self, asked: StartRequest) -> list[StartedView]:
        """Start runs that a process of this host ends."""
        answer = self.transport.request("POST", "/runs", encode(asked))
        return msgspec.json.decode(answer.data, type=list[StartedView])

    def run(self, run_id: str) -> RunView:
        return self._get(f"/runs/{segment(run_id)}", RunView)

    def runs(self, **filters: str | int | None) -> list[RunRow]:
        """One page of runs, 100 unless `limit` says otherwise."""
        return self._get("/runs" + _query(filters), RunPage).runs

    def cancel(self, run_id: str) -> RunView:
        answer = self.transport.request("POST", f"/runs/{segment(run_id)}/cancel")
        return msgspec.json.decode(answer.data, type=RunView)

    def fail(self, run_id: str, message: str) -> RunView:
        answer = self.transport.request("POST", f"/runs/{segment(run_id)}/fail", encode(Failure(message)))
        return msgspec.json.decode(answer.data, type=RunView)

    def follow(self, run_id: str, offsets: dict[str, tuple[int, int]]) -> Iterator[StatusEvent | LogEvent]:
        """The events of a run until it has ended or the connection breaks; `offsets` is kept up to date: of each log
        which attempt's, and how much of it, was told.

        It is told where no word comes: the server has one every other second.
        """
        query = _query({"offsets": msgspec.json.encode(offsets).decode()})
        decode = msgspec.json.Decoder(StatusEvent | LogEvent).decode
        with self.transport.stream("GET", f"/runs/{segment(run_id)}/follow{query}") as answer:
            for line in _lines(answer, self.transport.silence):
                event = decode(line)
                yield event
                if isinstance(event, LogEvent):
                    offsets[event.name] = (event.attempt, event.offset)

    def follow_all(
        self, run_id: str, offsets: dict[str, tuple[int, int]]
    ) -> Iterator[StatusEvent | LogEvent | PointsEvent | None]:
        """The same with points, which are sent within half a second then; None at least every other second."""
        query = _query({"offsets": msgspec.json.encode(offsets).decode(), "points": "true"})
        decode = msgspec.json.Decoder(StatusEvent | LogEvent | PointsEvent).decode
        with self.transport.stream(
            "GET", f"/runs/{segment(run_id)}/follow{query}", timeout=_SILENT
        ) as answer:
            for line in _lines(answer, None, words_only=False):
                event = decode(line) if line else None
                yield event
                if isinstance(event, LogEvent):
                    offsets[event.name] = (event.attempt, event.offset)

    def page(self, **filters: Any) -> RunPage:
        """A page of runs; `filters` as the route takes them, `tags` and `properties` as mappings."""
        return msgspec.convert(self.questions.ask("list_runs", "", filters, _ANSWER), RunPage)

    def listed(self, **filters: Any) -> Iterator[RunRow]:
        """Runs, newest first, over as many pages as it takes; `filters` as `page` takes them."""
        wanted: dict[str, Any] | None = filters
        while wanted is not None:
            page = self.page(**wanted)
            yield from page.runs
            wanted = {**filters, "after": page.next} if page.next else None

    def metric_names(self, run_id: str) -> list[str]:
        """Metrics that have numbers."""
        return self._get(f"/runs/{segment(run_id)}/metric-names", list[str])

    def curve(
        self,
        run_id: str,
        name: str,
        axis: str,
        pixels: int,
        start: float | None = None,
        stop: float | None = None,
    ) -> Curve:
        query = _query({"name": name, "axis": axis, "pixels": pixels, "start": start, "stop": stop})
        return self._get(f"/runs/{segment(run_id)}/chart{query}", Curve)

    def charts(self, run_id: str, *, source: str, pixels: int, most: int) -> Curves:
        """The first metrics, in one answer."""
        query = _query({"source": source, "pixels": pixels, "most": most})
        return self._get(f"/runs/{segment(run_id)}/charts{query}", Curves)

    def system_metrics(self, run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.transport.json("GET", f"/runs/{segment(run_id)}/metrics?source=system")
        return found

    def set_snapshot(self, run_id: str, digest: str) -> RunView:
        return self._put(f"/runs/{segment(run_id)}/snapshot", SnapshotChoice(digest), RunView)

    def files(self, run_id: str) -> list[FileView]:
        """Warns where the machine of a run that goes on does not tell what it has."""
        return msgspec.convert(self.questions.files(run_id), list[FileView])

    @contextmanager
    def open_file(
        self, run_id: str, name: str, rank: int | None = None, attempt: int | None = None
    ) -> Iterator[Iterator[bytes]]:
        """A file's bytes, a part at a time. `rank` and `attempt`: of a log that several have, whose."""
        wanted = _query({"rank": rank, "attempt": attempt})
        path = f"/runs/{segment(run_id)}/files/{file_segment(name)}{wanted}"
        with self.transport.stream("GET", path) as answer:
            yield answer.parts(_CHUNK)

    def clusters(self) -> list[ClusterView]:
        return self._get("/clusters", list[ClusterView])

    def cluster(self, name: str) -> ClusterView:
        return self._get(f"/clusters/{segment(name)}", ClusterView)

    def queue(self, cluster: str, most: int = 50) -> Queue:
        from faena.runs.waiting_line import schemas  # few ask

        return self._get(f"/queues/{segment(cluster)}?most={most}", schemas.Queue)

    def create_cluster(self, name: str, request: ClusterRequest) -> ClusterView:
        return self._put(f"/clusters/{segment(name)}", request, ClusterView)

    def update_cluster(self, name: str, request: ClusterRequest) -> ClusterView:
        answer = self.transport.request("PATCH", f"/clusters/{segment(name)}", encode(request))
        return msgspec.json.decode(answer.data, type=ClusterView)

    def delete_cluster(self, name: str) -> None:
        self.transport.request("DELETE", f"/clusters/{segment(name)}")

    def register_environment(self, name: str, definition: EnvironmentDefinition) -> EnvironmentView:
        self.bring_archives(definition.request)
        return self._put(f"/environments/{segment(name)}", definition, EnvironmentView)

    def environment(self, name: str, version: int | None) -> EnvironmentView:
        which = "" if version is None else f"/versions/{version:d}"
        return self._get(f"/environments/{segment(name)}{which}", EnvironmentView)

    def environments(self, name: str | None = None) -> list[EnvironmentView]:
        """All versions, the newest of each name first."""
        return self._get("/environments" + _query({"name": name}), list[EnvironmentView])

    def built_environments(self) -> list[BuiltView]:
        return self._get("/built-environments", list[BuiltView])

    def prune_environments(self, asked: PruneRequest) -> PruneView:
        answer = self.transport.request("POST", "/built-environments/prune", encode(asked), timeout=_COPYING)
        return msgspec.json.decode(answer.data, type=PruneView)

    def start_build(self, build_id: str, asked: BuildRequest) -> BuildView:
        if asked.environment is not None:
            self.bring_archives(asked.environment)
        return self._put(f"/environment-builds/{segment(build_id)}", asked, BuildView)

    def look_at_build(self, build_id: str, offset: int, wait: float) -> BuildView:
        """Answers after `wait` seconds at the latest."""
        query = _query({"offset": offset, "wait": wait})
        return self._get(f"/environment-builds/{segment(build_id)}{query}", BuildView, held=wait)

    def environment_lock(self, digest: str) -> LockView:
        return self._get(f"/environment-locks/{segment(digest)}", LockView)

    def download_object(self, digest: str, target: Path) -> None:
        from faena.kernel import downloads

        downloads.one(self.transport, digest, target)

    def download_objects(self, wanted: Sequence[tuple[str, int, Path]]) -> None:
        """Each object, given with its size, into its file."""
        from faena.kernel import downloads

        downloads.fetch(self.transport, wanted)

    def stop(self) -> None:
        self.transport.request("POST", "/stop")

    def restart(self) -> None:
        """Ask for the next server in the place of this one, which goes on where that would not start: see the error."""
        self.transport.request("POST", "/restart", held=_ANSWER)

    def bring_archives(self, asked: EnvironmentRequest) -> None:
        """Have a server elsewhere hold the packages that were brought from this host's disk."""
        if asked.archives and not self.transport.shares_files:
            from faena.environments import archives  # few have any
            from faena.kernel import uploads

            places = [archives.place(archive) for archive in asked.archives]
            uploads.bring(self.transport, (place for place in places if place.is_file()))

    def _get(self, path: str, kind: type[T], *, held: float = 0.0) -> T:
        return msgspec.json.decode(self.transport.request("GET", path, held=held).data, type=kind)

    def _put(self, path: str, value: msgspec.Struct, kind: type[T]) -> T:
        return msgspec.json.decode(self.transport.request("PUT", path, encode(value)).data, type=kind)


def _lines(answer: Answer, silence: Silence | None, *, words_only: bool = True) -> Iterator[bytes]:
    """`words_only`: without the empty ones, by which a server says that it is there."""
    rest = b""
    while True:
        with silence.waiting() if silence else nullcontext():
            part = answer.read1(_CHUNK)
        if not part:
            return
        *lines, rest = (rest + part).split(b"\n")
        yield from filter(None, lines) if words_only else lines


def _query(values: dict[str, Any]) -> str:
    given = {name: value for name, value in values.items() if value is not None}
    return "?" + urlencode(given) if given else ""
