"""Brings a run's data to the node before its script starts, and what the script made of it back afterwards.

Each input has its place: `data/<name>` in the attempt folder, or `path_on_compute` below the script's working folder.
An absolute `path_on_compute` is a place in the script's own view of the file system, onto which `data/<name>` is bound.
All of it may be done again by the next runner: places are made anew, and what was brought back is compared.
"""

from __future__ import annotations

import filecmp
import json
import re
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from faena.attempts.api import ServerApi
from faena.attempts.folder import AttemptFolder
from faena.attempts.key import AttemptKey
from faena.data import downloads, patterns, safe_paths, sources
from faena.kernel.errors import FaenaError, NotFound, ServerUnreachable, StorageFull, UserErrorException
from faena.node import tables
from faena.node.bind_mounts import Binds
from faena.node.left_files import LeftFiles

_LISTED = 20
_BETWEEN_LOOKS = 1.0


class Canceled(Exception):
    """The run is to stop before its script starts."""


class Draining(Exception):
    """The node is to end before the run's script starts."""


class CancelWatch:
    """Called again and again while data is copied: raises Canceled once the run is to stop, Draining once the node is.

    `draining`: set then.
    """

    def __init__(self, api: ServerApi, key: AttemptKey, draining: threading.Event | None = None) -> None:
        self._api = api
        self._key = key
        self._draining = draining
        self._looked_at = time.monotonic()

    def __call__(self) -> None:
        if self._draining is not None and self._draining.is_set():
            raise Draining
        if time.monotonic() - self._looked_at < _BETWEEN_LOOKS:
            return
        try:
            stop = self._api.ship(self._key, []).cancel
        except FaenaError:
            stop = False  # the server is away; it will be asked again
        self._looked_at = time.monotonic()
        if stop:
            raise Canceled


def place(
    order: dict[str, Any],
    folder: AttemptFolder,
    progress: Callable[[], None],
    note: Callable[[str, str], None],
    not_brought: Sequence[str] = (),
    left: LeftFiles | None = None,
) -> dict[str, Any]:
    """The order with the data on the node: its arguments hold paths instead of tokens, and it says what to mount.

    `not_brought`: what was left out on the way here. `left`: finds what other runs left. `note` hears, by a code,
    what the reader of the run must know.
    Raises NotFound naming what is missing, UserErrorException for places that cannot be, StorageFull, what `progress`
    raises, OSError.
    """
    inputs = order.get("inputs", [])
    if folder.data.exists():
        shutil.rmtree(folder.data)
    places = _places(inputs, folder)
    binds = Binds(folder.data / ".sources")
    paths: dict[str, str] = {}
    left_out = [*not_brought]
    for data in inputs:
        here, mode = places[data["name"]], data["mode"]
        if data.get("tabular") is not None:
            tables.write_listing(data, here, folder, partial(downloads.fetch, progress=progress))
        if mode == "upload":
            found = _room_for_upload(data, here)
        elif mode == "download":
            found = _download(data, here, left_out, progress, left)
        else:
            found = _mount(data, here, binds, left_out, progress, left)
        paths[data["name"]] = str(_seen_at(data, found, folder, binds))
    laid = binds.lay(progress, partial(note, "data_copied"))
    if laid.made:
        told = some([str(each) for each in laid.made])
        note(
            "data_folder_made",
            f"Made on this machine for data to be mounted on, and left there empty: {told}.",
        )
    left_out += laid.left_out
    if left_out:
        note("data_left_out", f"Not given to the script: {some(left_out)}.")
    return {
        **order,
        "arguments": _replaced(order["arguments"], inputs, paths),
        "data_variables": _variables(inputs, paths, folder),
        "mounts": laid.mounts,
    }


def may_bring_back(order: Mapping[str, Any]) -> bool:
    """Whether an order, which may be damaged, asks for anything to be stored in datastores."""
    inputs = order.get("inputs", [])
    return not isinstance(inputs, list) or any(
        not isinstance(data, dict) or data.get("mode") == "upload" for data in inputs
    )


def bring_back(order: dict[str, Any], folder: AttemptFolder, elsewhere: ServerApi | None = None) -> list[str]:
    """Store in their datastores what the script left in the places of its uploads; what could not be, and why.

    `elsewhere`: the server, where it is of another host. Raises StorageFull: then it may be called again.
    """
    refused: list[str] = []
    for data in order.get("inputs", []):
        if data["mode"] == "upload":
            refused += _bring_back(data, _place_of(data, folder), folder, elsewhere)
    return refused


def _places(inputs: list[dict[str, Any]], folder: AttemptFolder) -> dict[str, Path]:
    """By name. Raises UserErrorException where one would lie in another: mounts and uploads must not mix."""
    seen = {data["name"]: _root_seen(data) or _place_of(data, folder) for data in inputs}
    for name, here in seen.items():
        for other, there in seen.items():
            if name != other and here.is_relative_to(there):
                raise UserErrorException(
                    f"The data inputs {name!r} and {other!r} would lie in one another. Give each a path_on_compute "
                    "of its own."
                )
    return {data["name"]: _place_of(data, folder) for data in inputs}


def _place_of(data: Mapping[str, Any], folder: AttemptFolder) -> Path:
    """In the attempt folder."""
    given = str(data["path_on_compute"])
    if not given or given.startswith("/"):
        here = folder.data / str(data["name"])
        return here / PurePosixPath(given).name if _is_file_to_upload(data) and given else here
    path = safe_paths.check(given, f"path_on_compute of {data['name']!r}")
    if not path:
        raise UserErrorException(
            f"The path_on_compute {given!r} of {data['name']!r} is the script's own folder. Name a folder in it."
        )
    return folder.code / path


def _root_seen(data: Mapping[str, Any]) -> Path | None:
    """The folder that an absolute path_on_compute names, onto which `data/<name>` is bound; None for other ones."""
    given = str(data["path_on_compute"])
    if not given.startswith("/"):
        return None
    path = safe_paths.check(given.lstrip("/"), f"path_on_compute of {data['name']!r}")
    root = Path("/", path)
    return root.parent if _is_file_to_upload(data) else root


def _is_file_to_upload(data: Mapping[str, Any]) -> bool:
    """Whether path_on_compute names a file for the script to write, not a folder."""
    return data["mode"] == "upload" and bool(PurePosixPath(data["path_on_compute"]).suffix)


def _seen_at(data: Mapping[str, Any], found: Path, folder: AttemptFolder, binds: Binds) -> Path:
    """Where the script sees what is at `found`."""
    root = _root_seen(data)
    if root is None:
        return found
    here = folder.data / str(data["name"])
    binds.add_view(here, root, f"The path_on_compute {data['path_on_compute']!r} of {data['name']!r}")
    return root / found.relative_to(here)


def _room_for_upload(data: Mapping[str, Any], here: Path) -> Path:
    """A folder, unless path_on_compute names a file for the script to write."""
    (here.parent if _is_file_to_upload(data) else here).mkdir(parents=True, exist_ok=True)
    return here


def _download(
    data: Mapping[str, Any],
    here: Path,
    left_out: list[str],
    progress: Callable[[], None],
    left: LeftFiles | None,
) -> Path:
    if data["datastore"]:
        source = data["sources"][0]
        found = _walked(source, left_out)
        is_file = len(found) == 1 and found[0].path == source["path"]
        prefix = PurePosixPath(source["path"])
        files = [
            (PurePosixPath(file.path).relative_to(prefix.parent if is_file else prefix), file.place)
            for file in found
        ]
        path = here / prefix.name if is_file else here
    else:
        contents = _contents(data["sources"], progress, left)
        left_out += contents.left_out
        files = [(PurePosixPath(member.name), member.place) for member in contents.members]
        path = here / files[0][0] if _is_one_file(data["sources"]) else here
    here.mkdir(parents=True, exist_ok=True)
    for name, place in files:
        progress()
        with place.open("rb") as file:
            if not safe_paths.write(here, str(name), file, overwrite=data["overwrite"], durable=False):
                raise UserErrorException(
                    f"The source folder has {str(name)!r} already where {data['name']!r} is to be downloaded. Choose "
                    "another path_on_compute, or give overwrite=True."
                )
    return path


def _walked(source: Mapping[str, str], left_out: list[str]) -> list[safe_paths.Found]:
    root = sources.root_of(source)
    try:
        listing = safe_paths.walk(root, source["path"])
    except NotFound:
        raise sources.missing(source["path"], source["datastore"]) from None
    left_out += listing.left_out
    return listing.files


def _mount(
    data: Mapping[str, Any],
    here: Path,
    binds: Binds,
    left_out: list[str],
    progress: Callable[[], None],
    left: LeftFiles | None,
) -> Path:
    given = data["sources"]
    if data["datastore"] or (len(given) == 1 and _is_plain_folder(given[0])):
        source = given[0]
        root = sources.root_of(source)
        try:
            real = safe_paths.resolve(root, source["path"])
        except NotFound:
            raise sources.missing(source["path"], source["datastore"]) from None
        target = here if real.is_dir() else here / PurePosixPath(source["path"]).name
        binds.add(real, target)
        return target
    contents = _contents(given, progress, left)
    left_out += contents.left_out
    binds.add_tree(contents, here)
    return here / contents.members[0].name if _is_one_file(given) else here


def _contents(
    given: list[dict[str, Any]], progress: Callable[[], None], left: LeftFiles | None
) -> sources.Contents:
    if left is not None and "run" in given[0]:
        return left.contents(given[0], progress)
    return sources.contents(given, partial(downloads.fetch, progress=progress))


def _is_one_file(given: list[Mapping[str, str]]) -> bool:
    """Whether a dataset is made of the path or address of one file: scripts open what they are given then, as in v1."""
    if len(given) != 1:
        return False
    source = given[0]
    if "run" in source:
        return bool(source["is_file"])
    if source.get("url"):
        return True
    return not patterns.is_pattern(source["path"]) and not _is_plain_folder(source)


def _is_plain_folder(source: Mapping[str, str]) -> bool:
    if "run" in source or source.get("url") or "*" in source["path"]:
        return False
    return (sources.root_of(source) / source["path"]).is_dir()


def _replaced(arguments: list[str], inputs: list[dict[str, Any]], paths: Mapping[str, str]) -> list[str]:
    """The script's arguments: a token, whole or as a part of one, becomes the path (the id, where it is `direct`)."""
    values = {data["token"]: _value(data, paths) for data in inputs}
    if not values:
        return arguments
    longest_first = sorted(values, key=len, reverse=True)
    tokens = re.compile("(" + "|".join(map(re.escape, longest_first)) + r")(?!\w)")
    return [tokens.sub(lambda found: values[found[0]], argument) for argument in arguments]


def _value(data: Mapping[str, Any], paths: Mapping[str, str]) -> str:
    return str(data["dataset"]) if data["mode"] == "direct" else paths[data["name"]]


def _variables(
    inputs: list[dict[str, Any]], paths: Mapping[str, str], folder: AttemptFolder
) -> dict[str, str]:
    variables = {data["variable"]: _value(data, paths) for data in inputs}
    named = [data for data in inputs if not data["datastore"]]
    if named:
        told = {
            data["name"]: {"mode": data["mode"], "path": paths[data["name"]], "id": data["dataset"]}
            for data in named
        }
        for data in named:
            if data.get("tabular") is not None:
                told[data["name"]]["tabular"] = str(tables.listing_of(data, folder))
        variables["AZUREML_DATASET_ENVIRONMENT_VARS"] = ",".join(data["variable"] for data in named)
        variables["FAENA_INPUTS"] = json.dumps(told)
    return variables


def _bring_back(
    data: Mapping[str, Any], here: Path, folder: AttemptFolder, elsewhere: ServerApi | None
) -> list[str]:
    """What could not be stored, a sentence each."""
    name = data["name"]
    if here.is_symlink() or not here.resolve().is_relative_to(folder.path.resolve()):
        return [f"{name}: its place became a link"]
    if not here.exists():
        return []
    is_file = here.is_file()
    source = data["sources"][0]
    try:
        root = sources.root_of(source)
        listing = safe_paths.walk(here.parent, here.name) if is_file else safe_paths.walk(here)
    except FaenaError as error:
        return [f"{name}: {error}"]
    refused = [f"{name}: {reason}" for reason in listing.left_out]
    for file in listing.files:
        target = _target(data["path"], file.path, is_file=is_file)
        try:
            if elsewhere is None:
                stored = _store(root, target, file.place, overwrite=data["overwrite"])
            else:
                stored = elsewhere.store(source["datastore"], target, file.place, overwrite=data["overwrite"])
            if not stored:
                refused.append(f"{name}: {target!a} is in the datastore already, and overwrite is False")
        except (StorageFull, ServerUnreachable):
            raise
        except (FaenaError, OSError) as error:
            refused.append(f"{name}: {error}")
    return refused


def _store(root: Path, target: str, file: Path, *, overwrite: bool) -> bool:
    """False where there is another file, which is not to be replaced."""
    with file.open("rb") as source:
        if safe_paths.write(root, target, source, overwrite=overwrite):
            return True
    return filecmp.cmp(file, safe_paths.resolve(root, target), shallow=False)


def _target(path: str, name: str, *, is_file: bool) -> str:
    """Where in the datastore: below `path`; a single file at `path` itself where that has a suffix as files have."""
    if is_file and PurePosixPath(path).suffix:
        return path
    return f"{path}/{name}" if path else name


def some(sentences: list[str]) -> str:
    more = f"; and {len(sentences) - _LISTED} more" if len(sentences) > _LISTED else ""
    return "; ".join(sentences[:_LISTED]) + more
