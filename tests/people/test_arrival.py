"""Which person somebody is whom an issuer vouches for, on either database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from faena.db import Write
from faena.people import service, store
from faena.people.openid.admission import Identity
from faena.people.openid.arrival import arrive
from faena.people.openid.failures import NotSignedIn
from tests.databases import Databases

BOB = Identity("bob@example.org", "1" * 64)


@pytest.fixture
def do(databases: Databases, tmp_path: Path) -> Callable[[Callable[[Write], object]], object]:
    database = databases.open(tmp_path / "faena.db")
    return lambda work: database.submit_write(work).result()


def test_somebody_comes_goes_and_comes_again(do: Callable[[Callable[[Write], object]], object]) -> None:
    def work(write: Write) -> None:
        service.put(write, "ada", "owner", 1)
        with pytest.raises(NotSignedIn, match="not among the people"):
            arrive(write, BOB, "", 1)
        assert arrive(write, BOB, "reader", 2) == "bob@example.org"
        service.put(write, "bob@example.org", "contributor", 3)
        assert arrive(write, Identity("robert@example.org", BOB.subject), "reader", 4) == "bob@example.org"
        assert [(each.name, each.role) for each in store.list_people(write)] == [
            ("ada", "owner"),
            ("bob@example.org", "contributor"),
        ]
        service.remove(write, "bob@example.org", 5)
        for found in (
            BOB,
            Identity("robert@example.org", BOB.subject),
            Identity("bob@example.org", "2" * 64),
        ):
            with pytest.raises(NotSignedIn, match="was removed"):
                arrive(write, found, "reader", 6)
        service.put(write, "Bob@Example.org", "reader", 7)
        assert arrive(write, BOB, "", 8) == "Bob@Example.org"
        with pytest.raises(NotSignedIn, match="another account"):
            arrive(write, Identity("bob@example.org", "2" * 64), "reader", 9)

    do(work)


def test_names_that_are_no_addresses_are_as_they_are(
    do: Callable[[Callable[[Write], object]], object],
) -> None:
    def work(write: Write) -> None:
        service.put(write, "Eve", "owner", 1)
        with pytest.raises(NotSignedIn, match="not among"):
            arrive(write, Identity("eve", "3" * 64), "", 2)
        service.put(write, "a@b.c", "reader", 1)
        service.put(write, "A@b.c", "reader", 1)
        with pytest.raises(NotSignedIn, match="Several people"):
            arrive(write, Identity("a@b.c", "4" * 64), "", 2)

    do(work)
