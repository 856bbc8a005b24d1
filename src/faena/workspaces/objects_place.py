"""Where a workspace's objects are: in its folder, or in a bucket that a file there names, with the folder as cache."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import msgspec
from msgspec import Struct, field

from faena.kernel.durable import sync_folder, write_atomically
from faena.kernel.errors import UserErrorException, WorkspaceException

RECORD = "objects-place"
CACHE_GB = 20.0
"""What the folder may take, unless told otherwise."""
_LARGEST = 4096
_OPTIONS = {"s3": ("endpoint", "region"), "az": ("account", "endpoint"), "gs": ("endpoint",)}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
_PREFIX = re.compile(r"[A-Za-z0-9._/-]{0,500}")


class Place(Struct, frozen=True):
    """A bucket."""

    url: str
    """s3://, az:// or gs://, with its name and a prefix; how it is reached may follow as `?endpoint=…&region=…`."""
    cache_gb: float = CACHE_GB

    @property
    def address(self) -> Address:
        return parsed(self.url)


class Address(Struct, frozen=True):
    scheme: str
    bucket: str
    prefix: str
    options: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.prefix}".rstrip("/")


def place(folder: Path) -> Place | None:
    """None: in the folder alone. `folder`: the `.faena` folder. Raises WorkspaceException for a record that is none."""
    try:
        with (folder / RECORD).open("rb") as file:
            found = msgspec.json.decode(file.read(_LARGEST + 1), type=Place)
        parsed(found.url)
        check_cache(str(found.cache_gb))
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UserErrorException) as error:
        raise WorkspaceException(
            f"{folder / RECORD}, which names the bucket of the objects, cannot be used: {error}."
        ) from error
    return found


def parsed(url: str) -> Address:
    """Raises UserErrorException for what is no bucket, and for one with a password in it, which is not repeated."""
    with suppress(ValueError):
        parts = urlsplit(url)
        known = _OPTIONS.get(parts.scheme, ())
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        prefix = parts.path.strip("/")
        if (
            known
            and len(url) < _LARGEST
            and url.isprintable()
            and _NAME.fullmatch(parts.netloc)
            and _PREFIX.fullmatch(prefix)
            and not {"", ".", ".."}.intersection(prefix.split("/") if prefix else ())
            and not parts.fragment
            and options.keys() <= set(known)
            and _is_reachable(options.get("endpoint", "http://a"))
        ):
            return Address(parts.scheme, parts.netloc, prefix, options)
    raise UserErrorException(
        "The bucket of the objects is given as s3://name/prefix, az://container/prefix or gs://name/prefix, where "
        "needed with ?endpoint=https://host&region=name behind (az: account). Keys are given by the environment"
    )


def check_cache(gigabytes: str) -> float:
    """Raises UserErrorException for what is no number of gigabytes."""
    with suppress(ValueError):
        if 0 <= (found := float(gigabytes)) <= 10**6:
            return found
    raise UserErrorException(f"The cache of objects is {gigabytes[:80]!a}, not a number of gigabytes.")


def choose(folder: Path, wanted: Place) -> None:
    """Keep the workspace's objects there from now on. With another endpoint or cache it is the same bucket.

    Raises WorkspaceException where the workspace has its objects elsewhere already.
    """
    address = parsed(wanted.url)
    before = place(folder)
    if before is None:
        if any(path for path in folder.glob("objects/??/*")):
            raise WorkspaceException(
                f"The workspace in {folder.parent} has its objects in its folder. `faena server move-objects "
                f"{address}` brings them to the bucket."
            )
    elif str(before.address) != str(address):
        raise WorkspaceException(
            f"The workspace in {folder.parent} has its objects in {before.address}, not in {address}. Give that one, "
            "or make a new workspace."
        )
    if wanted != before:
        note(folder, wanted)


def note(folder: Path, wanted: Place | None) -> None:
    """Whoever calls has seen to it that they are there. None: in the folder alone."""
    if wanted is None:
        (folder / RECORD).unlink(missing_ok=True)
        sync_folder(folder)
    else:
        write_atomically(folder / RECORD, msgspec.json.encode(wanted) + b"\n", mode=0o600)


def _is_reachable(endpoint: str) -> bool:
    parts = urlsplit(endpoint)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
