"""What file datasets and tabular ones have in common: a name with versions, tags, and being an input of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self

from faena.client.data.dataset_input import DatasetConsumptionConfig
from faena.client.data.dataset_sources import LocalSource, find
from faena.client.html import tables
from faena.client.workspaces.session import Session, api_of, checked
from faena.data.datasets.schemas import DatasetChange, DatasetRequest, DatasetView, Source, anonymous_id
from faena.kernel import ids
from faena.kernel.errors import UserErrorException
from faena.script.values import marks

_SHOWN_PLACES = 5
_KINDS: dict[bool, type[KeptDataset]] = {}
"""By whether they are tabular. `dataset.py` loads both."""


def find_by_name(workspace: Session, name: str, version: int | str = "latest") -> Any:
    """A version of a registered dataset. Raises NotFound, UserErrorException for what is no version."""
    number = None if version in ("latest", None) else _version(version)
    return dataset_of(workspace, api_of(workspace).data.dataset_named(name, number))


def find_by_id(workspace: Session, id: str) -> Any:  # noqa: A002  v1 calls it so
    """Registered or used by a run. Raises NotFound."""
    return dataset_of(workspace, api_of(workspace).data.dataset(id))


def find_all(workspace: Session) -> dict[str, Any]:
    """The latest version of each registered dataset, by name."""
    return {str(view.name): dataset_of(workspace, view) for view in api_of(workspace).data.datasets()}


def dataset_of(workspace: Session, view: DatasetView) -> Any:
    """The handle of a dataset that was read already: a FileDataset or a TabularDataset."""
    return _KINDS[view.tabular is not None].of_view(workspace, view)


class KeptDataset:
    """Places in datastores, web addresses and local files, under a name with versions once it is registered."""

    def __init_subclass__(cls, tabular: bool | None = None, **named: Any) -> None:
        super().__init_subclass__(**named)
        if tabular is not None:
            _KINDS[tabular] = cls

    def __init__(
        self,
        sources: Sequence[Source | LocalSource],
        workspace: Session | None,
        view: DatasetView | None = None,
    ) -> None:
        self._sources = tuple(sources)
        self._workspace = workspace
        self._view = view

    @classmethod
    def of_view(cls, workspace: Session, view: DatasetView) -> Self:
        """The handle of a dataset that was read already."""
        return cls(view.sources, workspace, view)

    @property
    def tabular(self) -> dict[str, Any] | None:
        """How its files are read as a table; None for a dataset of files."""
        return None

    @property
    def id(self) -> str | None:
        """None for one of local files that were not uploaded yet."""
        if self._view is not None:
            return self._view.id
        kept = self._kept()
        return None if kept is None else anonymous_id(kept, self.tabular)

    @property
    def name(self) -> str | None:
        """None unless it is registered."""
        return self._view.name if self._view else None

    @property
    def version(self) -> int | None:
        """From 1 up; None unless it is registered."""
        return self._view.version if self._view else None

    @property
    def description(self) -> str:
        return self._view.description if self._view else ""

    @property
    def tags(self) -> dict[str, str]:
        return dict(self._view.tags) if self._view else {}

    def register(
        self,
        workspace: Session,
        name: str,
        description: str | None = None,
        tags: Mapping[str, Any] | None = None,
        create_new_version: bool = False,
    ) -> Self:
        """Keep it under a name. Local files are uploaded to the default datastore first.

        A name whose latest version has the same places gives that version; one with other places, or
        `create_new_version`, gets the next one. Raises Conflict for other places without `create_new_version`.
        """
        ids.check_dataset_name(name)
        checked(workspace)
        request = DatasetRequest(
            sources=self._upload(workspace),
            name=name,
            description=description or "",
            tags={str(key): str(value) for key, value in (tags or {}).items()},
            create_new_version=create_new_version,
            tabular=self.tabular,
        )
        view = workspace.api.data.put_dataset(ids.new_id("ds"), request)
        return self.of_view(workspace, view)

    get_by_name = staticmethod(find_by_name)
    get_by_id = staticmethod(find_by_id)
    get_all = staticmethod(find_all)

    @property
    def data_changed_time(self) -> datetime | None:
        """When a file of it was last written, of those on this machine; None where there is none."""
        members = find(self._sources, self._workspace, fetch=False).members
        times = [member.place.stat().st_mtime for member in members if member.place.is_file()]
        return datetime.fromtimestamp(max(times), UTC) if times else None

    @tables.for_people
    def _repr_html_(self) -> str:
        """For a notebook's output."""
        places = [_place(source) for source in self._sources[:_SHOWN_PLACES]]
        more = len(self._sources) - len(places)
        return tables.facts(
            {
                type(self).__name__: self.name or "not registered",
                "Version": self.version,
                "Id": self.id,
                "From": ", ".join([*places, *([f"and {more} more"] if more > 0 else [])]),
                "Description": self.description,
                "Registered": tables.when(self._view.created_at) if self._view else "",
                "Tags": tables.marks(self.tags),
            }
        )

    def add_tags(self, tags: Mapping[str, Any]) -> Self:
        """Add tags to this version; one of a key that is there is replaced. It itself, as it is then."""
        return self._change(DatasetChange(add_tags=marks(tags, "tag")))

    def remove_tags(self, tags: str | Iterable[str]) -> Self:
        """Remove the tags of these keys; silent about those that are not there."""
        keys = (tags,) if isinstance(tags, str) else tuple(str(key) for key in tags)
        return self._change(DatasetChange(remove_tags=keys))

    def update(self, description: str | None = None, tags: Mapping[str, Any] | None = None) -> Self:
        """Put `description` and `tags` in the place of those that this version has; None leaves them."""
        kept = None if tags is None else marks(tags, "tag")
        return self._change(DatasetChange(description=description, tags=kept))

    def unregister_all_versions(self) -> None:
        """Forget its name; runs that used it still know it by its id. Its files stay."""
        view, session = self._registered()
        session.api.data.forget_datasets(str(view.name))
        self._view = None

    def _change(self, wanted: DatasetChange) -> Self:
        view, session = self._registered()
        self._view = session.api.data.change_dataset(view.id, wanted)
        return self

    def _registered(self) -> tuple[DatasetView, Session]:
        if self._view is None or self._view.name is None or self._workspace is None:
            raise UserErrorException(
                "The dataset is not registered. Use what register(workspace, name) gives."
            )
        return self._view, self._workspace

    def as_named_input(self, name: str) -> DatasetConsumptionConfig:
        """As an input of a run, which the script finds as `run.input_datasets[name]`."""
        return DatasetConsumptionConfig(name, self)

    def consumed(self) -> tuple[str, tuple[Source, ...]]:
        """For a submission: (its id when a workspace keeps it, else its sources).

        Raises UserErrorException for local files that no datastore has.
        """
        if self._view is not None:
            return self._view.id, ()
        kept = self._kept()
        if kept is None:
            raise UserErrorException(
                "The dataset has local files that no datastore holds yet. Use what register(workspace, name) gives, or "
                "from_files(…, workspace=workspace)."
            )
        return "", kept

    def bring_local_files(self, workspace: Session) -> None:
        """Upload its files that no datastore has, to the default one, where a run finds them."""
        if self._view is None and self._kept() is None:
            self._sources = self._upload(checked(workspace))
            self._workspace = workspace

    def _kept(self) -> tuple[Source, ...] | None:
        kept = tuple(source for source in self._sources if isinstance(source, Source))
        return kept if len(kept) == len(self._sources) else None

    def _upload(self, workspace: Session) -> tuple[Source, ...]:
        return tuple(
            source.upload(workspace) if isinstance(source, LocalSource) else source
            for source in self._sources
        )


def _version(given: object) -> int:
    text = str(given)
    if not text.isascii() or not text.isdigit() or not 1 <= len(text) <= 9 or int(text) < 1:
        raise UserErrorException(f"{text[:80]!r} is no version. Use a whole number from 1 up, or 'latest'.")
    return int(text)


def _place(source: Source | LocalSource) -> str:
    if isinstance(source, LocalSource):
        return str(source.path)
    return source.url or f"{source.datastore}/{source.path}"
