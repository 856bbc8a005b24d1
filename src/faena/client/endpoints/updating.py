"""What `update` is given beside its parameters: settings, v1's words for them, and what has no meaning."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from faena.client.endpoints.configuration import DeploymentConfiguration
from faena.client.wire import number
from faena.kernel.errors import WebserviceException
from faena.script.messages import warn_without_effect

_SETTINGS = frozenset(inspect.signature(DeploymentConfiguration).parameters)
_WITHOUT_MEANING = """
    autoscale_enabled autoscale_max_replicas autoscale_refresh_seconds autoscale_target_utilization cname
    cmk_key_name cmk_key_version cmk_vault_base_url collect_model_data compute_target_name cpu_cores cpu_cores_limit
    dns_name_label enable_app_insights failure_threshold gpu_cores initial_delay_seconds is_default location
    max_request_wait_time memory_gb memory_gb_limit namespace period_seconds primary_key
    replica_max_concurrent_requests secondary_key ssl_cname ssl_enabled success_threshold token_auth_enabled
    traffic_percentile version_name"""


def configuration_of(given: Mapping[str, Any]) -> DeploymentConfiguration | None:
    """The settings among what was given; None: there are none. What has no meaning here is told once.

    Raises WebserviceException for a name that is none.
    """
    known: dict[str, Any] = {}
    idle: list[str] = []
    for name, value in given.items():
        if value is None:
            continue
        if name in _SETTINGS:
            known[name] = value
        elif name in ("num_replicas", "autoscale_min_replicas"):
            known.setdefault("workers", value)
        elif name == "scoring_timeout_ms":
            known.setdefault("timeout_seconds", number(value, name) / 1000)
        elif name in _WITHOUT_MEANING.split():
            idle.append(name)
        else:
            raise WebserviceException(
                f"update() has no parameter {name[:80]!r}. Give models and inference_config, deployment_config, tags, "
                "properties, description, auth_enabled, or a setting of deploy_configuration, such as timeout_seconds."
            )
    warn_without_effect(sorted(idle), "Azure's services", "this machine serves")
    return DeploymentConfiguration(**known) if known else None
