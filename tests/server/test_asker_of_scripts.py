"""What a script on another machine asks of others' is answered as the person whose run it is would be."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from faena.compute.leases import Leases, Terms
from faena.compute.machines.removed import RemovedMachines
from faena.compute.machines.tokens import AttemptTokens
from faena.db import Write
from faena.people import service, sharing_store
from faena.people.model import Role
from faena.runs import store as runs
from faena.server.node_listener.authentication import Guard
from faena.workspaces import store as workspaces
from tests.databases import Databases
from tests.tidying.house import TidyHouse

HIDDEN, OWN = "e_0001", "mine_0002"


@pytest.fixture
def house(databases: Databases, tmp_path: Path) -> TidyHouse:
    """Ada owns the workspace and keeps the experiment `e` to herself; carl has a run of his own."""
    made = TidyHouse(tmp_path, open_database=databases.open)
    assert (made.run(), made.run(experiment="mine")) == (HIDDEN, OWN)

    def furnish(write: Write) -> None:
        service.put(write, "ada", Role.OWNER, 0)
        service.put(write, "carl", Role.CONTRIBUTOR, 0)
        service.put(write, "gone", Role.CONTRIBUTOR, 0)
        service.remove(write, "gone", 1)
        found = workspaces.get_experiment(write, "e")
        assert found is not None and found.id is not None
        sharing_store.keep(write, found.id, "ada", 1)

    made.database.submit_write(furnish).result()
    return made


def there(house: TidyHouse, folder: Path, user: str, path: str) -> list[str]:
    """Ids of the runs that there are for a script of `user`'s own run, by a request for `path`."""
    found: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        pages = await house.database.read(lambda read: [runs.get(read, each) for each in (HIDDEN, OWN)])
        found.extend(each.id for each in pages if each is not None)

    async def ask() -> None:
        leases = Leases(Terms(), house.clock.monotonic)
        tokens = AttemptTokens(folder)
        guard = Guard(application, house.database, tokens, "", house.clock, leases, RemovedMachines(folder))
        shown = f"Bearer {tokens.of(f'{OWN}/1/0')}".encode()
        scope: Any = {"type": "http", "method": "GET", "path": path, "headers": [(b"authorization", shown)]}
        await guard(scope, None, None)  # type: ignore[arg-type]  # nobody sends anything

    house.database.submit_write(lambda write: runs.update(write, OWN, {"user": user})).result()
    asyncio.run(ask())
    return found


@pytest.mark.parametrize(
    "path", ["/runs", f"/runs/{HIDDEN}", "/experiments/e/runs", "/sweeps/x", "/workspace"]
)
def test_what_somebody_keeps_to_themselves_is_not_there(house: TidyHouse, tmp_path: Path, path: str) -> None:
    assert there(house, tmp_path, "carl", path) == [OWN]


@pytest.mark.parametrize(
    ("user", "path", "found"),
    [
        ("ada", "/runs", [HIDDEN, OWN]),
        ("somebody on the server's host", "/runs", [HIDDEN, OWN]),
        ("gone", "/runs", [OWN]),
        ("carl", f"/runs/{OWN}", [HIDDEN, OWN]),
        ("carl", f"/attempts/{OWN}/1/0/ship", [HIDDEN, OWN]),
    ],
)
def test_who_sees_all(house: TidyHouse, tmp_path: Path, user: str, path: str, found: list[str]) -> None:
    """An owner's script, one that was submitted on the server's host, and what is the run's own to ask for."""
    assert there(house, tmp_path, user, path) == found
