"""Addresses of PostgreSQL that name several hosts, of which one takes the place of another: as its own programs do.

postgresql://faena@db1:5432,db2:5433/faena
"""

from __future__ import annotations

from urllib.parse import quote

_WHICH = "target_session_attrs"


def hosts_of(url: str) -> tuple[str, ...]:
    """As they are given, each with its port where it has one; in brackets where it is a number of IPv6."""
    place = url.partition("://")[2].partition("?")[0].partition("/")[0].rpartition("@")[2]
    return tuple(place.split(",")) if place else ()


def several_hosts(url: str) -> str:
    """The same address with its hosts among the options, where there are several; others as they are.

    Of several, that is used which can be written: a replica is not, until it has taken the other's place. PostgreSQL's
    own `read-write` would not take a connection that is only for reading.
    """
    url = url.replace(f"{_WHICH}=read-write", f"{_WHICH}=primary")
    hosts = hosts_of(url)
    if len(hosts) < 2:
        return url
    before, _, after = url.partition("://")
    place, slash, rest = after.partition("/")
    user, at, _ = place.rpartition("@")
    path, _, options = rest.partition("?")
    names, ports = zip(*(_parts(host) for host in hosts), strict=True)
    told = [f"host={quote(','.join(names), safe='')}", f"port={quote(','.join(ports), safe='')}"]
    if options:
        told.append(options)
    if f"{_WHICH}=" not in options:
        told.append(f"{_WHICH}=primary")
    return f"{before}://{user}{at}{slash}{path}?{'&'.join(told)}"


def _parts(host: str) -> tuple[str, str]:
    name, bracket, after = host.rpartition("]")
    if bracket:
        return name.lstrip("["), after.lstrip(":")
    name, _, port = host.partition(":")
    return name, port
