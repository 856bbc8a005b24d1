"""Where a workspace's database is: the file in its folder, or a database of PostgreSQL that a file there names."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from faena.kernel.durable import write_atomically
from faena.kernel.errors import UserErrorException, WorkspaceException

RECORD = "database"
"""The file that names it, which only its user may read: there may be a password in it."""
_UNTRIED = "database-untried"
"""A file that is there until the database that was chosen has been opened once, and is this workspace's."""
_LARGEST = 4096
_SCHEMES = ("postgresql", "postgres")


def place(folder: Path) -> Path | str:
    """A path or a URL; `folder`: the `.faena` folder. Raises WorkspaceException where the record cannot be read."""
    try:
        with (folder / RECORD).open("rb") as file:
            url = file.read(_LARGEST + 1).decode().strip()
    except FileNotFoundError:
        return folder / "faena.db"
    except (OSError, UnicodeDecodeError) as error:
        raise WorkspaceException(
            f"{folder / RECORD}, which names the database, cannot be read: {error}."
        ) from error
    try:
        check(url)
    except UserErrorException as error:
        raise WorkspaceException(f"{folder / RECORD} names no database: {error.message}") from error
    return url


def check(url: str) -> SplitResult:
    """Raises UserErrorException for what is no URL of PostgreSQL."""
    with suppress(ValueError):
        parts = urlsplit(url)
        is_whole = parts.scheme in _SCHEMES and parts.path.strip("/") and _hosts(parts)
        if is_whole and len(url) < _LARGEST and url.isprintable():
            return parts
    raise UserErrorException(
        "The database is given as postgresql://user@host/name: with the name of a database."
    )


def shown(url: str) -> str:
    """Without its password, and without what else it says of how to connect."""
    parts = check(url)
    return f"postgresql://{_host(parts)}/{_name(parts)}"


def choose(folder: Path, url: str) -> None:
    """Keep the workspace's database at `url` from now on. With another password or user it is the same one.

    So it is with other hosts beside one that was known: a replica, which takes its place one day.

    Raises WorkspaceException where the workspace has another database already. One that was chosen, and could not be
    opened since, is none that it has.
    """
    parts = check(url)
    before = place(folder)
    if isinstance(before, Path):
        if before.exists() and before.stat().st_size:
            raise WorkspaceException(
                f"The workspace in {folder.parent} has its database in {before}. Bring it to PostgreSQL first: `faena "
                "server move-database URL`."
            )
        (folder / _UNTRIED).touch(0o600)
    elif (folder / _UNTRIED).exists():
        pass
    elif _name(found := check(before)) != _name(parts) or not _hosts(found) & _hosts(parts):
        raise WorkspaceException(
            f"The workspace in {folder.parent} has its database at {shown(before)}, not at {shown(url)}. Give that "
            "one. Where it has moved to another host, name both once: postgresql://user@new,old/name."
        )
    move_to(folder, url)


def is_ours(folder: Path) -> None:
    """Note that the database is there, and this workspace's: it has no other one from now on."""
    (folder / _UNTRIED).unlink(missing_ok=True)


def move_to(folder: Path, url: str) -> None:
    """Say that the database is there from now on."""
    write_atomically(folder / RECORD, f"{url}\n".encode(), mode=0o600)


def _host(parts: SplitResult) -> str:
    return ",".join(_places(parts))


def _hosts(parts: SplitResult) -> set[str]:
    return set(_places(parts))


def _places(parts: SplitResult) -> list[str]:
    """Each host with its port, or the folder of its socket. Raises ValueError for what is no port."""
    if not (hosts := parts.netloc.rpartition("@")[2]):
        return dict(parse_qsl(parts.query)).get("host", "").split(",")
    return [_one(host) for host in hosts.split(",")]


def _one(host: str) -> str:
    found = urlsplit(f"//{host}")
    return f"{found.hostname or ''}:{found.port}" if found.port else found.hostname or ""


def _name(parts: SplitResult) -> str:
    return unquote(parts.path.strip("/"))
