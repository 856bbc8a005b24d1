"""Clusters whose nodes somebody elsewhere starts: what he is asked for, and what he need not bring any more."""

from __future__ import annotations

from collections.abc import Sequence

from faena.compute import gangs
from faena.compute import store as compute
from faena.compute.machines import service as machines
from faena.compute.model import Cluster, Node, NodeState
from faena.compute.scheduling import Plan, most_wanted
from faena.db import Write
from faena.kernel import ids
from faena.kernel.clock import Micros
from faena.runs.queue import Queues


def resize(
    write: Write, cluster: Cluster, made: Plan, nodes: Sequence[Node], queues: Queues, now: Micros
) -> list[str]:
    """Ask for nodes, or withdraw what was asked for; the ids of those asked for. `nodes`: as `made` was made of."""
    gone = gangs.to_withdraw(nodes, made.surplus)
    for node in gone:
        compute.remove_node(write, node, now)
    asked: list[Node] = []
    if made.start:
        placed = {each.node for _, given in made.place for each in given}
        there = sum(_is_at_hand(node) and node.id not in placed for node in nodes)
        waiting = queues.sizes(cluster.name, most_wanted(cluster))
        for size in gangs.sizes(made.start, there, waiting):
            asked += _ask(write, cluster, size, now)
    if gone or asked:
        write.notify(gangs.CHANGED)
    return [node.id for node in asked]


def _is_at_hand(node: Node) -> bool:
    return node.state in (NodeState.IDLE, NodeState.PREPARING) and not node.draining


def _ask(write: Write, cluster: Cluster, size: int, now: Micros) -> list[Node]:
    gang = ids.new_id("gang")
    made = []
    for rank, machine in enumerate(machines.expect(write, cluster, size, now)):
        place = gangs.Place(gang, rank, size)
        node = Node(ids.new_id("node"), cluster.name, NodeState.PREPARING, None, now, machine=machine.id)
        made.append(machines.expected(write, machine, node, place.text))
    return made
