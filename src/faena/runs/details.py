"""A run in the keys of v1's `get_details`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import structs

from faena.kernel.clock import iso, seconds_between
from faena.runs.lineage import data_references, input_datasets
from faena.runs.schemas import RunView
from faena.runs.submission_schemas import Distributed

OWN_PROCESS = "sdk"
"""The target of a run that no cluster had: v1's word."""
LOG_FOLDERS = ("azureml-logs/", "logs/")


def details(run: RunView, names: Iterable[str]) -> dict[str, Any]:
    """v1's keys, then `tags` and `phases` (what it did when, in seconds). `names`: of the run's files.

    `startTimeUtc`, `endTimeUtc` and `error` are there once there is such a thing. `logFiles` gives for each log the
    name under which `download_file` has it.
    """
    found: dict[str, Any] = {"runId": run.id, "target": run.cluster or OWN_PROCESS, "status": run.status}
    if run.started_at is not None:
        found["startTimeUtc"] = iso(run.started_at)
    if run.ended_at is not None:
        found["endTimeUtc"] = iso(run.ended_at)
    if run.error is not None:
        found["error"] = {"error": {"code": run.error.reason, "message": failure(run)}}
    return found | {
        "warnings": [{"source": note.code, "message": note.message} for note in run.notes],
        "properties": _properties(run),
        "inputDatasets": input_datasets(run),
        "runDefinition": {
            "script": run.script if run.entry == "script" else None,
            "command": run.command if run.entry != "script" else "",
            "arguments": run.arguments,
            "target": run.cluster or OWN_PROCESS,
            "nodeCount": run.node_count,
            **({} if run.distributed is None else _processes(run.distributed)),
            "threads": run.threads,
            "dataReferences": data_references(run),
            "environment": _environment(run),
            **({} if run.checkpoint is None else {"checkpoint": structs.asdict(run.checkpoint)}),
        },
        "logFiles": {name: name for name in names if name.startswith(LOG_FOLDERS)},
        "tags": run.tags,
        "phases": [
            {
                "name": phase.name,
                "attempt": phase.attempt,
                "seconds": seconds_between(phase.started_at, phase.ended_at),
            }
            for phase in run.phases
            if phase.ended_at is not None
        ],
    }


def _environment(run: RunView) -> dict[str, Any]:
    """By the name that it was submitted under; a version that nobody registered is its lock's digest."""
    name, _, version = run.environment.partition(":")
    return {
        "name": name,
        "version": version or run.lock,
        "environmentVariables": run.environment_variables,
        "inheritedVariables": run.inherited_variables,
        **({"asOf": run.as_of, "asOfFrom": run.as_of_from} if run.as_of else {}),
    }


def failure(run: RunView) -> str:
    """Why a run failed, with the last lines of its log."""
    if run.error is None:
        return ""
    lines = "\n".join(run.error.last_lines)
    return f"{run.error.message}\nLast lines of the log:\n{lines}" if lines else run.error.message


def _properties(run: RunView) -> dict[str, Any]:
    """What Faena knows of the source, under v1's names; the run's own properties win."""
    git = run.git or {}
    known: dict[str, Any] = {"ContentSnapshotId": run.snapshot}
    if git:
        known |= {
            "azureml.git.repository_uri": git.get("remote"),
            "azureml.git.branch": git.get("branch"),
            "azureml.git.commit": git.get("commit"),
            "azureml.git.dirty": str(git.get("dirty")),
            "mlflow.source.git.repoURL": git.get("remote"),
            "mlflow.source.git.branch": git.get("branch"),
            "mlflow.source.git.commit": git.get("commit"),
        }
    return {key: value for key, value in known.items() if value is not None} | run.properties


def _processes(asked: Distributed) -> dict[str, Any]:
    """v1's keys."""
    if asked.kind == "tensorflow":
        counts = {
            "workerCount": asked.worker_count,
            "parameterServerCount": asked.parameter_server_count,
        }
        return {"communicator": "ParameterServer", "tensorflow": counts}
    if asked.kind == "torch":
        return {"communicator": "Gloo", "pytorch": {"processCountPerNode": asked.process_count_per_node}}
    return {"communicator": "OpenMpi", "mpi": {"processCountPerNode": asked.process_count_per_node}}
