"""Webservice: the handle of an endpoint."""

from __future__ import annotations

import builtins
import json
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from faena.client.endpoints import asking
from faena.client.endpoints.configuration import DeploymentConfiguration
from faena.client.endpoints.deploying import DeployedModel, deploy
from faena.client.endpoints.inference_config import InferenceConfig
from faena.client.wire import labels, texts
from faena.client.workspaces.session import Session, checked
from faena.endpoints.schemas import EndpointChange, EndpointView, FailureView, RevisionView
from faena.kernel.errors import NotFound, WebserviceException

if TYPE_CHECKING:
    from faena import Model

_WAIT = 10.0
_LINES = 5000


class Webservice:
    """An endpoint that is there. Raises WebserviceException where it is not (`WebserviceNotFound: …`)."""

    def __init__(self, workspace: Session, name: str) -> None:
        self.workspace = checked(workspace)
        self._view = _found(self.workspace, name)

    @classmethod
    def of_view(cls, workspace: Session, view: EndpointView) -> Self:
        made = cls.__new__(cls)
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
        """Transitioning, Healthy, Unhealthy, Failed or Deleting, as it was looked at last."""
        return self._view.state

    @property
    def scoring_uri(self) -> str | None:
        """None until it listens."""
        return self._view.scoring_uri

    @property
    def swagger_uri(self) -> str | None:
        return self._view.swagger_uri

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
    def _latest(self) -> RevisionView:
        return self._view.revisions[0]

    def update_deployment_state(self) -> None:
        """Look at it again."""
        self._view = _found(self.workspace, self.name)

    def wait_for_deployment(self, show_output: bool = False, timeout_sec: float | None = None) -> None:
        """Wait until what was deployed last answers. `show_output`: print states and, where it fails, why.

        Raises WebserviceException, with the traceback of `init()`, where it fails or `timeout_sec` is over.
        """
        deadline = None if timeout_sec is None else time.monotonic() + timeout_sec
        shown = ""
        while not self._view.is_settled:
            if show_output and self._view.state != shown:
                print(self._view.state, end="", flush=True)
                shown = self._view.state
            left = _WAIT if deadline is None else min(_WAIT, deadline - time.monotonic())
            if left <= 0:
                raise WebserviceException(
                    f"{self.name} is {self._view.state} after {timeout_sec:g} seconds. Wait again, or look at its "
                    f"logs: `faena logs -f {self.name}`."
                )
            self._view = self._changed(left)
            if show_output:
                print(".", end="", flush=True)
        operation = f'{self.compute_type} service creation operation finished, operation "%s"'
        if self._view.error is None and self._view.state == "Healthy":
            if show_output:
                print(f"\n{operation % 'Succeeded'}")
            return
        if show_output:
            print(f"\n{operation % 'Failed'}")
        raise WebserviceException(
            "Service deployment polling reached non-successful terminal state, current service state: "
            f"{self._view.state}\n{_told(self._view.error)}\nMore information can be found using '.get_logs()'"
        )

    def _changed(self, wait: float) -> EndpointView:
        try:
            return self.workspace.api.endpoints.changed(self.name, self._view.version, wait)
        except NotFound as error:
            raise WebserviceException(f"{self.name} was deleted meanwhile.") from error

    def run(self, input_data: Any, headers: Mapping[str, str] | None = None) -> Any:
        """What the endpoint answers to `input_data`: a str or bytes as they are, else as JSON.

        Raises WebserviceException for an answer that is none, with its status and what it says.
        """
        if self.scoring_uri is None:
            self.update_deployment_state()
        if self.scoring_uri is None:
            raise WebserviceException(f"{self.name} is {self.state} and answers nothing yet.")
        key = self.get_keys()[0] if self.auth_enabled else None
        return asking.ask(self.scoring_uri, input_data, key, headers or {})

    def get_keys(self) -> tuple[str, str]:
        """(primary, secondary). Raises UserErrorException where it asks for none."""
        keys = self.workspace.api.endpoints.keys(self.name)
        return keys.primary, keys.secondary

    def regen_key(self, key: str, set_key: str | None = None) -> None:
        """Put a new key in the place of `Primary` or `Secondary`; the other one goes on opening the door."""
        which = str(key).lower()
        if which not in ("primary", "secondary"):
            raise WebserviceException(f"There is no key {str(key)[:80]!r}. Use 'Primary' or 'Secondary'.")
        if set_key is not None:
            raise WebserviceException("A key of one's own cannot be set: a new one is made.")
        self.workspace.api.endpoints.new_key(self.name, which)

    def get_logs(self, num_lines: int = _LINES, init: bool = False) -> str:
        """The last lines that its workers wrote. `init` has no meaning here: what `init()` wrote is among them."""
        return self.workspace.api.endpoints.logs(self.name, num_lines)

    def update(
        self,
        image: Any = None,
        tags: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | None = None,
        description: str | None = None,
        auth_enabled: bool | None = None,
        *,
        models: Iterable[DeployedModel] | None = None,
        inference_config: InferenceConfig | None = None,
        deployment_config: DeploymentConfiguration | None = None,
        percentage: int = 100,
        **without_meaning: Any,
    ) -> None:
        """Change it without losing a request; `models` and `inference_config` are deployed as its next revision.

        `deployment_config` without them changes keys' use, limits and what it is called. Raises WebserviceException
        where nothing is given, for models without a scoring script, and for workers or a port without them.
        """
        if image is not None:
            raise WebserviceException("There are no images here. Give models= and inference_config=.")
        if inference_config is not None:
            given = self.models if models is None else models
            self._view = deploy(
                self.workspace,
                self.name,
                given,
                inference_config,
                deployment_config,
                onto="existing",
                percentage=percentage,
                base=self._view,
            )
        elif models is not None:
            raise WebserviceException("Give inference_config, too: it says which script serves the models.")
        elif deployment_config is not None:
            self._change(deployment_config.change_of(self._view.settings))
        described = EndpointChange(
            auth_enabled=auth_enabled,
            description=description,
            tags=None if tags is None else texts(tags, "tags"),
            add_properties=texts(properties, "properties"),
        )
        if described != EndpointChange():
            self._change(described)
        elif inference_config is None and deployment_config is None:
            raise WebserviceException(
                "update() was given nothing to change. Give models, tags, auth_enabled…."
            )

    def add_tags(self, tags: Mapping[str, Any]) -> None:
        self._change(EndpointChange(add_tags=texts(tags, "tags")))

    def remove_tags(self, tags: str | Iterable[str]) -> None:
        keys = (tags,) if isinstance(tags, str) else tuple(str(key) for key in tags)
        self._change(EndpointChange(remove_tags=keys))

    def add_properties(self, properties: Mapping[str, Any]) -> None:
        self._change(EndpointChange(add_properties=texts(properties, "properties")))

    def set_traffic(self, weights: Mapping[int, int]) -> None:
        """Split what is asked among revisions, such as `{1: 90, 2: 10}`; one that is not named gets nothing."""
        self._change(EndpointChange(traffic={str(number): weight for number, weight in weights.items()}))

    def set_shadow(self, revision: int | None) -> None:
        """Ask a revision as well: its answers are compared and counted in /metrics, not sent. None: no more."""
        self._change(EndpointChange(shadow=revision or 0))

    def rollback(self, revision: int | None = None) -> None:
        """Have an earlier revision answer everything again; None: the one before."""
        self._view = self.workspace.api.endpoints.roll_back(self.name, revision)

    def delete(self) -> None:
        """What was asked already is answered; then it is gone. Returns when it is."""
        self.workspace.api.endpoints.delete(self.name)
        while True:
            try:
                self._view = self.workspace.api.endpoints.changed(self.name, self._view.version, 1.0)
            except NotFound:
                return

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

    def _change(self, wanted: EndpointChange) -> None:
        self._view = self.workspace.api.endpoints.change(self.name, wanted)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r}, state={self.state!r}, scoring_uri={self.scoring_uri!r})"


class LocalWebservice(Webservice):
    """An endpoint of this machine; what `Model.deploy` gives."""

    @staticmethod
    def deploy_configuration(port: int | None = None, **given: Any) -> DeploymentConfiguration:
        """How it is served; None leaves the default, and what an endpoint has that is updated.

        `port`: None takes one that is free and keeps it. `host`: `127.0.0.1`. `auth_enabled`: True. `workers`: 1
        process. `threads` of each: the cores, shared. `timeout_seconds` of a request: 60; of `init()`
        (`init_timeout_seconds`): 600. `max_batch_size`: 1 row, waiting `max_latency_ms` (0) for more. `max_requests`
        and `max_memory_gb`: after which a worker is replaced; none. `max_body_bytes`: 104,857,600; `max_queue`: 1,000.
        `cors_origins`: none. `ssl_cert_pem_file`, `ssl_key_pem_file`: none. `sample_input`: a body that a new revision
        must answer before it takes over. `tags`, `properties`, `description`.

        Raises WebserviceException for what cannot be.
        """
        try:
            return DeploymentConfiguration(port, **given)
        except TypeError as error:
            raise WebserviceException(f"deploy_configuration: {error}.") from error


def _found(workspace: Session, name: str) -> EndpointView:
    try:
        return workspace.api.endpoints.get(name)
    except NotFound as error:
        raise WebserviceException(error.message) from error


def _has(there: Mapping[str, str], wanted: builtins.list[builtins.list[str]]) -> bool:
    return all(label[0] in there and (len(label) == 1 or there[label[0]] == label[1]) for label in wanted)


def _told(failure: FailureView | None) -> str:
    if failure is None:
        return "Nothing says why."
    return "\n".join(part for part in (failure.message, failure.traceback.rstrip()) if part)
