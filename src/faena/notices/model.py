"""Who is told of which ends of runs, and how. No I/O."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterator, Sequence
from enum import StrEnum
from urllib.parse import urlsplit

from msgspec import Struct

from faena.kernel.clock import Micros
from faena.kernel.errors import UserErrorException
from faena.kernel.hidden import hiding
from faena.runs.model import RunStatus

LONGEST = 2000
"""Characters of an address or a command."""
ENDS = tuple(status.value for status in RunStatus if status.is_terminal())
_PAUSES = (10.0, 60.0, 300.0, 1800.0, 7200.0)
"""Seconds between two tries to bring a notice."""
_MAIL = re.compile(r"[^\s@<>()\[\],;:\\\"]{1,64}@[A-Za-z0-9.-]{1,253}", re.ASCII)

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Way(StrEnum):
    WEBHOOK = "webhook"
    MAIL = "mail"
    COMMAND = "command"


class Rule(Struct, frozen=True):
    id: str
    owner: str
    """A person of a shared server; empty: who is on the server's host."""
    way: Way
    shown: str
    """Where to, without what may be secret in it."""
    experiment: str | None
    """Of which runs; None: of all."""
    ends: tuple[str, ...]
    """States that are told of."""
    below: bool
    """Also runs below others, such as trials of sweeps."""
    created_at: Micros

    def concerns(self, experiment: str, status: str, *, is_below: bool) -> bool:
        return self.experiment in (None, experiment) and status in self.ends and (self.below or not is_below)


class Notice(Struct, frozen=True):
    """One end of a run, for one rule. It keeps its id however often it is tried."""

    id: str
    rule: str
    run_id: str
    tries: int
    created_at: Micros


class Target(Struct, frozen=True):
    """What is kept encrypted, apart from the database: the address or command, and what webhooks are signed with."""

    to: str
    key: str

    __repr__ = hiding("to", "key")


def pause_after(tries: int) -> float | None:
    """Seconds until the next one after so many that failed; None: no more."""
    return _PAUSES[tries - 1] if tries <= len(_PAUSES) else None


def checked_ends(ends: Sequence[str]) -> tuple[str, ...]:
    if strange := sorted(set(ends) - set(ENDS)):
        raise UserErrorException(f"No run ends as {strange[0][:80]!a}. Use {', '.join(ENDS)}.")
    return tuple(each for each in ENDS if each in ends) or ENDS


def checked_target(way: Way, to: str) -> str:
    """What may be shown of it. Raises UserErrorException for what can be none, without showing it: it may be secret."""
    if not 1 <= len(to) <= LONGEST or not to.isprintable():
        raise UserErrorException(
            f"The {way} has {len(to):,} characters, or some that cannot be printed. Use 1 to {LONGEST:,}."
        )
    match way:
        case Way.WEBHOOK:
            return _shown_address(to)
        case Way.MAIL:
            if not _MAIL.fullmatch(to):
                raise UserErrorException(
                    f"{to[:80]!a} is no address for mail. Use one such as ada@example.org."
                )
            return to
        case Way.COMMAND:
            return f"{to.split()[0][:60]} …" if len(to.split()) > 1 else to[:60]


def _shown_address(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not host or not host.isascii():
        raise UserErrorException(
            "A webhook is an address that begins with https:// or http:// and names a host."
        )
    if parts.username is not None or parts.password is not None:
        raise UserErrorException(
            "Leave user and password out of the webhook's address; what it is sent is signed."
        )
    shown = f"[{host}]" if ":" in host else host
    return (
        f"{parts.scheme}://{shown}"
        + (f":{port}" if port else "")
        + ("/…" if parts.path not in ("", "/") else "")
    )


def may_reach(address: str, networks: Collection[Network]) -> bool:
    """Whether people of a shared server may have something sent there: the public network, and `networks`.

    What is in the server's own network (loopback, private, link-local with a cloud's metadata) trusts who is in it.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(
        (each.is_global and not each.is_multicast) or any(each in network for network in networks)
        for each in (found, *_within(found))
    )


def _within(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Iterator[ipaddress.IPv4Address]:
    """Addresses of IPv4 that one of IPv6 leads to."""
    if isinstance(address, ipaddress.IPv6Address):
        for each in (address.ipv4_mapped, address.sixtofour, *(address.teredo or ())):
            if each is not None:
                yield each
        if address in _NAT64:
            yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
