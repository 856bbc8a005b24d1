"""A run that asked for a GPU and has none says so before the first line of its script, whatever program that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WHY = {
    True: "this machine has none, or others have all of them",
    False: "its node has none",
}


def gets_none(order: Mapping[str, Any], variables: Mapping[str, str]) -> bool:
    """Whether it asked for one where there is one, and is shown none."""
    return order["gpu"] == "cpu" and not variables.get("CUDA_VISIBLE_DEVICES")


def first_line(*, shares_files: bool) -> str:
    """For the script's stderr. `shares_files`: its node is on the server's machine."""
    return (
        f"faena: NO GPU. The run asked for one (use_gpu=True), and {_WHY[shares_files]}: it runs on the CPU. "
        "gpu='require' waits for one, or is refused.\n"
    )


def note() -> dict[str, str]:
    """Of a node elsewhere, which alone knows; on its own machine the server has said it."""
    message = (
        "The run was submitted with use_gpu=True and its node has no GPU: the script gets none. With gpu='require' "
        "such a run is refused."
    )
    return {"code": "no_gpu", "message": message}
