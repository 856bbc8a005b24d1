"""Which files a dataset holds and where they go below its folder. Standard library only, for nodes too.

A source is a mapping: `{"datastore": name, "folder": its folder on this host, "path": …}` or `{"url": …}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from faena.data import downloads, patterns, safe_paths
from faena.data.safe_paths import Found
from faena.kernel.errors import NotFound, UserErrorException


class Member(NamedTuple):
    """One file of a dataset."""

    name: str
    """Below the dataset's folder."""
    place: Path
    """Where its bytes are."""
    root: Path
    """The datastore's folder, or that of a fetched file: what must stay as it is."""
    path: str = ""
    """Its path in the datastore, with a slash in front, or its address."""
    source: int = 0
    """Which of the dataset's sources it is of, from 0 up."""


def in_order(members: Iterable[Member]) -> list[Member]:
    """As the sources were given, those of one source by path: the order in which a table is read from them."""
    return sorted(members, key=lambda member: (member.source, member.path))


class Contents(NamedTuple):
    members: list[Member]
    """By name."""
    left_out: list[str]
    """Links that lead out and what is no regular file, a sentence each."""
    held: object = None
    """What the files at their places go with."""


def contents(
    sources: Iterable[Mapping[str, str]],
    fetch: Callable[[str], Path] = downloads.fetch,
    look: Callable[[Mapping[str, str]], tuple[list[Found], str, list[str]]] | None = None,
) -> Contents:
    """The files of all sources, named relative to the deepest folder that holds all sources.

    `look`: finds the files of a source that is no address (default: in its folder), as `files_of`.

    Raises NotFound, naming path and datastore, for a source that is not there or a pattern that nothing matches;
    what `fetch` raises; UserErrorException where two files would have one name.
    """
    bases: list[tuple[str, ...]] = []
    found: list[tuple[str, Member]] = []
    left_out: list[str] = []
    for number, source in enumerate(sources):
        if url := source.get("url"):
            host, name = urlsplit(url).netloc, downloads.name_of(url)
            bases.append((host, *name.split("/")[:-1]))
            place = fetch(url)
            found.append((f"{host}/{name}", Member("", place, place.parent, url, number)))
            continue
        root, store = Path(source["folder"]), source["datastore"]
        files, base, refused = (look or _in_its_folder)(source)
        bases.append((store, *filter(None, base.split("/"))))
        found += [
            (f"{store}/{file.path}", Member("", file.place, root, f"/{file.path}", number)) for file in files
        ]
        left_out += refused
    depth = _common(bases)
    members: dict[str, Member] = {}
    for path, member in found:
        name = "/".join(path.split("/")[depth:])
        if members.setdefault(name, member._replace(name=name)).place != member.place:
            raise UserErrorException(
                f"Two different files of the dataset would both be {name!r}. Make it of one of them only."
            )
    return Contents([members[name] for name in sorted(members)], left_out)


def _in_its_folder(source: Mapping[str, str]) -> tuple[list[Found], str, list[str]]:
    return files_of(root_of(source), source["path"], source["datastore"])


def root_of(source: Mapping[str, str]) -> Path:
    """The folder of a source's datastore. Raises NotFound when the datastore has been unregistered since."""
    if not source["folder"]:
        raise NotFound(f"The datastore {source['datastore']!r} is not registered any more.")
    return Path(source["folder"])


def files_of(root: Path, path: str, store: str) -> tuple[list[Found], str, list[str]]:
    """(files that `path` means, the folder that they are named from, what was left out).

    `path` may be a file, a folder or a pattern. Raises NotFound naming path and datastore.
    """
    path = safe_paths.check(path)
    start = patterns.fixed_part(path)
    try:
        listing = safe_paths.walk(root, start)
    except NotFound:
        raise missing(path, store) from None
    files = listing.files
    if patterns.is_pattern(path):
        files = [file for file in files if patterns.matches(path, file.path)]
        if not files:
            raise missing(path, store)
    return files, named_from(files, path), listing.left_out


def named_from(files: Sequence[Found], path: str) -> str:
    """The folder that the files which `path` means are named from."""
    if patterns.is_pattern(path):
        return patterns.fixed_part(path)
    is_file = len(files) == 1 and files[0].path == path
    return path.rpartition("/")[0] if is_file else path


def missing(path: str, store: str) -> NotFound:
    """The error for a path that is not in a datastore."""
    if not path:
        return NotFound(f"The folder of the datastore {store!r} is gone. Bring it back, or register it anew.")
    what = "no file matches" if patterns.is_pattern(path) else "there is no"
    return NotFound(f"In the datastore {store!r} {what} {path!r}. Upload it first, or list what is there.")


def _common(bases: list[tuple[str, ...]]) -> int:
    """How many leading names all bases share."""
    depth = 0
    for names in zip(*bases, strict=False):
        if len(set(names)) > 1:
            break
        depth += 1
    return depth
