"""Models of a run that goes on: its files as they are now are copied first, and the run says so."""

from __future__ import annotations

from msgspec import Struct

from faena.db import Database, Read, Write
from faena.kernel.clock import Clock, Micros, iso
from faena.kernel.errors import Conflict
from faena.models import service
from faena.models.schemas import ModelView, Registration
from faena.objects.service import Objects
from faena.runs import attempt_store, record_store
from faena.runs import store as runs
from faena.runs.current_files import CurrentFiles
from faena.runs.model import AttemptState
from faena.tracking import files as run_files
from faena.tracking.model import StoredFile


class _Taken(Struct, frozen=True):
    files: dict[str, StoredFile]
    at: Micros
    there: frozenset[str]
    """Names of all files that the run has now."""


async def register(
    database: Database,
    objects: Objects,
    clock: Clock,
    current: CurrentFiles,
    name: str,
    request_id: str,
    asked: Registration,
) -> ModelView:
    """As `service.register`; raises Conflict, too, where the script writes the files again and again."""
    await objects.check(await database.read(lambda read: service.digests_of(read, asked)))
    taken = None if asked.is_kept else await _take(database, clock, current, name, request_id, asked)

    def write_down(write: Write) -> ModelView:
        if taken is None:
            return service.register(write, name, request_id, asked, clock.now())
        fresh = _fresh(write, asked.run_id, taken)
        run_files.put_files(write, asked.run_id, fresh, taken.at)
        view = service.register(write, name, request_id, asked, clock.now(), there=taken.there)
        if fresh:
            about = f"Model {view.id} "
            message = f"{about}was made of {asked.path} as it was at {iso(taken.at)}, while the run went on."
            record_store.add_note(write, asked.run_id, "registered_while_running", message, about=about)
        return view

    return await database.write(write_down)


async def _take(
    database: Database,
    clock: Clock,
    current: CurrentFiles,
    name: str,
    request_id: str,
    asked: Registration,
) -> _Taken | None:
    def is_done(read: Read) -> bool:
        return service.view_of_request(read, name, request_id, asked.run_id, asked.path) is not None

    if await database.read(is_done):
        return None
    live = await current.look(asked.run_id)
    if not live.files and not live.untold:
        return None
    at = clock.now()
    path = asked.path.removeprefix("./").rstrip("/")
    wanted = {name: file for name, file in live.files.items() if name == path or name.startswith(f"{path}/")}
    if live.untold and not wanted:
        raise Conflict(f"{live.untold} Register the model again, or when the run has ended.")
    return _Taken(await current.stored(wanted), at, frozenset(live.files))


def _fresh(write: Write, run_id: str, taken: _Taken) -> dict[str, StoredFile]:
    """What the run does not have better by now: when its script has ended, what it left is kept."""
    run = runs.get(write, run_id)
    ranks = [] if run is None else attempt_store.ranks(write, run_id, run.attempt)
    if ranks and all(each.state in (AttemptState.GIVEN, AttemptState.STARTED) for each in ranks):
        return taken.files
    kept = {file.name for file in run_files.files(write, run_id)}
    return {name: file for name, file in taken.files.items() if name not in kept}
