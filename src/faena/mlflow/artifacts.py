"""Files of runs as MLflow's artifacts: the same names, whoever wrote them."""

from __future__ import annotations

import mimetypes
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from litestar import Request
from litestar.response import Stream

from faena.db import Read, Write
from faena.mlflow import bodies, run_views, runs
from faena.mlflow.errors import MISSING, MlflowError
from faena.mlflow.services import Services
from faena.objects import ranges
from faena.tracking import files as run_files
from faena.tracking.model import StoredFile
from faena.workspaces import store as workspaces

_LONGEST = 4000


class ListRun(runs.ById):
    path: str | None = None
    page_token: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Whose files, and a path below them; empty: all."""

    run_id: str
    path: str


def listed(services: Services, asked: ListRun) -> Any:
    run_id = asked.id
    path = _clean(asked.path or "")

    def work(read: Read) -> dict[str, Any]:
        run = runs.found(read, run_id)
        experiment = workspaces.get_experiment(read, run.experiment)
        root = run_views.artifact_uri(experiment.id if experiment else "", run_id)
        return {"root_uri": root, "files": _entries(_sizes(read, run_id, path), path, whole=True)}

    return services.database.read(work)


async def listed_below(services: Services, place: Place) -> dict[str, Any]:
    """Names without the folders above them."""

    def work(read: Read) -> dict[str, Any]:
        runs.found(read, place.run_id)
        found = _entries(_sizes(read, place.run_id, place.path), place.path, whole=False)
        return {"files": found} if found else {}

    return await services.database.read(work)


async def put(services: Services, place: Place, request: Request[Any, Any, Any]) -> None:
    """Take a file; one of the same name is replaced, as MLflow has it."""
    await services.database.read(lambda read: _file_place(read, place))
    digest, size = await services.objects.receive(bodies.parts(request.receive))
    now = services.now()

    def work(write: Write) -> None:
        _file_place(write, place)
        run_files.put_files(write, place.run_id, {place.path: StoredFile(digest, size)}, now)

    await services.database.write(work)


async def sent(services: Services, place: Place, request: Request[Any, Any, Any]) -> Stream:
    def work(read: Read) -> str:
        runs.found(read, place.run_id)
        for file in run_files.files(read, place.run_id, place.path):
            if file.name == place.path:
                return file.digest
        raise MlflowError(f"No such artifact: '{place.path}'", MISSING)

    digest = await services.database.read(work)
    made = await ranges.of_object(services.objects, digest, request)
    name = posixpath.basename(place.path)
    made.headers["X-Content-Type-Options"] = "nosniff"
    made.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    made.media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return made


async def delete(services: Services, place: Place) -> None:
    """A file, or all below a folder; silent where there is none."""

    def work(write: Write) -> None:
        runs.active(write, place.run_id)
        run_files.remove_files(write, place.run_id, _sizes(write, place.run_id, place.path))

    await services.database.write(work)


def place_of(read: Read, path: str) -> Place:
    """Of `EXPERIMENT/RUN/artifacts[/…]`, as artifact addresses have it. Raises MlflowError for other paths."""
    parts = _clean(path).split("/")
    if len(parts) >= 3 and parts[2] == "artifacts" and parts[0].isdigit():
        return Place(parts[1], "/".join(parts[3:]))
    raise MlflowError(f"No such artifact: '{path[:200]}'", MISSING)


def _file_place(read: Read, place: Place) -> None:
    runs.active(read, place.run_id)
    if not place.path:
        raise MlflowError("Invalid path: a file has a name.")
    if clash := _clash(place.path, run_files.files(read, place.run_id)):
        raise MlflowError(f"Invalid path: {clash}")


def _clash(path: str, there: Iterable[Any]) -> str:
    """Why a file cannot be there: it would be a folder of others, or lie below one."""
    for file in there:
        if file.name.startswith(f"{path}/"):
            return f"'{path}' is a folder."
        if path.startswith(f"{file.name}/"):
            return f"'{file.name}' is a file."
    return ""


def _sizes(read: Read, run_id: str, path: str) -> dict[str, int]:
    """The file of this path, or those below it."""
    found = run_files.files(read, run_id, path)
    return {
        file.name: file.size
        for file in found
        if not path or file.name == path or file.name.startswith(f"{path}/")
    }


def _entries(sizes: Mapping[str, int], path: str, *, whole: bool) -> list[dict[str, Any]]:
    """What lies directly in the folder `path`; `whole`: by names from the root on. Of a file there is nothing."""
    start = f"{path}/" if path else ""
    folders: dict[str, dict[str, Any]] = {}
    for name, size in sizes.items():
        if not name.startswith(start):
            continue
        first, slash, _ = name[len(start) :].partition("/")
        shown = start + first if whole else first
        folders.setdefault(
            first,
            {"path": shown, "is_dir": True} if slash else {"path": shown, "is_dir": False, "file_size": size},
        )
    return [folders[name] for name in sorted(folders)]


def _clean(path: str) -> str:
    """Raises MlflowError for what leads out of the folder, or looks as if it did when it is decoded again."""
    plain = path
    for _ in range(3):
        parts = plain.replace("\\", "/").split("/")
        if (
            len(plain) > _LONGEST
            or "\0" in plain
            or ".." in parts
            or plain.startswith(("/", "\\"))
            or "://" in plain
        ):
            raise MlflowError("Invalid path")
        if (decoded := unquote(plain)) == plain:
            break
        plain = decoded
    normal = posixpath.normpath(path) if path else ""
    return "" if normal == "." else normal
