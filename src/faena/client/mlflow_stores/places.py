"""Where artifacts are on this machine: the address that a store names, or where they were moved with it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from faena.client.mlflow_stores.found import Files
from faena.data import safe_paths
from faena.kernel.errors import NotFound, UserErrorException

_TAIL = re.compile(r"(?:^|/)([^/]+/(?:models/|traces/)?[^/]+/artifacts(?:/.*)?)$")
"""Of an address: what a store of any place has below its root."""
_PROXIED = "mlflow-artifacts"
_MLMODEL = "MLmodel"
"""What the folder of a model has, wherever it is."""
MOST_FILES = 200_000


class Places:
    """`base`: the folder that relative addresses mean, in which the store lies. `given`: where a person says that
    artifacts are."""

    def __init__(self, base: Path, given: Path | None = None) -> None:
        self._base = base
        self._given = given
        self.elsewhere: dict[str, int] = {}
        """How many addresses there were that no folder of this machine is, by their beginnings."""
        self.missing: dict[str, int] = {}
        """How many folders were not there, by the folder above the experiment's."""

    @contextmanager
    def files(self, address: str, owner: str) -> Iterator[Files]:
        """Regular files below an address. `owner`: what must be a part of it, so that no other folder is taken."""
        if not address:
            yield Files()
            return
        if owner and owner not in _parted(address)[1].split("/"):
            yield Files(
                left_out=[f"its artifacts are said to be at {address[:200]!a}, where none of it can be"]
            )
            return
        root = self.folder(address)
        if root is None:
            yield Files()
        elif owner or _is_model(root) or root.resolve().is_relative_to(self._base.resolve()):
            yield listed(root)
        else:
            yield Files(left_out=[f"{root} has no {_MLMODEL}, and is no folder of the store: it is left out"])

    def folder(self, address: str) -> Path | None:
        """The folder of an address, counted where there is none."""
        scheme, path = _parted(address)
        if scheme not in ("", "file", _PROXIED):
            start = f"{scheme}://{urlsplit(address).netloc}"
            self.elsewhere[start] = self.elsewhere.get(start, 0) + 1
            return None
        for place in self._candidates(scheme, path):
            if place.is_dir():
                return place
        shown = address if scheme == _PROXIED else path
        above = shown[: -len(found[1])] if (found := _TAIL.search(shown)) else shown
        root = Path(above) if above.startswith("/") else self._base / above
        if scheme == _PROXIED or not root.is_dir():  # else it is that nothing was ever kept
            self.missing[above or "./"] = self.missing.get(above or "./", 0) + 1
        return None

    def _candidates(self, scheme: str, path: str) -> Iterator[Path]:
        """The one that is named, and where it is if the store was moved."""
        tail = found[1] if (found := _TAIL.search(path)) else None
        if self._given is not None:
            yield self._given / path.lstrip("/") if scheme == _PROXIED else self._given / (tail or "-")
            if tail:
                yield self._given / tail
        if scheme != _PROXIED:
            yield Path(path) if path.startswith("/") else self._base / path
            if not path.startswith("/"):
                yield Path.cwd() / path
        else:
            yield self._base / "mlartifacts" / path.lstrip("/")
        if tail:
            yield self._base / tail
            yield self._base / "mlruns" / tail
            yield self._base / "mlartifacts" / tail


def listed(root: Path) -> Files:
    """Files below a folder; what leads out of it is left out."""
    try:
        listing = safe_paths.walk(root)
    except NotFound:
        return Files()
    except (UserErrorException, OSError) as error:
        return Files(left_out=[f"{root} cannot be read: {error}"])
    if len(listing.files) > MOST_FILES:
        return Files(
            left_out=[f"{root} holds {len(listing.files):,} files; {MOST_FILES:,} are taken at most"]
        )
    return Files(
        {file.path: file.place for file in listing.files}, [f"its file {each}" for each in listing.left_out]
    )


def _is_model(folder: Path) -> bool:
    return (folder / _MLMODEL).is_file()


def _parted(address: str) -> tuple[str, str]:
    """(scheme, path in its normal form, so that it says where it leads). What has no scheme, or a drive's letter, is a
    path."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "", posixpath.normpath(address)
    if len(parts.scheme) < 2:
        return "", posixpath.normpath(address)
    path = unquote(parts.path)
    return parts.scheme, posixpath.normpath(f"/{path}" if parts.scheme == _PROXIED else path)
