"""What may stand in the parameters of an estimator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faena.client.wire import shown
from faena.kernel.errors import TrainingException, UserErrorException
from faena.script.messages import warn_caller

_IDLE = {
    "vm_priority": None,
    "custom_docker_image": None,
    "custom_docker_base_image": None,
    "image_registry_details": None,
    "use_docker": True,
    "shm_size": None,
    "source_directory_data_store": None,
    "_enable_optimized_mode": None,
    "_disable_validation": None,
}
"""Parameters of v1 that mean nothing on one's own machines, and their defaults."""


def check_names(field: str, given: object) -> None:
    if given is None or (isinstance(given, (list, tuple)) and all(isinstance(name, str) for name in given)):
        return
    wanted = f"[{given!r}]" if isinstance(given, str) and len(given) < 80 else "['numpy>=1.20', 'pandas']"
    raise UserErrorException(f"{field} is {shown(given)}. Use a list of texts, such as {wanted}.")


def check_mapping(field: str, given: object) -> None:
    if given is not None and not isinstance(given, Mapping):
        raise UserErrorException(f"{field} is {shown(given)}. Use a dict, such as {{'--epochs': 3}}.")


def tell_idle(given: Mapping[str, Any]) -> None:
    """One warning for what has no effect. Raises TrainingException for what v1 did not know either."""
    unknown = sorted(set(given) - {*_IDLE, "vm_size"})
    if unknown:
        raise TrainingException(
            f"An estimator has no parameter {', '.join(unknown)}. See help(faena.Estimator) for those that it has."
        )
    # use_docker=False is what happens anyway
    idle = sorted(name for name, value in given.items() if value not in (_IDLE.get(name), False))
    if idle:
        warn_caller(f"These parameters have no effect here: {', '.join(idle)}.")
