"""From whom a request comes where a balancer asks, and where processes on several hosts ask each other."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from faena.kernel.errors import UserErrorException
from faena.people.settings import Settings, as_environment, read
from faena.server.team.addresses import asked_at
from faena.server.team.proxies import behind

NETWORK = "10.1.0.0/16"


def asker(networks: tuple[str, ...], peer: str, *forwarded: bytes) -> str:
    """Whom the server takes for the one who asks; `forwarded`: what headers say of that."""
    found: list[str] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        found.append(scope["client"][0])

    headers = [(b"x-forwarded-for", value) for value in forwarded]
    scope: Any = {"type": "http", "scheme": "https", "client": (peer, 4711), "headers": headers}
    asyncio.run(behind(networks, app)(scope, None, None))  # type: ignore[arg-type]  # neither is asked
    return found[0]


@pytest.mark.parametrize(
    ("networks", "peer", "forwarded", "meant"),
    [
        ((), "10.1.0.7", (b"203.0.113.9",), "10.1.0.7"),
        ((NETWORK,), "10.1.0.7", (b"203.0.113.9",), "203.0.113.9"),
        (
            (NETWORK,),
            "10.1.0.7",
            (b"1.1.1.1, 203.0.113.9",),
            "203.0.113.9",
        ),  # what the asker made up comes first
        ((NETWORK,), "10.1.0.7", (b"1.1.1.1", b"203.0.113.9, 10.1.0.8"), "203.0.113.9"),  # two balancers
        ((NETWORK,), "203.0.113.9", (b"1.1.1.1",), "203.0.113.9"),
        ((NETWORK, "fd00::/8"), "fd00::1", (b"2001:db8::5",), "2001:db8::5"),
        ((NETWORK,), "10.1.0.7", (), "10.1.0.7"),
        ((NETWORK,), "::ffff:10.1.0.7", (b"203.0.113.9",), "203.0.113.9"),  # a listener at `::`
        ((), "::ffff:203.0.113.9", (), "203.0.113.9"),
    ],
)
def test_only_balancers_are_believed(
    networks: tuple[str, ...], peer: str, forwarded: tuple[bytes, ...], meant: str
) -> None:
    assert asker(networks, peer, *forwarded) == meant


def test_networks_of_balancers_are_a_setting() -> None:
    found = read({"FAENA_SERVER_TRUSTED_PROXIES": f"{NETWORK}, 192.0.2.1"})
    assert found.trusted_proxies == (NETWORK, "192.0.2.1/32")
    assert read(as_environment(found)) == found
    with pytest.raises(UserErrorException, match="trusted_proxies: 'all'"):
        read({"FAENA_SERVER_TRUSTED_PROXIES": "all"})


@pytest.mark.parametrize(
    ("address", "database", "place"),
    [
        ("10.0.0.5", "postgresql://faena@127.0.0.1/faena", "10.0.0.5"),
        ("0.0.0.0", Path("faena.db"), "127.0.0.1"),
        ("::", Path("faena.db"), "::1"),
        ("0.0.0.0", "postgresql:///faena?host=/run/postgresql", "127.0.0.1"),
        ("0.0.0.0", "postgresql://faena@127.0.0.2:5433/faena", "127.0.0.1"),
        ("0.0.0.0", "postgresql://faena@nowhere.invalid,127.0.0.1/faena", "127.0.0.1"),
        ("::", "postgresql://faena@127.0.0.1/faena", "::1"),
    ],
)
def test_a_process_is_asked_at_the_address_by_which_it_reaches_the_database(
    address: str, database: Path | str, place: str
) -> None:
    assert asked_at(Settings(address=address), database) == place
