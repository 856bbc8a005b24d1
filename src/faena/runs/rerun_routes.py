"""HTTP of comparing runs and of running them again: what was asked, what became of each metric, what is in the way."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from litestar import Request, Response, get

from faena.db import Database, Read
from faena.kernel.lanes import BYTES
from faena.kernel.rights import READ
from faena.kernel.routing import told
from faena.objects.service import Objects
from faena.runs import checkpoints, left_files, rerun, service, variables
from faena.runs.list_schemas import MetricRange
from faena.runs.schemas import LeftFiles, Obstacle
from faena.runs.submission_schemas import CheckpointOffer, Submission
from faena.tracking import query
from faena.tracking.model import SCRIPT
from faena.workspaces.model import WorkspaceFolder


@get("/{run_id:str}/submission", summary="What was asked for when the run was submitted", opt=READ)
async def show_submission(run_id: str, database: Database, request: Request[Any, Any, Any]) -> Submission:
    """Secrets among its variables are told over the socket only."""
    found = await database.read(lambda read: rerun.submission_of(read, run_id))
    if not request.scope.get("state", {}).get("by_gateway"):
        return found
    return variables.hidden(found)


@get(
    "/{run_id:str}/metric-ranges",
    summary="Last, smallest and largest value of each metric of a run",
    opt=READ,
    responses=told(list[MetricRange]),  # numbers that JSON has not aside
)
async def metric_ranges(run_id: str, database: Database) -> Response[bytes]:
    """NaN and infinities in Python's spelling."""

    def read_ranges(read: Read) -> list[MetricRange]:
        service.get(read, run_id)
        return [
            MetricRange(row.name, row.count, row.last, row.min, row.max)
            for row in query.metric_summaries(read, run_id, source=SCRIPT)
        ]

    found = await database.read(read_ranges)
    values = [msgspec.structs.asdict(each) for each in found]
    return Response(json.dumps(values).encode(), media_type="application/json")


@get("/{run_id:str}/obstacles", summary="What keeps a run from being had again as it was", opt=READ)
async def list_obstacles(
    run_id: str, database: Database, objects: Objects, folder: WorkspaceFolder, cluster: str | None = None
) -> list[Obstacle]:
    return await BYTES.run(rerun.obstacles, database, objects.files, folder, run_id, cluster)


@get(
    "/{run_id:str}/checkpoint",
    summary="What another run goes on from that takes up where this one ended",
    opt=READ,
)
async def show_checkpoint(run_id: str, database: Database) -> CheckpointOffer:
    def find(read: Read) -> CheckpointOffer:
        run = service.get(read, run_id)
        return CheckpointOffer(checkpoints.of_ended(read, run, service.asked_for(run)))

    return await database.read(find)


@get("/{run_id:str}/left-files", summary="What of a run that has ended another one can be given", opt=READ)
async def show_left_files(run_id: str, database: Database, path: str) -> LeftFiles:
    return await database.read(lambda read: left_files.offer(read, run_id, path))


handlers = [show_submission, metric_ranges, list_obstacles, show_checkpoint, show_left_files]
