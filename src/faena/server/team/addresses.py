"""Where people's listener listens, and by which address it is reached."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from pathlib import Path

from faena.kernel.errors import WorkspaceException
from faena.people.settings import Settings
from faena.server.listener.binding import bound, handed_over
from faena.server.restart.handed_on import NONE, HandedOn

BACKLOG = 1024


def host_of(settings: Settings) -> str:
    if settings.names:
        return settings.names[0]
    if ipaddress.ip_address(settings.address).is_unspecified:
        return socket.gethostname()
    return settings.address


def asked_at(settings: Settings, database: Path | str) -> str:
    """By which address other processes of the same server reach this one. May wait for the names of hosts.

    Where it listens at all of them, that is the one by which this host reaches `database`, which they reach, too.
    """
    address = ipaddress.ip_address(settings.address)
    if not address.is_unspecified:
        return settings.address
    family, loopback = (socket.AF_INET, "127.0.0.1") if address.version == 4 else (socket.AF_INET6, "::1")
    return loopback if isinstance(database, Path) else _towards(database, family) or loopback


def _towards(database: str, family: socket.AddressFamily) -> str:
    """Empty for a database on this host, and for one that is not known. Nothing is sent."""
    from psycopg.conninfo import conninfo_to_dict

    for host in str(conninfo_to_dict(database).get("host", "")).split(","):
        with suppress(OSError, UnicodeError):
            for *_, place in socket.getaddrinfo(host, 9, family, socket.SOCK_DGRAM) if host else ():
                with socket.socket(family, socket.SOCK_DGRAM) as looking:
                    looking.connect(place)
                    return str(looking.getsockname()[0])
    return ""


def given() -> socket.socket | None:
    try:
        return handed_over()
    except OSError as error:
        raise WorkspaceException(
            f"The socket that this server was given cannot be used: {error.strerror}. Give it one that listens "
            "(Accept=no)."
        ) from error


def left_by(left: HandedOn, settings: Settings) -> socket.socket | None:
    """The socket of an earlier server of this process; None where it does not listen where it is to listen now."""
    if left.people == NONE:
        return None
    listener = socket.socket(fileno=left.people)
    address, port = listener.getsockname()[:2]
    is_there = ipaddress.ip_address(address) == ipaddress.ip_address(settings.address)
    if left.is_given or (is_there and settings.port in (0, port)):
        listener.setblocking(False)
        return listener
    listener.close()
    return None


def bind(settings: Settings) -> socket.socket:
    try:
        return bound(settings.address, settings.port, BACKLOG)
    except OSError as error:
        raise WorkspaceException(
            f"{settings.address}, port {settings.port}, cannot be listened at: {error.strerror}. Give an address of "
            "this host and a port that is free."
        ) from error
