"""Whether the processes that a run asks for can be started. No I/O."""

from __future__ import annotations

import posixpath

from faena.kernel.errors import TrainingException, UserErrorException
from faena.runs.submission_schemas import Distributed, Submission

_MOST_ON_A_NODE = 256
_MOST = 10_000
_OTHER_PROGRAMS = (".sh", ".bash", ".r", ".jl", ".pl")


def check(submission: Submission) -> None:
    """Raises TrainingException for counts, and UserErrorException for scripts, that no ranks can be made of."""
    asked = submission.distributed
    if asked is None:
        return
    _check_counts(asked, submission.node_count)
    if submission.warm:
        raise UserErrorException(
            "warm=True is for a script of one process: ranks are started cold. Leave warm or the distribution out."
        )
    if submission.entry == "script" and submission.script.endswith(".ipynb"):
        raise UserErrorException(
            f"The notebook {submission.script[:200]!r} cannot run in several processes, which would write into one "
            "notebook. Export it as a script (jupyter nbconvert --to script), or leave the distribution out."
        )
    if asked.kind == "mpi" and not _may_be_python(submission):
        raise UserErrorException(
            f"{submission.script[:200]!r} is no script of Python. Ranks of MPI are started by `python -m mpi4py`, "
            "without which the others wait for ever when one of them ends: have a Python script start what is to run."
        )


def _check_counts(asked: Distributed, nodes: int) -> None:
    if asked.kind != "tensorflow":
        count = asked.process_count_per_node
        if not 1 <= count <= _MOST_ON_A_NODE:
            raise TrainingException(f"process_count_per_node is {count}. Use 1 to {_MOST_ON_A_NODE}.")
        if count * nodes > _MOST:
            raise TrainingException(
                f"{nodes} nodes with {count} processes each are {count * nodes:,} ranks; {_MOST:,} can be."
            )
        return
    workers, servers = asked.worker_count, asked.parameter_server_count
    if workers < 1 or servers < 0:
        raise TrainingException(
            f"worker_count is {workers} and parameter_server_count {servers}. Use 1 or more workers, 0 or more servers."
        )
    if workers + servers > min(_MOST, nodes * _MOST_ON_A_NODE):
        raise TrainingException(
            f"{workers} workers and {servers} parameter servers are too many for {nodes} nodes: "
            f"{_MOST_ON_A_NODE} processes a node can be."
        )
    if max(workers, servers) < nodes:
        raise TrainingException(
            f"node_count is {nodes}, and {workers} workers with {servers} parameter servers leave nodes without any. "
            f"Use {max(workers, servers)} nodes at most, or more workers."
        )


def _may_be_python(submission: Submission) -> bool:
    if submission.entry == "program":
        return posixpath.basename(submission.script).startswith("python")
    return submission.entry == "module" or not submission.script.lower().endswith(_OTHER_PROGRAMS)
