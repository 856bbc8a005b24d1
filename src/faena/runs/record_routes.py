"""HTTP of what a run's record holds: details, metrics; tags, properties, files and a snapshot that are added."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import msgspec
from litestar import Response, delete, get, patch, post, put
from litestar.params import Parameter
from litestar.response import Stream

from faena.data import safe_paths
from faena.data.datastores import service as datastores
from faena.data.datastores.model import Datastore
from faena.db import Database, Read, Write
from faena.kernel.batches import LONGEST_LIST
from faena.kernel.clock import Clock
from faena.kernel.errors import UserErrorException
from faena.kernel.lanes import BYTES
from faena.kernel.rights import CONTRIBUTE, READ
from faena.kernel.routing import SOME_BYTES, told
from faena.objects.contract import ObjectFiles
from faena.objects.service import Objects, each
from faena.runs import byte_quotas, record, search, service
from faena.runs.artifact_metrics import populated
from faena.runs.details import details
from faena.runs.schemas import FileView, LocalFiles, RunChange, RunView, SnapshotChoice, TextValue
from faena.tracking import files as run_files
from faena.tracking import long_metrics, query, stream
from faena.tracking.chart import Axis, Chart, Charts, NamedChart, chart
from faena.tracking.long_metrics import Long, Piece
from faena.tracking.model import StoredFile
from faena.workspaces.model import WorkspaceFolder


@get("/{run_id:str}/details", summary="A run in the keys of v1's get_details", opt=READ)
async def show_details(run_id: str, database: Database) -> dict[str, Any]:
    def read_details(read: Read) -> dict[str, Any]:
        run = service.view(read, service.get(read, run_id))
        names = {file.name for file in run_files.files(read, run_id)}
        names |= {log.name for log in query.logs(read, run_id)}
        return details(run, sorted(names))

    return await database.read(read_details)


@get(
    "/{run_id:str}/metrics",
    summary="A run's metrics in v1's shapes",
    responses=told(dict[str, Any]),
    opt=READ,
)
async def metrics(
    run_id: str,
    database: Database,
    objects: Objects,
    name: str | None = None,
    source: str = "script",
    recursive: bool = False,
    kind: Annotated[str | None, Parameter(query="type")] = None,
    populate: bool = False,
    attempt: int | None = None,
) -> Response[bytes] | Stream:
    """`recursive`: `{run id: metrics}` of the run and all below it, those of one `type` only when given.

    `attempt`: of this one instead of the latest.
    """

    def read_one(read: Read, which: str) -> list[Piece]:
        def changed(found: dict[str, Any]) -> dict[str, Any]:
            return populated(read, objects.files, which, found) if populate else found

        return long_metrics.pieces(read, objects.files, which, name, source, changed, attempt)

    def read_metrics(read: Read) -> list[Piece]:
        run = service.get(read, run_id)
        if not recursive:
            return read_one(read, run_id) if kind in (None, run.type) else [b"{}"]
        family = [run] if kind in (None, run.type) else []
        family += search.descendants(read, run_id, kind)
        made: list[Piece] = []
        for member in family:
            made += [(", " if made else "{").encode(), json.dumps(member.id).encode() + b": "]
            made += read_one(read, member.id)
        return [*made, b"}" if made else b"{}"]

    made = await database.read(read_metrics)
    if any(isinstance(piece, Long) for piece in made):
        pieces = each(long_metrics.sent(database, objects.files, made))
        return Stream(pieces, media_type="application/json")
    return Response(
        b"".join(piece for piece in made if isinstance(piece, bytes)), media_type="application/json"
    )


@get(
    "/{run_id:str}/chart",
    summary="A metric as a chart of so many pixels: two points for each at most",
    opt=READ,
)
async def show_chart(
    run_id: str,
    name: str,
    database: Database,
    objects: Objects,
    axis: Axis = "step",
    pixels: Annotated[int, Parameter(ge=1, le=100_000)] = 1000,
    start: float | None = None,
    stop: float | None = None,
    source: str = "script",
) -> Chart:
    """`start` and `stop`: of the axis, to look closer."""

    def draw(read: Read) -> Chart:
        service.get(read, run_id)
        return chart(
            read, objects.files, run_id, name, axis=axis, pixels=pixels, start=start, stop=stop, source=source
        )

    return await database.read(draw)


@get(
    "/{run_id:str}/charts",
    summary="The first of a run's metrics that have numbers, each as a chart",
    opt=READ,
)
async def show_charts(
    run_id: str,
    database: Database,
    objects: Objects,
    axis: Axis = "step",
    pixels: Annotated[int, Parameter(ge=1, le=2000)] = 300,
    most: Annotated[int, Parameter(ge=1, le=50)] = 12,
    source: str = "script",
) -> Charts:
    """One answer for whoever looks at them again and again."""

    def draw(read: Read) -> Charts:
        service.get(read, run_id)
        names = _numeric(read, run_id, source)
        return Charts(
            len(names),
            [
                NamedChart(
                    name,
                    chart(read, objects.files, run_id, name, axis=axis, pixels=pixels, source=source),
                )
                for name in names[:most]
            ],
        )

    return await database.read(draw)


@get(
    "/{run_id:str}/metric-names",
    summary="Names of a run's metrics that have numbers, in the order of their first",
    opt=READ,
)
async def metric_names(run_id: str, database: Database, source: str = "script") -> list[str]:
    def names(read: Read) -> list[str]:
        service.get(read, run_id)
        return _numeric(read, run_id, source)

    return await database.read(names)


def _numeric(read: Read, run_id: str, source: str) -> list[str]:
    found = query.metric_summaries(read, run_id, source=source)
    return [each.name for each in found if each.min is not None or each.nans]


@get(
    "/{run_id:str}/points",
    summary="All numbers of a metric as bytes; faena/tracking/stream.py says how",
    media_type=SOME_BYTES,
    opt=READ,
)
async def points(
    run_id: str, name: str, database: Database, objects: Objects, source: str = "script"
) -> Stream:
    await database.read(lambda read: service.get(read, run_id))
    made = await asyncio.to_thread(stream.frames, database, objects.files, run_id, name, source)
    return Stream(each(made), media_type=SOME_BYTES)


@put(
    "/{run_id:str}/metrics/{name:str}",
    status_code=204,
    summary="One more value, a text, of a metric",
    opt=CONTRIBUTE,
)
async def log_value(
    run_id: str, name: str, data: TextValue, database: Database, objects: Objects, clock: Clock
) -> None:
    await database.write(
        lambda write: record.add_value(write, objects.files, run_id, name, data.value, clock.now())
    )


@put("/{run_id:str}/tags", status_code=200, summary="Set tags of a run", opt=CONTRIBUTE)
async def set_tags(run_id: str, data: dict[str, str], database: Database) -> RunView:
    return await database.write(lambda write: record.set_tags(write, run_id, data))


@delete(
    "/{run_id:str}/tags", status_code=200, summary="Remove tags of a run: a JSON list of keys", opt=CONTRIBUTE
)
async def remove_tags(run_id: str, keys: str, database: Database) -> RunView:
    wanted = _listed(keys)
    return await database.write(lambda write: record.remove_tags(write, run_id, wanted))


@put(
    "/{run_id:str}/properties",
    status_code=200,
    summary="Add properties to a run; they never change",
    opt=CONTRIBUTE,
)
async def add_properties(run_id: str, data: dict[str, str], database: Database) -> RunView:
    return await database.write(lambda write: record.add_properties(write, run_id, data))


@put(
    "/{run_id:str}/snapshot",
    status_code=200,
    summary="Say which snapshot a run without one was made from",
    opt=CONTRIBUTE,
)
async def set_snapshot(run_id: str, data: SnapshotChoice, database: Database) -> RunView:
    return await database.write(lambda write: record.set_snapshot(write, run_id, data.snapshot))


@patch(
    "/{run_id:str}",
    summary="Change a run's name and description; archive it, or show it again",
    opt=CONTRIBUTE,
)
async def change(run_id: str, data: RunChange, database: Database, clock: Clock) -> RunView:
    return await database.write(lambda write: record.change(write, run_id, data, clock.now()))


@post(
    "/{run_id:str}/files",
    status_code=200,
    summary="Keep files of the server's own host, or objects, with a run",
    request_max_body_size=LONGEST_LIST,
    opt=CONTRIBUTE,
)
async def upload(
    run_id: str,
    data: LocalFiles,
    database: Database,
    objects: Objects,
    clock: Clock,
    folder: WorkspaceFolder,
) -> list[FileView]:
    wanted = {file.name: file.path for file in data.files if not file.digest}
    sent = {file.name: file.digest for file in data.files if file.digest}
    if any(file.path and file.digest for file in data.files):
        raise UserErrorException("A file has both `path` and `digest`. Give one of them for each.")
    if len(wanted) + len(sent) < len(data.files):
        twice = Counter(file.name for file in data.files).most_common(1)[0][0]
        raise UserErrorException(f"The name {twice[:200]!r} was given twice. Give each file its own.")
    await database.read(lambda read: record.refuse_names(read, run_id, wanted | sent))
    await byte_quotas.refuse_files(database, run_id)
    copies = None if data.datastore is None else await _datastore(database, folder, data.datastore)
    sizes = await objects.sent(sent.values())
    stored = {name: StoredFile(digest, sizes[digest]) for name, digest in sent.items()}
    stored |= await BYTES.run(_take, objects.files, wanted)
    now = clock.now()

    def keep(write: Write) -> None:
        record.add_files(write, run_id, stored, now)

    await database.write(keep)
    if copies is not None:
        await BYTES.run(_copy, objects.files, copies, run_id, stored)
    return [FileView(name, file.size) for name, file in stored.items()]


async def _datastore(database: Database, folder: WorkspaceFolder, name: str) -> Datastore:
    return datastores.ready(await database.read(lambda read: datastores.get(read, name, folder)))


def _copy(objects: ObjectFiles, to: Datastore, run_id: str, stored: dict[str, StoredFile]) -> None:
    """To where v1 kept what was uploaded to a run; the same again changes nothing, since a run's files never change."""
    for name, file in stored.items():
        with objects.open(file.digest) as source:
            safe_paths.write(to.folder, f"ExperimentRun/dcid.{run_id}/{name}", source, overwrite=False)


def _listed(keys: str) -> list[str]:
    try:
        return msgspec.json.decode(keys, type=list[str])
    except (msgspec.DecodeError, RecursionError) as error:
        raise UserErrorException(f"keys cannot be read: {error}. Send a JSON list of tags' keys.") from error


def _take(objects: ObjectFiles, wanted: dict[str, str]) -> dict[str, StoredFile]:
    """Read each file once, on this host: no byte travels."""
    for path in wanted.values():
        # reading a pipe or a device would never end; a NUL or an overlong name is no file either
        if not Path(path).is_absolute() or not os.path.isfile(path):  # noqa: PTH113  takes a NUL for an answer
            raise UserErrorException(f"There is no file {path[:300]!r}. Give a regular file's absolute path.")
    stored: dict[str, StoredFile] = {}
    done = objects.put_files([Path(path) for path in wanted.values()])
    for name, found in zip(wanted, done, strict=True):
        if isinstance(found, UserErrorException):
            raise found
        stored[name] = StoredFile(*found)
    return stored


handlers = [
    change,
    show_details,
    metrics,
    show_chart,
    show_charts,
    metric_names,
    points,
    log_value,
    set_tags,
    remove_tags,
    add_properties,
    set_snapshot,
    upload,
]
