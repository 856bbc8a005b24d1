"""Webservice: the handle of an endpoint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from faena.client.endpoints import asking, kept
from faena.client.endpoints.awaited_endpoint import AwaitedEndpoint
from faena.client.endpoints.configuration import DeploymentConfiguration, check_configuration
from faena.client.endpoints.deploying import DeployedModel, deploy
from faena.client.endpoints.inference_config import InferenceConfig
from faena.client.endpoints.updating import configuration_of
from faena.client.wire import shown, texts, whole
from faena.endpoints.schemas import EndpointChange
from faena.kernel.errors import NotFound, WebserviceException

_LINES = 5000
_ITSELF = ("127.0.0.1", "localhost", "::1")


class Webservice(AwaitedEndpoint):
    """An endpoint that is there. Raises WebserviceException where it is not (`WebserviceNotFound: …`)."""

    def run(self, input_data: Any, headers: Mapping[str, str] | None = None) -> Any:
        """What the endpoint answers to `input_data`: a str or bytes as they are, else as JSON.

        Arrays, series and numbers of numpy's or pandas' kind become lists and numbers, data frames lists of records.
        Raises WebserviceException for an answer that is none, with its status and what it says.
        """
        if self.scoring_uri is None:
            self.update_deployment_state()
        if self.scoring_uri is None:
            raise WebserviceException(f"{self.name} is {self.state} and answers nothing yet.")
        key = self.get_keys()[0] if self.auth_enabled else None
        tls = self._view.settings.tls
        certificate = None if tls is None else tls.certificate
        sent = texts(headers, "headers")
        return asking.ask(
            self.scoring_uri, input_data, key, sent, self.name, certificate, advice=self._advice()
        )

    def _advice(self) -> str:
        """Where nobody answers."""
        settings = self._view.settings
        if not self.workspace.url or settings.cluster or settings.host not in _ITSELF:
            return ""
        return (
            f" {self.name} listens at {settings.host} of the server's own host, where nobody elsewhere reaches it: "
            "deploy it with host='0.0.0.0' and a certificate, or on a cluster of machines that have joined."
        )

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
        most = whole(num_lines, "num_lines")
        return self.workspace.api.endpoints.logs(self.name, most)

    def get_requests(self, limit: int = 1000) -> Any:
        """The last `limit` requests that were kept, with their answers, as a pandas data frame.

        None are kept unless it was deployed or updated with `keep_requests`. Bodies in JSON are decoded; one that is
        longer than 256 KB is cut, and is text. Raises UserErrorException where pandas is not installed.
        """
        most = whole(limit, "limit")
        return kept.frame(self.workspace.api.endpoints.kept_requests(self.name, most))

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
        **settings: Any,
    ) -> None:
        """Change it without losing a request; `models` and `inference_config` are deployed as its next revision.

        `deployment_config` without them changes keys' use, limits and what it is called; `settings` are those of
        `deploy_configuration`, which count over it. What of v1's has no meaning here is told once. Raises
        WebserviceException where nothing is given, for models without a scoring script, and for workers or a port
        without them.
        """
        if image is not None:
            raise WebserviceException("There are no images here. Give models= and inference_config=.")
        deployment_config = check_configuration(deployment_config)
        named = configuration_of(settings)
        if named is not None and deployment_config is None:
            named.compute_type = self.compute_type
        if named is not None:
            deployment_config = named.over(deployment_config)
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
        elif inference_config is None and deployment_config is None and not _any_of(settings):
            raise WebserviceException(
                "update() was given nothing to change. Give models with inference_config, tags or auth_enabled."
            )

    def add_tags(self, tags: Mapping[str, Any]) -> None:
        self._change(EndpointChange(add_tags=texts(tags, "tags")))

    def remove_tags(self, tags: str | Iterable[str]) -> None:
        if not isinstance(tags, Iterable):
            raise WebserviceException(f"tags is {shown(tags)}. Use the names of tags, such as ['area'].")
        keys = (tags,) if isinstance(tags, str) else tuple(str(key) for key in tags)
        self._change(EndpointChange(remove_tags=keys))

    def add_properties(self, properties: Mapping[str, Any]) -> None:
        self._change(EndpointChange(add_properties=texts(properties, "properties")))

    def set_traffic(self, weights: Mapping[int, int], sticky_header: str | None = None) -> None:
        """Split what is asked among revisions, such as `{1: 90, 2: 10}`; one that is not named gets nothing.

        `sticky_header`: requests with the same value of it go to the same revision, while the weights stay. None leaves
        the one that there is, an empty one takes it away.

        Raises WebserviceException for what is no such dict.
        """
        if not isinstance(weights, Mapping):
            raise WebserviceException(
                f"set_traffic was given {shown(weights)}. Use a dict of weights by revision, such as {{1: 90, 2: 10}}."
            )
        traffic = {str(number): weight for number, weight in weights.items()}
        self._change(EndpointChange(traffic=traffic, sticky_header=sticky_header))

    def set_shadow(self, revision: int | None) -> None:
        """Ask a revision as well: its answers are compared and counted in /metrics, not sent. None: no more."""
        self._change(EndpointChange(shadow=revision or 0))

    def rollback(self, revision: int | None = None) -> None:
        """Have an earlier revision answer everything again; None: the one before."""
        number = None if revision is None else whole(revision, "revision")
        self._view = self.workspace.api.endpoints.roll_back(self.name, number)

    def delete(self) -> None:
        """What was asked already is answered; then it is gone. Returns when it is."""
        self.workspace.api.endpoints.delete(self.name)
        while True:
            try:
                self._view = self.workspace.api.endpoints.changed(self.name, self._view.version, 1.0)
            except NotFound:
                self._is_deleted = True
                return

    def _change(self, wanted: EndpointChange) -> None:
        self._view = self.workspace.api.endpoints.change(self.name, wanted)


def _any_of(settings: Mapping[str, Any]) -> bool:
    return any(value is not None for value in settings.values())


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
        must answer before it takes over. `keep_requests`: the share of requests that are kept with their answers, such
        as 0.1; none. `tags`, `properties`, `description`. `node`: of a `deployment_target` the machine that it
        is to be on; any.

        Raises WebserviceException for what cannot be.
        """
        try:
            return DeploymentConfiguration(port, **given)
        except TypeError as error:
            raise WebserviceException(f"deploy_configuration: {error}.") from error
