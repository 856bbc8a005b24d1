"""The shape of a cluster, as v1 describes it before it is made."""

from __future__ import annotations

import math
from collections.abc import Mapping

from faena.kernel.errors import ComputeTargetException

_IDLE_SECONDS = 120.0
_PRIORITIES = ("dedicated", "lowpriority")


class AmlComputeProvisioningConfiguration:
    """What AmlCompute.provisioning_configuration returns. Each setting is an attribute; numbers may be given as text.

    `vm_size` and `vm_priority` are asked of a cloud: here a node is this machine's, and nobody takes it from a run.
    Raises ComputeTargetException for what is no number, and for a priority that v1 does not have.
    """

    def __init__(
        self,
        vm_size: str = "",
        vm_priority: str = "dedicated",
        min_nodes: int | str = 0,
        max_nodes: int | str | None = None,
        idle_seconds_before_scaledown: float | str | None = None,
        admin_username: str | None = None,
        admin_user_password: str | None = None,
        admin_user_ssh_key: str | None = None,
        vnet_resourcegroup_name: str | None = None,
        vnet_name: str | None = None,
        subnet_name: str | None = None,
        tags: Mapping[str, str] | None = None,
        description: str | None = None,
        remote_login_port_public_access: str = "NotSpecified",
        remotelogin_port_public_access: str | None = None,
        identity_type: str | None = None,
        identity_id: object = None,
        location: str | None = None,
        enable_node_public_ip: bool | None = None,
    ) -> None:
        if vm_priority and str(vm_priority).lower().replace("_", "") not in _PRIORITIES:
            raise ComputeTargetException(
                f"vm_priority is {repr(vm_priority)[:80]}. Use {' or '.join(map(repr, _PRIORITIES))}."
            )
        self.vm_size = vm_size
        self.vm_priority = vm_priority
        self.min_nodes = whole_number(min_nodes, "min_nodes")
        self.max_nodes = None if max_nodes is None else whole_number(max_nodes, "max_nodes")
        self.idle_seconds_before_scaledown = (
            None
            if idle_seconds_before_scaledown is None
            else seconds(idle_seconds_before_scaledown, "idle_seconds_before_scaledown")
        )
        self.tags = dict(tags or {})
        self.description = description
        self.location = location

    def validate_configuration(self) -> None:
        """Raises ComputeTargetException for what no cluster can be."""
        if self.max_nodes is None:
            raise ComputeTargetException(
                "Invalid provisioning configuration, max nodes count is mandatory. Give max_nodes, such as 4."
            )
        if self.min_nodes > self.max_nodes:
            raise ComputeTargetException(
                f"min_nodes is {self.min_nodes} and max_nodes {self.max_nodes}. Use min_nodes up to max_nodes."
            )

    @property
    def idle_seconds(self) -> float:
        """Seconds; 120 unless given."""
        given = self.idle_seconds_before_scaledown
        return _IDLE_SECONDS if given is None else given


def whole_number(value: object, name: str) -> int:
    """Notebooks give numbers as text, too. Raises ComputeTargetException naming the setting."""
    text = value.strip() if isinstance(value, str) else ""
    if text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ComputeTargetException(f"{name} is {repr(value)[:80]}. Use a whole number.")


def seconds(value: object, name: str) -> float:
    """Notebooks give numbers as text, too. Raises ComputeTargetException naming the setting."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]  # whatever it is
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ComputeTargetException(f"{name} is {repr(value)[:80]}. Use seconds.")
    return number
