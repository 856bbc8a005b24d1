"""What a node is told to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from faena.compute import store as compute
from faena.compute.model import Node
from faena.data import store as snapshots
from faena.data.service import datasets_root
from faena.db import Read
from faena.environments import store as locks
from faena.environments.ready import hold_path
from faena.runs import inputs, store
from faena.runs.engine import threads
from faena.runs.model import Run
from faena.runs.schemas import Submission
from faena.workspaces.model import WorkspaceFolder

_GPU = {"none": "none", "auto": "cpu", "require": "gpu"}
"""Whether GPU calls may be answered on the CPU, where the framework cannot use a GPU: the hook looks for itself."""


def of_node(read: Read, node: Node, folder: WorkspaceFolder) -> dict[str, Any] | None:
    """The order for the run that the node has; None when it has none."""
    if node.run_id is None:
        return None
    run = store.get(read, node.run_id)
    cluster = compute.cluster(read, node.cluster)
    if run is None or cluster is None:
        return None
    submission = msgspec.json.decode(run.submission, type=Submission)
    return {
        "run_id": run.id,
        "attempt": node.attempt,
        "rank": node.rank,
        "node_count": run.node_count,
        "experiment": run.experiment,
        "workspace": folder.name,
        "workspace_folder": str(folder.path),
        "folder": str(_folder(folder.attempts, node)),
        "objects": str(folder.objects),
        "files": [msgspec.to_builtins(file) for file in snapshots.files(read, run.snapshot) or ()],
        "script": submission.script,
        "entry": submission.entry,
        "arguments": list(submission.arguments),
        "python": run.python,
        "hooked": _is_hooked(read, run),
        "environment_lock": str(hold_path(run.lock)) if run.lock and _is_hooked(read, run) else "",
        "cores": node.threads or 1,
        "openblas": threads.of_openblas(
            cluster,
            node.threads or 1,
            has_chainer=run.lock is not None and threads.has_chainer(read, run.lock),
        ),
        "gpu": _GPU[submission.gpu],
        "gpus": ",".join(node.gpus) if submission.gpu != "none" else "",
        "defaults": dict.fromkeys(("CHAINER_DATASET_ROOT", "FAENA_DATASETS"), str(datasets_root())),
        "environment_variables": submission.environment_variables,
        "inherited_variables": submission.inherited_variables,
        "inputs": inputs.of_order(read, submission.inputs, folder),
        "max_run_duration_seconds": submission.max_run_duration_seconds,
        "grace": submission.grace_seconds,
    }


def _folder(attempts: Path, node: Node) -> Path:
    return attempts / str(node.run_id) / str(node.attempt) / str(node.rank)


def _is_hooked(read: Read, run: Run) -> bool:
    """Whether the interpreter loads our start hook by itself: only in environments that we built."""
    lock = locks.get(read, run.lock) if run.lock else None
    return lock is not None and lock.built
