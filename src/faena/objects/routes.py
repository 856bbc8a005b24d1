"""HTTP of objects."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from litestar import Request, Response, get, post, put
from litestar.datastructures import State
from litestar.response import Stream
from msgspec import Struct

from faena.db import Database
from faena.kernel import batches, digests
from faena.kernel.errors import UserErrorException
from faena.kernel.lanes import BYTES
from faena.kernel.on_host import HostFile
from faena.kernel.rights import CONTRIBUTE, READ
from faena.kernel.routing import SOME_BYTES, Router
from faena.objects import admission, ranges, uploads
from faena.objects.service import Objects
from faena.objects.uploads import Uploads, UploadView

SENT_AT_MOST = 5 << 30
ADDRESS_S = 600.0


class Wanted(Struct, frozen=True, forbid_unknown_fields=True):
    digests: list[str]


class LocalFile(Struct, frozen=True, forbid_unknown_fields=True):
    path: HostFile


@post(
    "/missing",
    status_code=200,
    summary="Which of these objects are not here",
    request_max_body_size=batches.LONGEST_LIST,
    opt=READ,
)
async def missing(data: Wanted, objects: Objects) -> list[str]:
    return await objects.missing(data.digests)


@post(
    "/bring",
    status_code=200,
    summary="Have objects as files of the server's host, as a node there reads them; which of them are not here",
    request_max_body_size=batches.LONGEST_LIST,
    opt=READ,
)
async def bring(data: Wanted, objects: Objects) -> list[str]:
    return await BYTES.run(objects.files.bring, [digests.check(digest) for digest in data.digests])


@put(
    "/{digest:str}",
    status_code=204,
    summary="Send an object's bytes",
    request_max_body_size=SENT_AT_MOST,
    opt=CONTRIBUTE,
)
async def send(
    digest: str, request: Request[None, None, State], objects: Objects, database: Database
) -> None:
    digests.check(digest)
    await admission.ask(database, _told_size(request))
    await objects.receive(request.stream(), expected=digest)


@post(
    "/batch",
    status_code=204,
    summary="Send many small objects",
    request_max_body_size=2 * batches.MOST_BYTES,
    opt=CONTRIBUTE,
)
async def send_batch(request: Request[None, None, State], objects: Objects, database: Database) -> None:
    await admission.ask(database, _told_size(request))
    body = await request.body()
    await objects.put_all(await asyncio.to_thread(batches.read, body))


@post(
    "/several",
    status_code=200,
    summary="Many small objects in one, as they are sent; what is not here, or not small, is left out",
    media_type=SOME_BYTES,
    request_max_body_size=batches.LONGEST_LIST,
    opt=READ,
)
async def receive_several(data: Wanted, objects: Objects) -> Response[bytes]:
    found = await objects.small([digests.check(digest) for digest in data.digests])
    return Response(await asyncio.to_thread(batches.write, found), media_type=SOME_BYTES)


@put(
    "/{digest:str}/file",
    status_code=204,
    summary="Take an object from a file of the server's own host",
    opt=CONTRIBUTE,
)
async def take_file(digest: str, data: LocalFile, objects: Objects, database: Database) -> None:
    digests.check(digest)
    await admission.ask(database, 0)
    # reading a pipe or a device would never end; a NUL or an overlong name is no file either
    if not Path(data.path).is_absolute() or not await asyncio.to_thread(os.path.isfile, data.path):
        raise UserErrorException(
            f"There is no file {data.path[:300]!r}. Give a regular file's absolute path."
        )
    await objects.put_file(Path(data.path), expected=digest)


class StoredAt(Struct, frozen=True):
    url: str
    """Of this one object, for GET, for ten minutes; empty: ask for its bytes here."""


@get(
    "/{digest:str}/address",
    summary="Where the bucket itself gives a large object's bytes; null where there is none that others reach",
    opt=READ,
)
async def address(digest: str, objects: Objects) -> StoredAt | None:
    url = await BYTES.run(objects.files.address, digests.check(digest), ADDRESS_S)
    return None if url is None else StoredAt(url)


@get(
    "/{digest:str}",
    summary="An object's bytes",
    media_type=SOME_BYTES,
    responses=ranges.REST,
    opt=READ,
)
async def receive(digest: str, objects: Objects, request: Request[None, None, State]) -> Stream:
    return await ranges.of_object(objects, digest, request)


@get("/{digest:str}", summary="How much of an object is here", opt=READ)
async def look_at_upload(digest: str, sent: Uploads) -> UploadView:
    return await sent.look(digests.check(digest))


@put(
    "/{digest:str}",
    status_code=200,
    summary="Send the next piece of an object; repeating it has no second effect",
    request_max_body_size=SENT_AT_MOST,
    opt=CONTRIBUTE,
)
async def send_piece(
    digest: str,
    offset: int,
    size: int,
    sent: Uploads,
    database: Database,
    request: Request[None, None, State],
) -> UploadView:
    uploads.check(digest, offset, size)
    if offset == 0:  # what has begun is brought to its end
        await admission.ask(database, size)
    return await sent.receive(digest, offset, size, request.stream())


def _told_size(request: Request[None, None, State]) -> int:
    told = request.headers.get("content-length", "")
    return int(told) if told.isascii() and told.isdigit() else 0


routers = [
    Router(
        "/objects",
        route_handlers=[missing, bring, send, send_batch, receive_several, take_file, address, receive],
        tags=["objects"],
    ),
    Router("/uploads", route_handlers=[look_at_upload, send_piece], tags=["objects"]),
]
