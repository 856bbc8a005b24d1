"""Machines on which a run's environment could not be built: the run goes to others, as long as there are any."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import sqlalchemy as sa
from msgspec.structs import replace

from faena.compute import store as compute
from faena.compute.model import Node, NodeState
from faena.compute.scheduling import Plan
from faena.compute.waiting import Given, Waiting
from faena.db import Read
from faena.db.prepared import Prepared
from faena.runs import attempt_store
from faena.runs.model import EndReason, Run
from faena.runs.store import QUEUED, runs

_AGAIN = Prepared(
    sa.select(runs.c.id).where(QUEUED, runs.c.cluster == sa.bindparam("of"), runs.c.attempt > 0)
)


def tried(read: Read, run_id: str) -> set[str]:
    """Machines, by id, on which the environment of a run could not be built."""
    return {
        each.machine
        for each in attempt_store.of_run(read, run_id)
        if each.machine and each.outcome is not None and each.outcome.reason is EndReason.ENVIRONMENT
    }


def others_may(read: Read, run: Run) -> bool:
    """Whether there are nodes of other machines, which may be at work now."""
    before = tried(read, run.id)
    nodes = compute.list_nodes(read, run.cluster) if before else []
    others = sum(not node.draining and node.machine not in {None, *before} for node in nodes)
    return others >= run.node_count


class Unbuildable:
    """Of the runs that wait for nodes of a cluster. `own`: its nodes that may get runs."""

    def __init__(self, read: Read, cluster: str, own: Sequence[Node]) -> None:
        found = {
            str(each): tried(read, str(each)) for each in read.execute(_AGAIN, {"of": cluster}).scalars()
        }
        self._tried = {run_id: machines for run_id, machines in found.items() if machines}
        self._own = {node.id: node for node in own}
        self._idle = [node for node in own if node.state is NodeState.IDLE and not node.draining]

    def passed_over(self, line: Iterable[Waiting]) -> Iterator[Waiting]:
        """Without those for which none of the nodes that idle will do: others need not wait for them."""
        return (run for run in line if run.run_id not in self._tried or len(self._for(run)) >= run.node_count)

    def avoided(self, made: Plan) -> Plan:
        """The same with other nodes that idle for those that will not do."""
        if not self._tried:
            return made
        taken = {given.node for _, each in made.place for given in each}
        place = []
        for run, given in made.place:
            bad = self._tried.get(run.run_id, set())
            chosen = given
            if any(self._own[each.node].machine in bad for each in given):
                taken.difference_update(each.node for each in given)
                with_gpus = any(each.gpus for each in given)
                free = [
                    node
                    for node in self._for(run)
                    if node.id not in taken and (node.own_gpus or not with_gpus)
                ]
                chosen = tuple(
                    Given(node.id, node.own_gpus if with_gpus else ()) for node in free[: run.node_count]
                )
                taken.update(each.node for each in chosen)
            if len(chosen) == run.node_count:
                place.append((run, chosen))
        return replace(made, place=tuple(place))

    def _for(self, run: Waiting) -> list[Node]:
        bad = self._tried.get(run.run_id, set())
        return [node for node in self._idle if node.machine not in bad] if bad else self._idle
