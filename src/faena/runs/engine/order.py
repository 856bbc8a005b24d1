"""What a node is told to do: digests, names and what was asked for; where that is on its host, the node knows."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from faena.attempts.key import AttemptKey
from faena.compute import store as compute
from faena.compute.cores import machine_cores
from faena.compute.leases import Terms
from faena.compute.machines.tokens import AttemptTokens
from faena.compute.model import Cluster, Node
from faena.db import Read
from faena.environments import store as locks
from faena.environments.model import Lock
from faena.runs import checkpoints, early_signal, inputs, store
from faena.runs.engine import threads
from faena.runs.model import Run
from faena.runs.submission_schemas import Submission
from faena.workspaces.model import WorkspaceFolder

_GPU = {"none": "none", "auto": "cpu", "require": "gpu"}
"""Whether GPU calls may be answered on the CPU, where the framework cannot use a GPU: the hook looks for itself."""
_HERE = "127.0.0.1"


class _Part(Struct, frozen=True):
    """Of orders: what all ranks of an attempt share."""

    run: Run
    cluster: Cluster
    submission: Submission
    lock: Lock | None
    inputs: Any
    peers: Raw | None


class Known:
    """What is known of runs within one read: ranks of a run that ask together have it looked up once."""

    def __init__(self) -> None:
        self._parts: dict[tuple[str, int], _Part | None] = {}

    def part(self, read: Read, node: Node) -> _Part | None:
        """Of the run that the node has; None where there is none."""
        if node.run_id is None:
            return None
        which = node.run_id, node.attempt
        if which not in self._parts:
            self._parts[which] = _part(read, node, node.run_id)
        return self._parts[which]


def _part(read: Read, node: Node, run_id: str) -> _Part | None:
    run = store.get(read, run_id)
    cluster = compute.cluster(read, node.cluster)
    if run is None or cluster is None:
        return None
    submission = msgspec.json.decode(run.submission, type=Submission)
    lock = locks.get(read, run.lock) if run.lock else None
    asked = inputs.of_order(read, submission.inputs, run.id)
    return _Part(run, cluster, submission, lock, asked, _peers(read, run, node))


def _peers(read: Read, run: Run, node: Node) -> Raw | None:
    """Where each rank of a run of several nodes is; encoded, since each of a thousand is told a thousand."""
    if run.node_count == 1:
        return None
    found = compute.addresses(read, node.cluster, run.id, node.attempt)
    return Raw(msgspec.json.encode([{"rank": rank, "address": address or _HERE} for rank, address in found]))


def of_node(
    read: Read, node: Node, folder: WorkspaceFolder, known: Known | None = None
) -> dict[str, Any] | None:
    """The order for the run that the node has; None when it has none. To be encoded by msgspec."""
    part = (known or Known()).part(read, node)
    if part is None:
        return None
    run, cluster, submission, lock = part.run, part.cluster, part.submission, part.lock
    return {
        "run_id": run.id,
        "attempt": node.attempt,
        "rank": node.rank,
        "node_count": run.node_count,
        "experiment": run.experiment,
        "workspace": folder.name,
        "snapshot": run.snapshot,
        "script": submission.script,
        "entry": submission.entry,
        "arguments": list(submission.arguments),
        "environment": _environment(run, lock),
        "cores": node.threads or 1,
        **({} if part.peers is None else {"peers": part.peers}),
        **_elsewhere(run, node, folder),
        "openblas": threads.of_openblas(
            cluster,
            node.threads or 1,
            node.cores or machine_cores(),
            has_chainer=lock is not None and threads.holds_chainer(lock),
        ),
        "gpu": _GPU[submission.gpu],
        "gpus": ",".join(node.gpus) if submission.gpu != "none" else "",
        "environment_variables": submission.environment_variables,
        "inherited_variables": submission.inherited_variables,
        "inputs": part.inputs,
        "checkpoint": checkpoints.of_order(read, run, submission, node.attempt, node.rank),
        "checkpoint_folder": checkpoints.folder_of(submission),
        "max_run_duration_seconds": submission.max_run_duration_seconds,
        "early_signal": early_signal.parse(submission.early_signal) if submission.early_signal else None,
        "grace": submission.grace_seconds,
        "warm": submission.warm,
        "distributed": None
        if submission.distributed is None
        else msgspec.to_builtins(submission.distributed),
    }


def _elsewhere(run: Run, node: Node, folder: WorkspaceFolder) -> dict[str, Any]:
    """What a run on another machine has besides."""
    found: dict[str, Any] = {}
    if node.machine is not None:
        key = AttemptKey(run.id, node.attempt, node.rank)
        found["token"] = AttemptTokens(folder.nodes).of(key.name)
        found["node_lease"] = {"fence_seconds": Terms.of_environment().fence}
    return found


def _environment(run: Run, lock: Lock | None) -> dict[str, Any]:
    """`lock` names an environment that we built; else the interpreter that was asked for is used as it is.

    Only one that we built loads our start hook by itself.
    """
    if lock is None or not lock.built:
        return {"built": False, "lock": run.lock or "", "interpreter": run.python}
    return {"built": True, "lock": run.lock, "interpreter": ""}
