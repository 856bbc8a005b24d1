"""What is known of an endpoint, as it was looked at last."""

from __future__ import annotations

import builtins
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from faena.client.html import tables
from faena.client.wire import labels
from faena.client.workspaces import links
from faena.client.workspaces.session import Session, checked
from faena.endpoints.schemas import EndpointView, RevisionView
from faena.kernel.errors import NotFound, WebserviceException

if TYPE_CHECKING:
    from faena import Model
    from faena.client.environments.environment import Environment


_EVERYWHERE = ("0.0.0.0", "::", "")


class KnownEndpoint:
    """An endpoint that is there. Raises WebserviceException where it is not (`WebserviceNotFound: …`)."""

    _is_deleted = False

    def __init__(self, workspace: Session, name: str) -> None:
        self.workspace = checked(workspace)
        self._view = _found(self.workspace, name)

    @classmethod
    def of_view(cls, workspace: Session, view: EndpointView) -> Self:
        made = object.__new__(cls)  # v1's kinds have a `__new__` that asks the server
        made.workspace = workspace
        made._view = view
        return made

    @classmethod
    def list(
        cls,
        workspace: Session,
        compute_type: str | None = None,
        image_name: str | None = None,
        image_id: str | None = None,
        model_name: str | None = None,
        model_id: str | None = None,
        tags: Any = None,
        properties: Any = None,
        image_digest: str | None = None,
    ) -> builtins.list[Self]:
        """Those that match everything given, by name. `model_id`: `name:version`. There are no images here."""
        if image_name or image_id or image_digest:
            return []
        wanted_tags = json.loads(labels(tags, "tags") or "[]")
        wanted_properties = json.loads(labels(properties, "properties") or "[]")
        found = []
        for view in checked(workspace).api.endpoints.list():
            uses = {f"{use.name}:{use.version}" for each in view.revisions for use in each.models}
            if compute_type is not None and view.settings.compute_type.lower() != compute_type.lower():
                continue
            if model_id is not None and model_id not in uses:
                continue
            if model_name is not None and model_name not in {use.rsplit(":", 1)[0] for use in uses}:
                continue
            if _has(view.settings.tags, wanted_tags) and _has(view.settings.properties, wanted_properties):
                found.append(cls.of_view(workspace, view))
        return found

    @property
    def view(self) -> EndpointView:
        """As it was looked at last."""
        return self._view

    @property
    def name(self) -> str:
        return self._view.name

    @property
    def state(self) -> str:
        """Transitioning, Healthy, Unhealthy, Failed or Deleting, as it was last; Deleted: `delete` has ended."""
        return "Deleted" if self._is_deleted else self._view.state

    @property
    def scoring_uri(self) -> str | None:
        """None until it listens."""
        return self._from_here(self._view.scoring_uri)

    @property
    def swagger_uri(self) -> str | None:
        return self._from_here(self._view.swagger_uri)

    def _from_here(self, uri: str | None) -> str | None:
        """A server elsewhere calls its own host localhost: what listens at all of its addresses has its name here."""
        there = urlsplit(self.workspace.url).hostname
        if not uri or not there or self._view.machine or self._view.settings.host not in _EVERYWHERE:
            return uri
        there = f"[{there}]" if ":" in there else there
        return uri.replace("//localhost:", f"//{there}:", 1)

    @property
    def compute_type(self) -> str:
        return self._view.settings.compute_type

    @property
    def auth_enabled(self) -> bool:
        return self._view.settings.auth_enabled

    @property
    def description(self) -> str:
        return self._view.settings.description

    @property
    def tags(self) -> dict[str, str]:
        return dict(self._view.settings.tags)

    @property
    def properties(self) -> dict[str, str]:
        return dict(self._view.settings.properties)

    @property
    def created_time(self) -> datetime:
        return datetime.fromtimestamp(self._view.created_at / 1e6, UTC)

    @property
    def updated_time(self) -> datetime:
        return datetime.fromtimestamp(self._view.updated_at / 1e6, UTC)

    @property
    def error(self) -> dict[str, Any] | None:
        """What went wrong with what was deployed last, as a dict with `message`, `traceback` and how a worker ended."""
        failure = self._view.error
        if failure is None:
            return None
        return {name: getattr(failure, name) for name in failure.__struct_fields__}

    @property
    def revision(self) -> int:
        """The number of that which was deployed last."""
        return self._view.revision

    @property
    def traffic(self) -> dict[int, int]:
        """Weights of the revisions that answer."""
        return {int(number): weight for number, weight in self._view.traffic.items()}

    @property
    def models(self) -> builtins.list[Model]:
        """Those of the revision that was deployed last."""
        from faena import Model  # by its public name: handles of models know of endpoints, not the other way

        uses = self._latest.models
        return [Model(self.workspace, use.name, version=use.version) for use in uses]

    @property
    def environment(self) -> Environment | None:
        """The packages of the revision that was deployed last; None until they are known."""
        from faena.client.environments.environment import Environment

        latest = self._latest
        if latest.lock is None:
            return None
        lock = self.workspace.api.environment_lock(latest.lock)
        name, _, version = latest.environment_name.partition(":")
        known = {
            "interpreter": {"version": lock.python, "path": latest.python},
            "built": lock.built,
            "requirements": lock.requirements,
            "archives": [
                {"name": each.name, "given": each.given, "filename": each.filename} for each in lock.archives
            ],
        }
        return Environment.of_lock(name or self.name, version or str(latest.number), known)

    @property
    def _latest(self) -> RevisionView:
        return self._view.revisions[0]

    def update_deployment_state(self) -> None:
        """Look at it again."""
        self._view = _found(self.workspace, self.name)

    def serialize(self) -> dict[str, Any]:
        """What it is, as plain values."""
        settings = self._view.settings
        return {
            "name": self.name,
            "description": settings.description,
            "tags": settings.tags,
            "properties": settings.properties,
            "state": self.state,
            "createdTime": self.created_time.isoformat(),
            "updatedTime": self.updated_time.isoformat(),
            "computeType": settings.compute_type,
            "scoringUri": self.scoring_uri,
            "swaggerUri": self.swagger_uri,
            "authEnabled": settings.auth_enabled,
            "error": self.error,
            "modelIds": [f"{use.name}:{use.version}" for use in self._latest.models],
            "revision": self.revision,
            "traffic": self.traffic,
        }

    @tables.for_people
    def _repr_html_(self) -> str:
        """For a notebook's output."""
        page = None if self._is_deleted else links.of_endpoint(self.workspace, self.name)
        used = self._latest.models if self._view.revisions else ()
        return tables.facts(
            {
                "Name": self.name,
                "State": self.state,
                "Revision": self.revision,
                "Address": self.scoring_uri,
                "Models": ", ".join(f"{use.name}:{use.version}" for use in used),
                "Error": "" if self._view.error is None else self._view.error.message,
                "Page": tables.link(page),
            }
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r}, state={self.state!r}, scoring_uri={self.scoring_uri!r})"


def _found(workspace: Session, name: str) -> EndpointView:
    try:
        return workspace.api.endpoints.get(name)
    except NotFound as error:
        raise WebserviceException(error.message) from error


def _has(there: Mapping[str, str], wanted: builtins.list[builtins.list[str]]) -> bool:
    return all(label[0] in there and (len(label) == 1 or there[label[0]] == label[1]) for label in wanted)
