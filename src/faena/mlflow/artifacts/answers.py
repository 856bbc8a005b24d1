"""Artifacts listed, sent, taken, removed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any

from litestar import Request
from litestar.response import Stream
from litestar.types import Receive
from msgspec import Struct

from faena.db import Read, Write
from faena.kernel import file_names
from faena.mlflow import bodies, found
from faena.mlflow.artifacts import addresses, loose, sending
from faena.mlflow.artifacts.trees import LoggedModelFiles, RunFiles, Tree
from faena.mlflow.artifacts.whole_files import WholeFile
from faena.mlflow.errors import MlflowError, missing_value
from faena.mlflow.fields import REQUIRED
from faena.mlflow.requests import ById
from faena.mlflow.services import Services
from faena.models.logged import service as logged_models
from faena.objects.fresh import LARGEST
from faena.runs import byte_quotas
from faena.tracking.model import StoredFile
from faena.workspaces import store as workspaces

_LONGEST_NAME = 255
"""Bytes: what file systems take."""
_MOST_UPLOADED = 10 << 20
"""Bytes of a file that a page sends."""


class ListRun(ById):
    path: str | None = None
    page_token: str | None = None


class OfRun(Struct):
    """As MLflow's page asks for one."""

    run_id: str | None = None
    run_uuid: str | None = None
    path: str | None = None


class OfModel(Struct):
    """A file of a logged model, as MLflow's page asks for it."""

    model_id: str = ""
    artifact_file_path: Annotated[str | None, REQUIRED] = None


class ListModel(Struct):
    model_id: str = ""
    artifact_directory_path: str | None = None
    page_token: str | None = None


def of_run(services: Services, asked: ListRun) -> Any:
    run_id, path = asked.id, addresses.clean(asked.path or "")

    def work(read: Read) -> dict[str, Any]:
        run = found.run(read, run_id)
        root = addresses.of_run(workspaces.get_experiment(read, run.experiment), run)
        return {"root_uri": root, "files": _entries(_below(read, RunFiles(run_id), path), path, whole=True)}

    return services.database.read(work)


def of_logged_model(services: Services, asked: ListModel) -> Any:
    path = addresses.clean(asked.artifact_directory_path or "")

    def work(read: Read) -> dict[str, Any]:
        model = logged_models.get(read, asked.model_id)
        root = addresses.of_logged_model(read, model)
        return {
            "root_uri": root,
            "files": _entries(_below(read, LoggedModelFiles(model.id), path), path, whole=True),
        }

    return services.database.read(work)


async def below(services: Services, address: str) -> dict[str, Any]:
    """What lies in a folder, without the names of the folders above it."""
    tree, path = addresses.find(address)
    if tree is None:
        entries = await loose.listed(services, path)
    else:
        files = await services.database.read(lambda read: _below(read, tree, path))
        files |= await sending.made_below(services, tree, path)
        entries = _entries(files, path, whole=False)
    return {"files": entries} if entries else {}


async def upload(services: Services, asked: OfRun, receive: Receive) -> None:
    """Take a small file into a run. Raises MlflowError in the words that clients' tests look for."""
    if not (run_id := asked.run_uuid or asked.run_id):
        raise MlflowError("Request must specify run_uuid.")
    if not asked.path:
        raise MlflowError("Request must specify path.")
    path = addresses.clean(asked.path)
    data = await bodies.whole(receive, _MOST_UPLOADED)
    if not data:
        raise MlflowError("Request must specify data.")
    await put_bytes(services, run_id, path, data)


async def put_bytes(services: Services, run_id: str, path: str, data: bytes) -> None:
    """A small file of a run; `path` is a clean one."""

    async def sent() -> AsyncIterator[bytes]:
        yield data

    await _put(services, RunFiles(run_id), path, sent())


async def send_of_run(
    services: Services, asked: OfRun, request: Request[Any, Any, Any]
) -> Stream | WholeFile:
    path = addresses.clean(asked.path or "")
    if not (run_id := asked.run_id or asked.run_uuid):
        raise missing_value("run_id")
    return await sending.send(services, RunFiles(run_id), path, request)


async def send_of_model(
    services: Services, asked: OfModel, request: Request[Any, Any, Any]
) -> Stream | WholeFile:
    path = addresses.clean(asked.artifact_file_path or "")
    return await sending.send(services, LoggedModelFiles(asked.model_id), path, request)


async def put(services: Services, address: str, request: Request[Any, Any, Any]) -> None:
    """Take a file; one of the same name is replaced, as MLflow has it."""
    tree, path = addresses.find(address)
    sent = bodies.parts(request.receive)
    told = request.headers.get("content-length", "")
    size = int(told) if told.isascii() and told.isdigit() else 0
    await (loose.put(services, path, sent) if tree is None else _put(services, tree, path, sent, size))


async def _put(services: Services, tree: Tree, path: str, sent: AsyncIterator[bytes], told: int = 0) -> None:
    """`told`: how many bytes come; 0: nobody says."""
    _check_name(path)
    if isinstance(tree, RunFiles):
        await byte_quotas.refuse_files(services.database, tree.run_id, told)
    fresh, now = services.objects.fresh, services.now()

    def refer(write: Write, digest: str, size: int) -> None:
        _check_place(write, tree, path)
        tree.put(write, path, StoredFile(digest, size), now)

    begun, is_whole = await bodies.beginning(sent, LARGEST if fresh.takes_more else 0)
    if is_whole:
        await fresh.keep(begun, lambda write, digest: refer(write, digest, len(begun)))
        return
    await services.database.read(lambda read: _check_place(read, tree, path))
    digest, size = await services.objects.receive(bodies.behind(begun, sent))
    await services.database.write(lambda write: refer(write, digest, size))


async def send(services: Services, address: str, request: Request[Any, Any, Any]) -> Stream | WholeFile:
    tree, path = addresses.find(address)
    if tree is None:
        return await sending.send_file(await loose.opened(services, path), path, request)
    return await sending.send(services, tree, path, request)


async def remove(services: Services, address: str) -> None:
    """A file, or all below a folder; silent where there is none."""
    tree, path = addresses.find(address)
    if tree is None:
        if not path:
            raise MlflowError("Invalid path: name what to remove.")
        await loose.remove(services, path)
        return

    def work(write: Write) -> None:
        tree.check_writable(write)
        tree.remove(write, _below(write, tree, path))

    await services.database.write(work)


def _check_name(path: str) -> None:
    """Raises MlflowError for what no folder could hold: whoever downloads it would fail."""
    if not path:
        raise MlflowError("Invalid path: a file has a name.")
    why = file_names.refusal(path)
    if any(len(part.encode("utf-8", "replace")) > _LONGEST_NAME for part in path.split("/")):
        why = f"has a name of more than {_LONGEST_NAME} bytes in it"
    if why is not None:
        raise MlflowError(f"Invalid path: {path[:100]!r} {why}.")


def _check_place(read: Read, tree: Tree, path: str) -> None:
    tree.check_writable(read)
    if (name := tree.in_the_way(read, path)) is not None:
        is_folder = name.startswith(f"{path}/")
        raise MlflowError(
            f"Invalid path: '{path}' is a folder." if is_folder else f"Invalid path: '{name}' is a file."
        )


def _below(read: Read, tree: Tree, path: str) -> dict[str, StoredFile]:
    """The file of this path, or those below it."""
    return {
        name: file
        for name, file in tree.files(read, path).items()
        if not path or name == path or name.startswith(f"{path}/")
    }


def _entries(files: Mapping[str, StoredFile], path: str, *, whole: bool) -> list[dict[str, Any]]:
    """What lies directly in the folder `path`; `whole`: by names from the root on. Of a file there is nothing."""
    start = f"{path}/" if path else ""
    entries: dict[str, dict[str, Any]] = {}
    for name, file in files.items():
        if not name.startswith(start):
            continue
        first, slash, _ = name[len(start) :].partition("/")
        shown = {"path": start + first if whole else first, "is_dir": bool(slash)}
        entries.setdefault(first, shown if slash else {**shown, "file_size": file.size})
    return [entries[name] for name in sorted(entries)]
