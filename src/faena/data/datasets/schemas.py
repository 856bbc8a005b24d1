"""Wire types of file datasets."""

from __future__ import annotations

from collections.abc import Sequence

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


def definition_digest(sources: Sequence[Source]) -> str:
    """Equal for equal sources in the same order."""
    return digests.of_value([[source.datastore, source.path, source.url] for source in sources])


def anonymous_id(sources: Sequence[Source]) -> str:
    """The id of a dataset that nobody registered: the same sources have the same one."""
    return f"ds-{definition_digest(sources)[:32]}"
