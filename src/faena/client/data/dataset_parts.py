"""Parts of a file dataset: single files in place of folders and patterns, some of them, those that are there."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

from faena.client.data.dataset_sources import LocalSource
from faena.client.data.store_files import StoreFiles
from faena.client.workspaces.session import Session
from faena.data import patterns, safe_paths
from faena.data.datasets.schemas import Source
from faena.data.sources import files_of
from faena.kernel.errors import NotFound, UserErrorException

AnySource = Source | LocalSource


def files(sources: Iterable[AnySource], workspace: Session | None) -> list[AnySource]:
    """A source for each file, each once, in the order of their names. Raises NotFound for what is not there."""
    stores = StoreFiles(workspace)
    found = dict.fromkeys(each for source in sources for each in _files_of(source, stores))
    return sorted(found, key=_name)


def there(sources: Iterable[AnySource], workspace: Session | None) -> list[AnySource]:
    """The sources that mean something still."""
    kept = []
    for source in sources:
        try:
            files([source], workspace)
        except NotFound:
            continue
        kept.append(source)
    return kept


def split(
    sources: list[AnySource], share: float, seed: int | None
) -> tuple[list[AnySource], list[AnySource]]:
    """Each in the first list with the probability `share`. Raises UserErrorException for what is none."""
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
        raise UserErrorException(f"{str(share)[:80]} is no share of the files. Use a number from 0 to 1.")
    chance = random.Random(seed)
    first: list[AnySource] = []
    second: list[AnySource] = []
    for source in sources:
        (first if chance.random() < share else second).append(source)
    return first, second


def count_of(given: int) -> int:
    """Raises UserErrorException for what is no number of files."""
    if isinstance(given, bool) or not isinstance(given, int) or given < 0:
        raise UserErrorException(f"{str(given)[:80]} is no number of files. Use a whole number from 0 up.")
    return given


def matching(folder: str | os.PathLike[str], pattern: str) -> list[Path]:
    """Files below a folder whose paths match. Raises UserErrorException where none does."""
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise UserErrorException(f"{os.fspath(folder)!r} is no folder.")
    found = [file.place for file in safe_paths.walk(root).files if patterns.matches(pattern, file.path)]
    if not found:
        raise UserErrorException(f"No file in {root} matches {pattern!r}.")
    return found


def _files_of(source: AnySource, stores: StoreFiles) -> Iterator[AnySource]:
    if isinstance(source, LocalSource):
        for file in files_of(source.root, source.path, str(source.root))[0]:
            yield LocalSource(source.root, file.path)
    elif source.url:
        yield source
    else:
        for file in stores.of(source.datastore, source.path)[0]:
            yield Source(source.datastore, file.path)


def _name(source: AnySource) -> tuple[str, str]:
    if isinstance(source, LocalSource):
        return str(source.root), source.path
    return source.datastore or source.url, source.path
