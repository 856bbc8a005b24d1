"""How an endpoint is served: workers, keys, limits."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any, TypeVar

import msgspec

from faena.client.wire import shown, texts
from faena.endpoints.schemas import EndpointChange, Settings, Tls, Workers
from faena.kernel.errors import WebserviceException

T = TypeVar("T")
_NAMES = {"count": "workers", "body_bytes": "max_body_bytes", "queue": "max_queue"}
"""What is called otherwise on the wire."""
_SHOWN = 80


class DeploymentConfiguration:
    """What `LocalWebservice.deploy_configuration` makes; see there. None leaves what there is, or the default."""

    compute_type = "Local"

    def __init__(
        self,
        port: int | None = None,
        *,
        auth_enabled: bool | None = None,
        workers: int | None = None,
        threads: int | None = None,
        timeout_seconds: float | None = None,
        init_timeout_seconds: float | None = None,
        max_batch_size: int | None = None,
        max_latency_ms: float | None = None,
        max_requests: int | None = None,
        max_memory_gb: float | None = None,
        max_body_bytes: int | None = None,
        max_queue: int | None = None,
        host: str | None = None,
        cors_origins: Iterable[str] | None = None,
        ssl_cert_pem_file: str | os.PathLike[str] | None = None,
        ssl_key_pem_file: str | os.PathLike[str] | None = None,
        sample_input: str | None = None,
        keep_requests: float | None = None,
        tags: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | None = None,
        description: str | None = None,
        node: str | None = None,
    ) -> None:
        if (ssl_cert_pem_file is None) != (ssl_key_pem_file is None):
            raise WebserviceException(
                "ssl_cert_pem_file and ssl_key_pem_file are given together or not at all."
            )
        self.sample_input = sample_input
        memory = None if max_memory_gb is None else _bytes(max_memory_gb)
        self.workers = _given(
            count=workers,
            threads=threads,
            max_batch_size=max_batch_size,
            max_latency_ms=max_latency_ms,
            max_requests=max_requests,
            max_memory_bytes=memory,
        )
        self.limits = _given(
            body_bytes=max_body_bytes,
            queue=max_queue,
            timeout_seconds=timeout_seconds,
            init_timeout_seconds=init_timeout_seconds,
        )
        self.settings = _given(
            port=port,
            auth_enabled=auth_enabled,
            host=host,
            cors_origins=_origins(cors_origins),
            keep_requests=None if keep_requests is None else float(keep_requests),
            description=description,
            node=node,
            tags=None if tags is None else texts(tags, "tags"),
            properties=None if properties is None else texts(properties, "properties"),
            tls=None
            if ssl_cert_pem_file is None or ssl_key_pem_file is None
            else Tls(_absolute(ssl_cert_pem_file), _absolute(ssl_key_pem_file)),
        )

    def over(self, base: DeploymentConfiguration | None) -> DeploymentConfiguration:
        """What both name, as this one has it."""
        if base is None:
            return self
        made = copy(base)
        made.workers, made.limits = {**base.workers, **self.workers}, {**base.limits, **self.limits}
        made.settings = {**base.settings, **self.settings}
        made.sample_input = base.sample_input if self.sample_input is None else self.sample_input
        return made

    def __repr__(self) -> str:
        named = {
            _NAMES.get(name, name): value
            for name, value in {**self.settings, **self.workers, **self.limits}.items()
        }
        if (memory := named.pop("max_memory_bytes", None)) is not None:
            named["max_memory_gb"] = memory / (1 << 30)
        if self.sample_input is not None:
            named["sample_input"] = self.sample_input[:_SHOWN]
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in named.items())})"

    def workers_from(self, base: Workers) -> Workers:
        return _converted({**msgspec.to_builtins(base), **self.workers}, Workers)

    def settings_from(self, base: Settings) -> Settings:
        kept = {**msgspec.to_builtins(base), **msgspec.to_builtins(self.settings)}
        kept["limits"] = {**kept["limits"], **self.limits}
        kept["compute_type"] = self.compute_type
        return _converted(kept, Settings)

    def change_of(self, base: Settings) -> EndpointChange:
        """What changes of an endpoint's settings without a new revision.

        Raises WebserviceException for what needs one.
        """
        fixed = [*self.workers, *sorted({"port", "host", "tls", "node"} & self.settings.keys())]
        if fixed or self.sample_input is not None:
            names = ", ".join(_named_here(name) for name in fixed) or "sample_input"
            raise WebserviceException(
                f"{names} cannot change without a new revision. Give inference_config, too."
            )
        wanted = {name: value for name, value in self.settings.items() if name != "properties"}
        if self.limits:
            wanted["limits"] = {**msgspec.to_builtins(base.limits), **self.limits}
        return _converted({**wanted, "add_properties": self.settings.get("properties", {})}, EndpointChange)


def check_configuration(given: object) -> DeploymentConfiguration | None:
    """Raises WebserviceException for what is none."""
    if given is None or isinstance(given, DeploymentConfiguration):
        return given
    raise WebserviceException(
        f"deployment_config is {shown(given)}, which is no deployment configuration. Use "
        "LocalWebservice.deploy_configuration(…)."
    )


def _named_here(name: str) -> str:
    return {**_NAMES, "tls": "ssl_cert_pem_file", "max_memory_bytes": "max_memory_gb"}.get(name, name)


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _converted(values: dict[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(values, kind, strict=True)
    except msgspec.ValidationError as error:
        raise WebserviceException(f"The deployment configuration cannot be used: {error}.") from error


def _bytes(gigabytes: float) -> int:
    try:
        return int(float(gigabytes) * (1 << 30))  # a text times a number is that text so often
    except (TypeError, ValueError, OverflowError):
        raise WebserviceException(f"max_memory_gb is {shown(gigabytes)}. Use a number, such as 2.") from None


def _origins(given: Iterable[str] | str | None) -> tuple[str, ...] | None:
    if given is None:
        return None
    return (given,) if isinstance(given, str) else tuple(given)


def _absolute(path: str | os.PathLike[str]) -> str:
    return os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111  links stay links
