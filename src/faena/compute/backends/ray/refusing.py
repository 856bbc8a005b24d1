"""Which runs a cluster on Ray can never have nodes for, as far as is known when they are submitted. No I/O."""

from __future__ import annotations

from faena.compute.backends.ray.offers import refusal
from faena.compute.backends.ray.settings import RaySettings
from faena.compute.model import Cluster
from faena.kernel.errors import ExperimentExecutionException


def refuse_what_cannot_be(cluster: Cluster, nodes: int, *, needs_gpus: bool) -> None:
    """Raises ExperimentExecutionException, which names what was asked for, what there is and what to do."""
    settings = RaySettings.of(cluster)
    if needs_gpus and not settings.shape.gpus:
        raise ExperimentExecutionException(
            f"gpu is 'require', and nodes of {cluster.name!r} ask Ray for no GPU. Attach it again with gpus_per_node, "
            "or use gpu='none'."
        )
    if settings.offer is None or not (why := refusal(settings.offer, settings.bundle, nodes)):
        return
    if refusal(settings.offer, settings.bundle, 1):
        remedy = "Attach it again with what a node of it has, or give its Ray cluster such nodes"
    else:
        remedy = f"node_count is {nodes}: ask for fewer nodes, or let its Ray cluster have more"
    raise ExperimentExecutionException(
        f"Cluster {cluster.name!r} can never run this: {why}. {remedy}; then attach it again, which has it looked at "
        "anew."
    )
