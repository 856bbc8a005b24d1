"""Whether a Ray cluster can ever have what nodes ask for: by the types that its autoscaler may start, and by the nodes
that are there. No I/O. What is not known is never said."""

from __future__ import annotations

from collections.abc import Mapping

from faena.compute.backends.ray.schemas import LiveNodes, NodeType, Offer
from faena.kernel.plural import counted

_EPSILON = 1e-6
_PLENTY = 1_000_000
_SHOWN = 4
_OF_A_NODE = ("node:", "accelerator_type:")
"""Resources that Ray gives nodes when they start: no type declares them."""


def capacity(offer: Offer, bundle: Mapping[str, float]) -> int | None:
    """How many nodes that each ask for `bundle` can be there at once; None: not known."""
    if offer.grows is None or any(name.startswith(_OF_A_NODE) for name in bundle):
        return None
    alive = [live.count for live in offer.nodes]
    heads = 0
    started: list[tuple[int, int]] = []
    for kind in sorted(offer.types, key=lambda kind: -len(kind.resources)):
        if kind.most == 0:
            continue
        if not kind.resources and not kind.head:
            return None
        lots, most = [], kind.most if kind.most >= 0 else _PLENTY
        for number, live in enumerate(offer.nodes):
            taken = min(most, alive[number]) if _is_of(live, kind) else 0
            lots.append((_fit(live.resources, bundle), taken))
            alive[number] -= taken
            most -= taken
        lots.append((_fit(kind.resources, bundle), most))
        if kind.head:
            heads += sum(fit * count for fit, count in lots)
        else:
            started += lots
    others = sum(_fit(live.resources, bundle) * left for live, left in zip(offer.nodes, alive, strict=True))
    return heads + others + _best(started, offer.most if offer.most >= 0 else _PLENTY)


def refusal(offer: Offer, bundle: Mapping[str, float], nodes: int) -> str:
    """Why so many nodes that each ask for `bundle` can never be there at once; empty: they may be."""
    most = capacity(offer, bundle)
    if most is None or most >= nodes:
        return ""
    if most:
        return f"its Ray cluster can have {counted(most, 'node')} with {amounts(bundle)} at most: {_shown(offer)}"
    has = "no node type of its Ray cluster has" if offer.grows else "no node of its Ray cluster has"
    return f"{has} {amounts(bundle)}: {_shown(offer)}"


def amounts(resources: Mapping[str, float]) -> str:
    """`CPU 2, GPU 0.5, memory 4 GiB`."""
    return ", ".join(
        f"{name} {value / (1 << 30):.3g} GiB" if name == "memory" else f"{name} {value:g}"
        for name, value in resources.items()
    )


def _fit(resources: Mapping[str, float], bundle: Mapping[str, float]) -> int:
    """How many bundles one node has room for."""
    return min(
        (int((resources.get(name, 0.0) + _EPSILON) / amount) for name, amount in bundle.items() if amount),
        default=_PLENTY,
    )


def _is_of(live: LiveNodes, kind: NodeType) -> bool:
    """Whether such nodes may be of this type: what else they have, Ray has found there."""
    return all(live.resources.get(name, 0.0) == amount for name, amount in kind.resources.items() if amount)


def _best(lots: list[tuple[int, int]], most: int) -> int:
    """Of lots of nodes that each have room for so many, with `most` nodes in all."""
    found = 0
    for fit, count in sorted(lots, reverse=True):
        taken = min(count, most)
        found += fit * taken
        most -= taken
    return found


def _shown(offer: Offer) -> str:
    found = [
        f"{kind.name} has {amounts(kind.resources) or 'nothing'}"
        + (f" (up to {counted(kind.most, 'node')})" if kind.most >= 0 else "")
        for kind in offer.types
        if kind.most and not kind.head
    ]
    if not offer.types:
        found = [
            f"{counted(live.count, 'node')} with {amounts(live.resources) or 'nothing'}"
            for live in offer.nodes
        ]
        found = found or ["there is no node"]
    left = len(found) - _SHOWN
    return "; ".join(found[:_SHOWN]) + (f"; and {left} more" if left > 0 else "")
