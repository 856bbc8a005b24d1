"""v1's deployment configurations: what means something here is kept, the rest is told once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from faena.client.endpoints.configuration import DeploymentConfiguration
from faena.kernel.errors import WebserviceException
from faena.script.messages import warn_without_effect

Files = str | os.PathLike[str] | None


class LocalDeployment(DeploymentConfiguration):
    """v1's local services ask for no key."""

    def __init__(self, port: int | None = None) -> None:
        super().__init__(port, auth_enabled=False)


class AciDeployment(DeploymentConfiguration):
    """`auth_enabled`: False, as in v1. Cores and memory bound nothing here."""

    compute_type = "ACI"

    def __init__(
        self,
        cpu_cores: float | None = None,
        memory_gb: float | None = None,
        tags: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | None = None,
        description: str | None = None,
        location: str | None = None,
        auth_enabled: bool | None = None,
        ssl_enabled: bool | None = None,
        enable_app_insights: bool | None = None,
        ssl_cert_pem_file: Files = None,
        ssl_key_pem_file: Files = None,
        ssl_cname: str | None = None,
        dns_name_label: str | None = None,
        primary_key: str | None = None,
        secondary_key: str | None = None,
        collect_model_data: bool | None = None,
        cmk_vault_base_url: str | None = None,
        cmk_key_name: str | None = None,
        cmk_key_version: str | None = None,
        vnet_name: str | None = None,
        subnet_name: str | None = None,
    ) -> None:
        _check_resources(cpu_cores, memory_gb)
        _tell(
            location=location,
            enable_app_insights=enable_app_insights,
            ssl_cname=ssl_cname,
            dns_name_label=dns_name_label,
            primary_key=primary_key,
            secondary_key=secondary_key,
            cmk_vault_base_url=cmk_vault_base_url,
            cmk_key_name=cmk_key_name,
            cmk_key_version=cmk_key_version,
            vnet_name=vnet_name,
            subnet_name=subnet_name,
        )
        super().__init__(
            auth_enabled=bool(auth_enabled),
            keep_requests=_kept(collect_model_data),
            tags=tags,
            properties=properties,
            description=description,
            **_certificate(ssl_enabled, ssl_cert_pem_file, ssl_key_pem_file),
        )
        self.cpu_cores = cpu_cores
        self.memory_gb = memory_gb
        self.enable_app_insights = enable_app_insights


class AksDeployment(DeploymentConfiguration):
    """`auth_enabled`: True, as in v1; tokens are keys, which `token_auth_enabled` asks for, too.

    `num_replicas`, else `autoscale_min_replicas`, are workers; none come and go.
    """

    compute_type = "AKS"

    def __init__(
        self,
        autoscale_enabled: bool | None = None,
        autoscale_min_replicas: int | None = None,
        autoscale_max_replicas: int | None = None,
        autoscale_refresh_seconds: int | None = None,
        autoscale_target_utilization: int | None = None,
        collect_model_data: bool | None = None,
        auth_enabled: bool | None = None,
        cpu_cores: float | None = None,
        memory_gb: float | None = None,
        enable_app_insights: bool | None = None,
        scoring_timeout_ms: int | None = None,
        replica_max_concurrent_requests: int | None = None,
        max_request_wait_time: int | None = None,
        num_replicas: int | None = None,
        primary_key: str | None = None,
        secondary_key: str | None = None,
        tags: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | None = None,
        description: str | None = None,
        gpu_cores: int | None = None,
        period_seconds: int | None = None,
        initial_delay_seconds: int | None = None,
        timeout_seconds: int | None = None,
        success_threshold: int | None = None,
        failure_threshold: int | None = None,
        namespace: str | None = None,
        token_auth_enabled: bool | None = None,
        compute_target_name: str | None = None,
        cpu_cores_limit: float | None = None,
        memory_gb_limit: float | None = None,
        blobfuse_enabled: bool | None = None,
    ) -> None:
        _check_resources(cpu_cores, memory_gb)
        _tell(
            autoscale_enabled=autoscale_enabled,
            autoscale_max_replicas=autoscale_max_replicas,
            autoscale_refresh_seconds=autoscale_refresh_seconds,
            autoscale_target_utilization=autoscale_target_utilization,
            enable_app_insights=enable_app_insights,
            replica_max_concurrent_requests=replica_max_concurrent_requests,
            max_request_wait_time=max_request_wait_time,
            primary_key=primary_key,
            secondary_key=secondary_key,
            gpu_cores=gpu_cores,
            period_seconds=period_seconds,
            initial_delay_seconds=initial_delay_seconds,
            timeout_seconds=timeout_seconds,
            success_threshold=success_threshold,
            failure_threshold=failure_threshold,
            namespace=namespace,
            compute_target_name=compute_target_name,
            cpu_cores_limit=cpu_cores_limit,
            memory_gb_limit=memory_gb_limit,
            blobfuse_enabled=blobfuse_enabled,
        )
        super().__init__(
            auth_enabled=True if auth_enabled is None else auth_enabled or bool(token_auth_enabled),
            keep_requests=_kept(collect_model_data),
            workers=num_replicas or autoscale_min_replicas,
            timeout_seconds=None if scoring_timeout_ms is None else scoring_timeout_ms / 1000,
            tags=tags,
            properties=properties,
            description=description,
        )
        self.cpu_cores = cpu_cores
        self.memory_gb = memory_gb
        self.enable_app_insights = enable_app_insights


def _check_resources(cpu_cores: float | None, memory_gb: float | None) -> None:
    for name, value in (("cpu_cores", cpu_cores), ("memory_gb", memory_gb)):
        if value is not None and not value > 0:
            raise WebserviceException(f"Invalid configuration, {name} must be greater than 0; it is {value}.")


def _kept(collect_model_data: bool | None) -> float | None:
    """v1 collected what the script named; here all requests and answers are kept."""
    return None if collect_model_data is None else float(bool(collect_model_data))


def _tell(**settings: Any) -> None:
    idle = sorted(name for name, value in settings.items() if value)
    warn_without_effect(idle, "Azure's services", "this machine serves")


def _certificate(enabled: bool | None, certificate: Files, key: Files) -> dict[str, Any]:
    if enabled is False or (enabled is None and certificate is None and key is None):
        return {}
    if certificate is None or key is None:
        raise WebserviceException("ssl_enabled needs ssl_cert_pem_file and ssl_key_pem_file.")
    return {"ssl_cert_pem_file": certificate, "ssl_key_pem_file": key}
