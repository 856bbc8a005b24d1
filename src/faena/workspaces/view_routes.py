"""HTTP of saved views. A browser that is signed in may save, rename and delete them."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from litestar import delete, get, patch, post

from faena.db import Database, Read, Write
from faena.kernel.clock import Clock
from faena.kernel.errors import Conflict, NotFound, UserErrorException
from faena.kernel.rights import CONTRIBUTE, READ
from faena.kernel.routing import Router
from faena.workspaces import view_store
from faena.workspaces.schemas import SavedView, SavedViewIn, SavedViewName

PAGES = ("runs", "compare")
_LONGEST_NAME, _LONGEST_QUERY, _MOST = 120, 16_000, 500


def checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise UserErrorException(
            f"A view cannot be called {name[:80]!r}. Use 1 to {_LONGEST_NAME} printable characters."
        )
    return name


def checked_query(query: str) -> str:
    """As pairs of names and values again: whatever was sent, it is what stands behind a question mark."""
    if len(query) > _LONGEST_QUERY:
        raise UserErrorException(
            f"A view's address has {len(query):,} characters. Use {_LONGEST_QUERY:,} at most."
        )
    try:
        given = parse_qsl(query.lstrip("?"), keep_blank_values=False, max_num_fields=1000)
    except ValueError as error:
        raise UserErrorException(f"A view's address cannot be read: {error}.") from error
    return urlencode([(name, value) for name, value in given if name != "after"])


@get("/", summary="Saved views of the pages", opt=READ)
async def list_views(database: Database, page: str | None = None) -> list[SavedView]:
    return await database.read(lambda read: view_store.list_views(read, page))


@post("/", summary="Save a view; one of the same name is replaced", opt=CONTRIBUTE)
async def save_view(data: SavedViewIn, database: Database, clock: Clock) -> SavedView:
    if data.page not in PAGES:
        raise UserErrorException(f"There are no views of {data.page[:80]!r}, only of {' and '.join(PAGES)}.")
    name, query = checked_name(data.name), checked_query(data.query)

    def save(write: Write) -> SavedView:
        if (
            view_store.find_view(write, data.page, name) is None
            and len(view_store.list_views(write)) >= _MOST
        ):
            raise UserErrorException(f"There are {_MOST} views. Delete one before another is saved.")
        return SavedView(
            view_store.put_view(write, data.page, name, query, clock.now()), data.page, name, query
        )

    return await database.write(save)


@patch("/{number:int}", summary="Rename a view", opt=CONTRIBUTE)
async def rename_view(number: int, data: SavedViewName, database: Database, clock: Clock) -> SavedView:
    name = checked_name(data.name)

    def rename(write: Write) -> SavedView:
        found = _get(write, number)
        other = view_store.find_view(write, found.page, name)
        if other is not None and other != number:
            raise Conflict(f"There is a view {name!r} already. Choose another name, or delete that one.")
        view_store.rename_view(write, number, name, clock.now())
        return SavedView(number, found.page, name, found.query)

    return await database.write(rename)


@delete("/{number:int}", summary="Delete a view", opt=CONTRIBUTE)
async def delete_view(number: int, database: Database) -> None:
    def remove(write: Write) -> None:
        _get(write, number)
        view_store.delete_view(write, number)

    await database.write(remove)


def _get(read: Read, number: int) -> SavedView:
    found = view_store.get_view(read, number)
    if found is None:
        raise NotFound(f"There is no view {number}. It may have been deleted.")
    return found


router = Router(
    "/views", route_handlers=[list_views, save_view, rename_view, delete_view], tags=["workspace"]
)
