"""How a shared server is set up: by its environment, a file or flags, which count in the reverse order."""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from faena.kernel.errors import UserErrorException
from faena.kernel.hidden import hiding
from faena.people.openid import settings as openid
from faena.people.openid.settings import OpenId
from faena.workspaces import database_place, objects_place

PREFIX = "FAENA_SERVER_"
MAIL_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
"""Of mail servers, by how they are spoken with."""
_LARGEST = 1 << 16
_DEFAULT_ADDRESS = "127.0.0.1"
_DEFAULT_PORT = 8443
_LONGEST_DRAIN = 600


class Settings(Struct, frozen=True):
    address: str = _DEFAULT_ADDRESS
    """An address of this host: 0.0.0.0 for all of IPv4, :: for all."""
    port: int = _DEFAULT_PORT
    """0: a free one."""
    certificate: Path | None = None
    """A file with the chain, as PEM. None: the server makes one of its own, which tokens name by its fingerprint."""
    key: Path | None = None
    names: tuple[str, ...] = ()
    """By which people reach it, the first of them in what it prints."""
    url: str = ""
    """At which people's browsers find it, in links that it sends; empty: by the first name and its own port."""
    owner: str = ""
    """Who is made the first owner, where there is nobody; empty: the user who starts it."""
    database: str = ""
    """The URL of a database of PostgreSQL; empty: the one that the workspace has, at first a file in its folder."""
    objects: str = ""
    """The URL of a bucket; empty: where the workspace has them, at first in its folder."""
    objects_cache: float = objects_place.CACHE_GB
    """Gigabytes of a bucket's objects that the folder may hold."""
    log_format: str = "text"
    """Or `json`: an object a line, and a line for each request."""
    drain: float = 0.0
    """Seconds for which it goes on after SIGTERM, while `/ready` says that it leaves."""
    mail_server: str = ""
    """`smtps://user:password@host`, or with smtp+starttls or smtp; empty: no notice goes by mail."""
    mail_from: str = ""
    """From whom notices come; empty: faena at the mail server."""
    notice_networks: tuple[str, ...] = ()
    """Networks, such as 10.0.0.0/8, that webhooks of people may reach beside the public one."""
    openid: OpenId | None = None
    """By which issuer people may sign in on the pages; None: by their tokens alone."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks of balancers, whose X-Forwarded-For says where a request comes from."""

    __repr__ = hiding("database", "mail_server")


_FIELDS = {
    "address": "an address of this host, such as 0.0.0.0",
    "port": "a number from 0 to 65535",
    "certificate": "a file with a certificate, as PEM",
    "key": "the file with its key, as PEM",
    "names": "names of this host, with commas between",
    "url": "the address of its pages, such as https://faena.example.org",
    "owner": "the name of the first owner",
    "database": "the URL of a database, such as postgresql://user@host/name",
    "objects": "the URL of a bucket, such as s3://name/prefix",
    "objects_cache": "a number of gigabytes",
    "log_format": "text or json",
    "drain": "seconds, from 0 to 600",
    "mail_server": f"the address of a mail server, such as smtps://host: one of {', '.join(MAIL_PORTS)}",
    "mail_from": "an address for mail",
    "notice_networks": "networks such as 10.0.0.0/8, with commas between",
    "trusted_proxies": "networks of balancers, such as 10.0.0.0/8, with commas between",
    **openid.FIELDS,
}
"""What each is, for whoever gave something else."""

_NAME = re.compile(r"[^\s/@]{1,255}")
_OTHERS = ("idle_seconds", "settings")
"""Of any server; and the name of the file."""


def read(
    environment: Mapping[str, str] = os.environ,
    file: Path | None = None,
    flags: Mapping[str, str] | None = None,
) -> Settings:
    """Raises UserErrorException, which names all that is wrong."""
    wrong: list[str] = []
    given = {
        name: environment[PREFIX + name.upper()] for name in _FIELDS if environment.get(PREFIX + name.upper())
    }
    known = {PREFIX + name.upper() for name in (*_FIELDS, *_OTHERS)}
    strange = sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
    wrong += [f"{name} is no setting" for name in strange]
    chosen = file or (Path(named) if (named := environment.get(f"{PREFIX}SETTINGS")) else None)
    from_file = {} if chosen is None else _of_file(chosen, wrong)
    found = from_file | given | {name: value for name, value in (flags or {}).items() if value}
    made = Settings(
        address=_address(found.get("address", _DEFAULT_ADDRESS), wrong),
        port=_port(found.get("port", str(_DEFAULT_PORT)), wrong),
        certificate=_readable("certificate", found, wrong),
        key=_readable("key", found, wrong),
        names=_names(found.get("names", ""), wrong),
        url=_url(found.get("url", ""), wrong),
        owner=found.get("owner", ""),
        database=_database(found.get("database", ""), wrong),
        objects=_bucket(found.get("objects", ""), wrong),
        log_format=_log_format(found.get("log_format", "text"), wrong),
        drain=_seconds(found.get("drain", "0"), wrong),
        objects_cache=_gigabytes(found.get("objects_cache", str(objects_place.CACHE_GB)), wrong),
        mail_server=_mail_server(found.get("mail_server", ""), wrong),
        mail_from=found.get("mail_from", ""),
        notice_networks=_networks("notice_networks", found, wrong),
        trusted_proxies=_networks("trusted_proxies", found, wrong),
        openid=openid.read(found, wrong),
    )
    if "database" in (flags or {}) and ":" in found["database"].partition("@")[0].partition("//")[2]:
        wrong.append(
            "the database's password is among the arguments, which everybody on this host can read: give the URL by "
            f"{PREFIX}DATABASE or in the file"
        )
    if ("certificate" in found) != ("key" in found):
        wrong.append("a certificate and its key are given together, or neither is")
    if wrong:
        what = "".join(f"\n- {fault}" for fault in wrong) if len(wrong) > 1 else f" {wrong[0]}."
        raise UserErrorException(
            f"The server's settings, which docs/server.md describes, cannot be used:{what}"
        )
    return made


def as_given(
    environment: Mapping[str, str], file: Path | None = None, flags: Mapping[str, str] | None = None
) -> dict[str, str]:
    """What another process reads the same from: variables, and the file as it is then."""
    names = {name: PREFIX + name.upper() for name in (*_FIELDS, "settings")}
    given = {each: environment[each] for each in names.values() if environment.get(each)}
    given |= {names[name]: value for name, value in (flags or {}).items() if value}
    if file is not None:
        given[names["settings"]] = str(file)
    if path := given.get(names["settings"]):
        given[names["settings"]] = str(Path(path).absolute())
    return given


def as_environment(settings: Settings) -> dict[str, str]:
    """What another process reads them from again."""
    told = {
        "address": settings.address,
        "port": str(settings.port),
        "certificate": str(settings.certificate or ""),
        "key": str(settings.key or ""),
        "names": ",".join(settings.names),
        "url": settings.url,
        "owner": settings.owner,
        "database": settings.database,
        "objects": settings.objects,
        "objects_cache": str(settings.objects_cache),
        "log_format": "" if settings.log_format == "text" else settings.log_format,
        "drain": str(settings.drain or ""),
        "mail_server": settings.mail_server,
        "mail_from": settings.mail_from,
        "notice_networks": ",".join(settings.notice_networks),
        "trusted_proxies": ",".join(settings.trusted_proxies),
        **openid.as_texts(settings.openid),
    }
    return {PREFIX + name.upper(): value for name, value in told.items() if value}


def _of_file(path: Path, wrong: list[str]) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            wrong.append(f"{path} has more than {_LARGEST:,} bytes")
            return {}
        found = tomllib.loads(data.decode())
    except (OSError, ValueError, RecursionError) as error:
        wrong.append(f"{path} cannot be read ({error})")
        return {}
    wrong += [f"{path}: {name[:80]!a} is no setting" for name in sorted(found.keys() - _FIELDS.keys())]
    texts = {}
    for name in found.keys() & _FIELDS.keys():
        value = found[name]
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            value = ",".join(value)
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            wrong.append(f"{path}: {name} is {str(value)[:80]!a}, not {_FIELDS[name]}")
            continue
        texts[name] = str(value)
    return texts


def _address(text: str, wrong: list[str]) -> str:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        wrong.append(f"address is {text[:80]!a}, not {_FIELDS['address']}")
    return text


def _port(text: str, wrong: list[str]) -> int:
    if not text.isascii() or not text.isdigit() or not len(text) <= 5 or not int(text) <= 65535:
        wrong.append(f"port is {text[:80]!a}, not {_FIELDS['port']}")
        return 0
    return int(text)


def _names(text: str, wrong: list[str]) -> tuple[str, ...]:
    names = tuple(each.strip() for each in text.split(",") if each.strip())
    wrong += [
        f"names has {name[:80]!a}, not a name of this host, such as faena.example.org"
        for name in names
        if not _NAME.fullmatch(name)
    ]
    return names


def _url(text: str, wrong: list[str]) -> str:
    with suppress(ValueError):
        parts = urlsplit(text)
        origin = f"{parts.scheme}://{parts.netloc}"
        is_reached = (
            parts.scheme in ("https", "http") and parts.hostname and "@" not in origin and parts.port != 0
        )
        if not text or (is_reached and text in (origin, f"{origin}/") and text.isprintable()):
            return text.rstrip("/")
    wrong.append(f"url is {text[:80]!a}, not {_FIELDS['url']}")
    return ""


def _database(url: str, wrong: list[str]) -> str:
    try:
        if url:
            database_place.check(url)
    except UserErrorException:
        wrong.append(f"database is not {_FIELDS['database']}")  # itself it may hold a password
    return url


def _bucket(url: str, wrong: list[str]) -> str:
    try:
        if url:
            objects_place.parsed(url)
    except UserErrorException:
        wrong.append(f"objects is not {_FIELDS['objects']}, with endpoint and region behind ? and no keys")
    return url


def _log_format(text: str, wrong: list[str]) -> str:
    if text not in ("text", "json"):
        wrong.append(f"log_format is {text[:80]!a}, not {_FIELDS['log_format']}")
    return text


def _seconds(text: str, wrong: list[str]) -> float:
    with suppress(ValueError):
        if 0 <= (found := float(text)) <= _LONGEST_DRAIN:
            return found
    wrong.append(f"drain is {text[:80]!a}, not {_FIELDS['drain']}")
    return 0.0


def _gigabytes(text: str, wrong: list[str]) -> float:
    try:
        return objects_place.check_cache(text)
    except UserErrorException:
        wrong.append(f"objects_cache is {text[:80]!a}, not {_FIELDS['objects_cache']}")
        return objects_place.CACHE_GB


def _mail_server(url: str, wrong: list[str]) -> str:
    try:
        parts = urlsplit(url)
        fine = not url or (parts.scheme in MAIL_PORTS and bool(parts.hostname) and parts.port != 0)
    except ValueError:
        fine = False
    if not fine:
        wrong.append(f"mail_server is not {_FIELDS['mail_server']}")  # itself it may hold a password
    return url if fine else ""


def _networks(name: str, found: Mapping[str, str], wrong: list[str]) -> tuple[str, ...]:
    named = tuple(each.strip() for each in found.get(name, "").split(",") if each.strip())
    try:
        return tuple(str(ipaddress.ip_network(each)) for each in named)
    except ValueError as error:
        wrong.append(f"{name}: {error}")
        return ()


def _readable(name: str, found: Mapping[str, str], wrong: list[str]) -> Path | None:
    if name not in found:
        return None
    path = Path(found[name]).expanduser().absolute()
    try:
        with path.open("rb") as file:
            if b"-----BEGIN" not in file.read(_LARGEST):
                wrong.append(f"{name} is {str(path)!a}, which is not {_FIELDS[name]}")
    except OSError as error:
        wrong.append(f"{name} is {str(path)!a}, which cannot be read ({error.strerror})")
    return path
