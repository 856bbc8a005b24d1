"""What the server says about a version of a model, and the run that made it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self, cast

import msgspec

from faena.client.html import tables
from faena.client.models.registration import SAMPLE_INPUT, SAMPLE_OUTPUT
from faena.client.workspaces import links
from faena.client.workspaces.session import Session
from faena.models.schemas import ModelView

if TYPE_CHECKING:
    from faena.client.endpoints.webservice import LocalWebservice
    from faena.client.workspaces.session import RunLookup


class KnownModel:
    """A version as it was when it was last asked for."""

    workspace: Session
    _view: ModelView

    @classmethod
    def of_view(cls, workspace: Session, view: ModelView) -> Self:
        """The handle of a version that was read already."""
        model = cls.__new__(cls)
        model.workspace = workspace
        model._view = view
        return model

    @property
    def view(self) -> ModelView:
        """The version as the server described it."""
        return self._view

    @property
    def name(self) -> str:
        return self._view.name

    @property
    def version(self) -> int:
        return self._view.version

    @property
    def aliases(self) -> list[str]:
        """Names that mean this version, such as `champion`; as they were when it was last asked for."""
        return list(self._view.aliases)

    @property
    def stage(self) -> str | None:
        """Staging, Production or Archived; None for none of these. As it was when it was last asked for."""
        return self._view.stage or None

    @property
    def id(self) -> str:
        return self._view.id

    @property
    def run_id(self) -> str | None:
        """None for a model that was registered from a path."""
        return self._view.run_id

    @property
    def run(self) -> Any:
        """The run that made it."""
        if self._view.run_id is None:
            return None
        return cast("RunLookup", self.workspace).get_run(self._view.run_id)

    @property
    def endpoints(self) -> list[LocalWebservice]:
        """Those that serve it, or have an earlier revision with it that they can be rolled back to."""
        from faena.client.endpoints import serving  # few ask
        from faena.client.endpoints.webservice import LocalWebservice

        found = serving.of_model(self.workspace, self.name, self.version)
        return [LocalWebservice.of_view(self.workspace, each.endpoint) for each in found]

    @property
    def experiment_name(self) -> str | None:
        return self._view.experiment

    @property
    def description(self) -> str:
        return self._view.description

    @property
    def tags(self) -> dict[str, str]:
        return dict(self._view.tags)

    @property
    def properties(self) -> dict[str, str]:
        return dict(self._view.properties)

    @property
    def model_framework(self) -> str | None:
        return self._view.framework or None

    @property
    def model_framework_version(self) -> str | None:
        return self._view.framework_version or None

    @property
    def datasets(self) -> dict[str, list[str]]:
        """Ids of the datasets that it was made with, by what they were used for."""
        found: dict[str, list[str]] = {}
        for use in self._view.datasets:
            found.setdefault(use.name, []).append(use.id)
        return found

    @property
    def created_time(self) -> datetime:
        return datetime.fromtimestamp(self._view.created_at / 1e6, UTC)

    @property
    def created_by(self) -> str | None:
        """Who submitted the run that made it; None for a model that was registered from a path."""
        return None if self.run is None else str(self.run.refresh().user)

    @property
    def mime_type(self) -> str:
        return "application/octet-stream"

    @property
    def unpack(self) -> bool:
        """Whether it is more than one file."""
        return len(self._view.files) > 1 or any("/" in file.path for file in self._view.files)

    @property
    def parent_id(self) -> None:
        """None: no version is a child of another one here."""

    @property
    def resource_configuration(self) -> None:
        """None: it has no effect until models are deployed."""

    @property
    def sample_input_dataset(self) -> Any:
        return self._sample(SAMPLE_INPUT)

    @property
    def sample_output_dataset(self) -> Any:
        return self._sample(SAMPLE_OUTPUT)

    def _sample(self, use: str) -> Any:
        """The dataset that was given for this; None where there was none."""
        from faena.client.data.dataset import Dataset  # few ask

        known = self.datasets.get(use)
        return None if known is None else Dataset.get_by_id(self.workspace, known[-1])

    @property
    def url(self) -> str:
        return f"faena://{self.workspace.name}/models/{self.name}/versions/{self.version}"

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return self._view.size

    @property
    def files(self) -> list[str]:
        return [file.path for file in self._view.files]

    def serialize(self) -> dict[str, Any]:
        """The version in v1's keys. `runDetails`: the run that made it, its source folder, environment and data."""
        view = self._view
        return {
            "createdTime": self.created_time.isoformat(),
            "description": view.description,
            "id": view.id,
            "mimeType": self.mime_type,
            "name": view.name,
            "framework": self.model_framework,
            "frameworkVersion": self.model_framework_version,
            "tags": self.tags,
            "properties": self.properties,
            "unpack": self.unpack,
            "url": self.url,
            "version": view.version,
            "experimentName": view.experiment,
            "runId": view.run_id,
            "runDetails": None if view.lineage is None else msgspec.to_builtins(view.lineage),
            "datasets": self.datasets,
            "aliases": self.aliases,
            "stage": self.stage,
        }

    @tables.for_people
    def _repr_html_(self) -> str:
        """For a notebook's output."""
        view, pages = self._view, links.Pages(self.workspace)
        run = "" if view.run_id is None else tables.link(pages.address("runs", view.run_id), view.run_id)
        return tables.facts(
            {
                "Model": view.name,
                "Version": view.version,
                "Aliases": ", ".join(view.aliases),
                "Stage": view.stage,
                "Framework": f"{view.framework} {view.framework_version}".strip(),
                "From": view.path,
                "Run": run,
                "Size": f"{view.size:,} bytes",
                "Registered": tables.when(view.created_at),
                "Tags": tables.marks(view.tags),
                "Page": tables.link(pages.address("models", view.name, version=str(view.version))),
            }
        )

    def __repr__(self) -> str:
        return f"Model(workspace={self.workspace!r}, name={self.name!r}, version={self.version})"
