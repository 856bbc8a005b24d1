"""HTTP of a workspace's secrets. Names may be listed; a value is sent to whoever asks for it by its name."""

from __future__ import annotations

import asyncio

import msgspec
from litestar import delete, get, post, put

from faena.kernel.errors import UserErrorException
from faena.kernel.rights import CONTRIBUTE, OWN
from faena.kernel.routing import Router
from faena.workspaces.secrets import Secrets


@get("/", summary="Names of the secrets", opt=CONTRIBUTE)
async def list_secrets(secrets: Secrets) -> list[str]:
    return await asyncio.to_thread(secrets.names)


@put("/", status_code=204, summary="Set secrets, all or none", opt=CONTRIBUTE)
async def set_secrets(data: dict[str, str], secrets: Secrets) -> None:
    await asyncio.to_thread(secrets.put, data)


@post("/values", status_code=200, summary="Secrets by name; null where there is none", opt=CONTRIBUTE)
async def show_secrets(data: list[str], secrets: Secrets) -> dict[str, str | None]:
    return await asyncio.to_thread(secrets.get, data)


@delete("/", summary="Delete secrets: a JSON list of names", opt=OWN)
async def delete_secrets(names: str, secrets: Secrets) -> None:
    try:
        wanted = msgspec.json.decode(names, type=list[str])
    except (msgspec.DecodeError, RecursionError) as error:
        raise UserErrorException(f"names cannot be read: {error}. Send a JSON list of names.") from error
    await asyncio.to_thread(secrets.delete, wanted)


router = Router(
    "/secrets", route_handlers=[list_secrets, set_secrets, show_secrets, delete_secrets], tags=["workspace"]
)
