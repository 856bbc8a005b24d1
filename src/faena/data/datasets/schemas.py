"""Wire types of datasets: of files, and of tables that are read from files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from faena.kernel import digests


class Source(Struct, frozen=True, forbid_unknown_fields=True):
    """Where files of a dataset come from: a path in a datastore, or a web address."""

    datastore: str = ""
    path: str = ""
    """A file, a folder or a pattern with `*` and `**`; empty: all of the datastore."""
    url: str = ""


class DatasetRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Keep a dataset; with a name it becomes that name's version."""

    sources: tuple[Source, ...]
    name: str | None = None
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    create_new_version: bool = False
    """Whether a name that stands for something gets another version; else only the same sources may be given again."""
    tabular: dict[str, Any] | None = None
    """How its files are read as a table, in the words of `faena.script.tabular.definition`; None for files."""


class DatasetChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What is None stays as it is."""

    description: str | None = None
    tags: dict[str, str] | None = None
    """Instead of those that it has."""
    add_tags: dict[str, str] = field(default_factory=dict)
    remove_tags: tuple[str, ...] = ()


class DatasetView(Struct, frozen=True):
    id: str
    sources: tuple[Source, ...]
    name: str | None
    """None for one that was used without being registered."""
    version: int | None
    description: str
    tags: dict[str, str]
    created_at: int
    tabular: dict[str, Any] | None = None


def definition_digest(sources: Sequence[Source], tabular: Mapping[str, Any] | None = None) -> str:
    """Equal for equal sources in the same order that are read in the same way."""
    places = [[source.datastore, source.path, source.url] for source in sources]
    return digests.of_value(places if tabular is None else [places, tabular])


def anonymous_id(sources: Sequence[Source], tabular: Mapping[str, Any] | None = None) -> str:
    """The id of a dataset that nobody registered: the same sources, read in the same way, have the same one."""
    return f"ds-{definition_digest(sources, tabular)[:32]}"
