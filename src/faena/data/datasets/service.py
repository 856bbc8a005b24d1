"""Use cases of file datasets: keep, register, find."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from faena.data import safe_paths
from faena.data.datasets import store
from faena.data.datasets.schemas import DatasetChange, DatasetRequest, DatasetView, Source, anonymous_id
from faena.data.datastores import store as datastores
from faena.data.datastores.model import BUILT_IN
from faena.data.downloads import check_url
from faena.db import Read, Write
from faena.kernel import ids
from faena.kernel.clock import Micros
from faena.kernel.errors import Conflict, NotFound, UserErrorException
from faena.kernel.tag_rules import check_mark

_MOST_SOURCES = 10_000
_LONGEST_TABULAR = 2 << 20
_ID = re.compile(r"ds-[0-9a-f]{16,32}")


def put(write: Write, dataset_id: str, asked: DatasetRequest, now: Micros) -> DatasetView:
    """Keep a dataset under an id that the client made; with a name, as a version of it.

    A name's latest version is the answer when it has the same sources and no new version was asked for. The same
    request again gives the same answer. Raises Conflict when the name's latest version has other sources.
    """
    if not _ID.fullmatch(dataset_id):
        raise UserErrorException(
            f"{dataset_id[:80]!r} is not a dataset id. Use 'ds-' and 16 to 32 hexadecimal digits."
        )
    check_sources(write, asked.sources)
    check_tabular(asked.tabular)
    if existing := store.get(write, dataset_id):
        if (existing.sources, existing.tabular, existing.name) != (asked.sources, asked.tabular, asked.name):
            raise Conflict(f"The id {dataset_id} belongs to another dataset. Use a new id.")
        return existing
    if asked.name is None:
        return keep(write, asked.sources, now, asked.tabular)
    latest = store.latest(write, ids.check_dataset_name(asked.name))
    if latest is not None and not asked.create_new_version:
        if (latest.sources, latest.tabular) == (asked.sources, asked.tabular):
            return latest
        what = "paths" if latest.sources != asked.sources else "columns or steps"
        raise Conflict(
            f"The dataset {asked.name!r} (version {latest.version}) has other {what}. Give create_new_version=True to "
            "register these as its next version, or choose another name."
        )
    number = 1 if latest is None or latest.version is None else latest.version + 1
    made = DatasetView(
        dataset_id, asked.sources, asked.name, number, asked.description, asked.tags, now, asked.tabular
    )
    store.add(write, made)
    return made


def keep(
    write: Write, sources: tuple[Source, ...], now: Micros, tabular: dict[str, Any] | None = None
) -> DatasetView:
    """A dataset that nobody registered, so that runs can name what they used. Idempotent."""
    made = DatasetView(anonymous_id(sources, tabular), sources, None, None, "", {}, now, tabular)
    store.add(write, made)
    return made


def change(write: Write, dataset_id: str, wanted: DatasetChange) -> DatasetView:
    """Change what a registered version is described by. Raises NotFound, UserErrorException."""
    found = get(write, dataset_id)
    for key, value in {**(wanted.tags or {}), **wanted.add_tags}.items():
        check_mark("tag", key, value)
    kept = found.tags if wanted.tags is None else wanted.tags
    tags = {key: value for key, value in kept.items() if key not in wanted.remove_tags} | wanted.add_tags
    description = found.description if wanted.description is None else wanted.description
    store.describe(write, dataset_id, description, tags)
    return get(write, dataset_id)


def forget(write: Write, name: str) -> None:
    """Take the name from all its versions, which are known by their ids then. Raises NotFound."""
    get_by_name(write, name, None)
    store.forget(write, name)


def check_sources(read: Read, sources: Sequence[Source]) -> None:
    """Raises UserErrorException for paths and addresses that cannot be, NotFound for a datastore that is not there."""
    if not 1 <= len(sources) <= _MOST_SOURCES:
        raise UserErrorException(
            f"A dataset of {len(sources)} paths cannot be. Use 1 to {_MOST_SOURCES:,}; a folder or pattern is one path."
        )
    known = {*BUILT_IN, *datastores.folders(read)}
    for source in sources:
        if bool(source.url) == bool(source.datastore) or (source.url and source.path):
            raise UserErrorException("Each path of a dataset needs a datastore or an address, one of both.")
        if source.url:
            check_url(source.url)
        elif source.datastore not in known:
            raise NotFound(
                f"There is no datastore {source.datastore[:80]!r} in this workspace. "
                f"There is: {', '.join(sorted(known))}."
            )
        elif safe_paths.check(source.path) != source.path:
            raise UserErrorException(f"The path {source.path[:200]!r} is not in its shortest form.")


def check_tabular(tabular: Mapping[str, Any] | None) -> None:
    """Raises UserErrorException for a definition too long to be kept; what it says is for who reads the files."""
    length = 0 if tabular is None else len(msgspec.json.encode(tabular))
    if length > _LONGEST_TABULAR:
        raise UserErrorException(
            f"The definition of the table takes {length:,} bytes; at most {_LONGEST_TABULAR:,} are kept. Use fewer "
            "columns or steps: write what it is now with to_parquet_files() and make a dataset of that."
        )


def get(read: Read, dataset_id: str) -> DatasetView:
    """Raises NotFound."""
    found = store.get(read, dataset_id)
    if found is None:
        raise NotFound(f"There is no dataset with the id {dataset_id[:80]!r} in this workspace.")
    return found


def get_by_name(read: Read, name: str, version: int | None) -> DatasetView:
    """`version` None: the latest. Raises NotFound."""
    latest = store.latest(read, name)
    if latest is None:
        known = ", ".join(str(each.name) for each in store.list_latest(read)[:20]) or "none"
        raise NotFound(f"There is no dataset {name[:80]!r} in this workspace. Registered: {known}.")
    found = latest if version is None else store.version(read, name, version)
    if found is None:
        raise NotFound(f"The dataset {name!r} has no version {version}; its latest is {latest.version}.")
    return found
