"""Run: one execution of a script, followed from outside."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from faena.client import registration
from faena.client.lineage import data_references, input_datasets
from faena.client.model import Model
from faena.client.session import Session
from faena.client.show import Follower, summary
from faena.kernel.clock import iso
from faena.kernel.errors import (
    ActivityFailedException,
    ExperimentExecutionException,
    RunEnvironmentException,
    ServiceException,
    UserErrorException,
)
from faena.runs.schemas import LogEvent, RunView, StatusEvent
from faena.script.run import Run as ScriptRun

_PAUSE = 0.1
_BREAKS = 20
"""Connections in a row that may break before their first event."""


class RunGroup(Protocol):
    """What a run must know of its experiment."""

    name: str
    workspace: Session


class Run:
    """A run of an experiment. Raises NotFound when there is none of that id."""

    def __init__(self, experiment: RunGroup, run_id: str, view: RunView | None = None) -> None:
        self.experiment = experiment
        self.id = run_id
        self._api = experiment.workspace.api
        self._view = view or self._api.run(run_id)

    @staticmethod
    def get_context(allow_offline: bool = True) -> ScriptRun:
        """Inside a training script: the run that it belongs to; see `faena.script.run.Run`."""
        return ScriptRun.get_context(allow_offline=allow_offline)

    @property
    def number(self) -> int:
        return self._view.number

    @property
    def status(self) -> str:
        return self.get_status()

    @property
    def tags(self) -> dict[str, str]:
        return self.refresh().tags

    def get_tags(self) -> dict[str, str]:
        return self.tags

    def refresh(self) -> RunView:
        """The run as the server knows it now."""
        self._view = self._api.run(self.id)
        return self._view

    def get_status(self) -> str:
        """NotStarted, Preparing, Queued, Starting, Running, Finalizing, Completed, Failed or Canceled;
        CancelRequested while a cancel is on its way."""
        return self.refresh().status

    def cancel(self) -> None:
        """Ask the run to stop: SIGTERM, and SIGKILL 30 s later. What it wrote is kept."""
        self._view = self._api.cancel(self.id)

    def wait_for_completion(
        self, show_output: bool = False, wait_post_processing: bool = False, raise_on_error: bool = True
    ) -> dict[str, Any]:
        """Wait until the run has ended; its details.

        `show_output` prints the build log, then the driver log as they come, then a summary. The run's files
        are kept when it has ended, so `wait_post_processing` has nothing to add.

        Raises ActivityFailedException when the run failed, unless `raise_on_error` is False, and
        ExperimentExecutionException on Ctrl-C, which leaves the run running.
        """
        try:
            self._follow(Follower(self.id) if show_output else None)
        except KeyboardInterrupt:
            raise ExperimentExecutionException(
                f"The output streaming for the run interrupted. But run {self.id} is still executing on "
                f"{self._view.cluster}. Follow it again with wait_for_completion() or `faena logs -f {self.id}`; "
                f"stop it with cancel() or `faena cancel {self.id}`."
            ) from None
        if show_output:
            print(summary(self._view))  # noqa: T201
        if raise_on_error and self._view.status == "Failed":
            raise ActivityFailedException(failure(self._view))
        return self._details()

    def get_details(self) -> dict[str, Any]:
        """The run in v1's keys, and `phases`: what it did when, in seconds."""
        self.refresh()
        return self._details()

    def get_metrics(self, name: str | None = None) -> dict[str, Any]:
        """Values by name: a scalar for what was logged once, a list for more, a dict of columns for rows and tables."""
        return self._api.metrics(self.id, name)

    def get_system_metrics(self) -> dict[str, Any]:
        """CPU, memory and GPU of the run's processes, sampled every 5 s."""
        return self._api.metrics(self.id, source="system")

    def get_file_names(self) -> list[str]:
        """Names of the run's files: its logs, and what it left in ./outputs and ./logs."""
        return [file.name for file in self._api.files(self.id)]

    def download_file(self, name: str, output_file_path: str | os.PathLike[str] | None = None) -> None:
        """Copy one file to `output_file_path`: a file, or a folder that is there (default: here, under its base name).

        Raises NotFound listing the files that there are.
        """
        base = str(name).rstrip("/").rpartition("/")[2]
        target = Path(output_file_path).expanduser() if output_file_path is not None else Path(base)
        if target.is_dir():
            target = target / base
        self._api.download_file(self.id, name, target)

    def download_files(
        self,
        prefix: str | None = None,
        output_directory: str | os.PathLike[str] | None = None,
        output_paths: Sequence[str | os.PathLike[str]] | None = None,
    ) -> None:
        """Copy all files whose names begin with `prefix` into `output_directory` (default: here), folders kept.

        `output_paths`, one for each file in the order of their names, says where each goes instead.
        """
        names = [name for name in self.get_file_names() if name.startswith(prefix or "")]
        root = Path(output_directory or ".").expanduser()
        targets = (
            [root / name for name in names]
            if output_paths is None
            else [root / path for path in output_paths]
        )
        if len(targets) != len(names):
            raise UserErrorException(
                f"{len(targets)} output_paths were given for {len(names)} files. Give one for each."
            )
        for name, target in zip(names, targets, strict=True):
            self._api.download_file(self.id, name, target)

    def register_model(
        self,
        model_name: str,
        model_path: str | None = None,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        description: str | None = None,
        datasets: Sequence[tuple[str, Any]] | None = None,
        request_id: str | None = None,
    ) -> Model:
        """Give a file of the run, or a folder of files, the next version of a model. No byte is copied.

        `model_path` default: `model_name`. `datasets`: pairs such as `("training", dataset)`, kept as lineage.
        The same `request_id` again gives the same version.
        Raises ModelPathNotFoundException listing the files that there are.
        """
        view = registration.of_run(
            self.experiment.workspace,
            self.id,
            model_name,
            model_path,
            tags=tags,
            properties=properties,
            description=description,
            framework=model_framework,
            framework_version=model_framework_version,
            datasets=datasets,
            request_id=request_id,
        )
        return Model.of_view(self.experiment.workspace, view)

    def get_environment(self) -> dict[str, Any]:
        """What the run's environment held: the lock with exact versions and hashes."""
        return self._api.lock(self.id)

    def _follow(self, follower: Follower | None) -> None:
        """Take events until the run has ended, over as many connections as it takes."""
        offsets: dict[str, int] = {}
        broken = 0
        followed = False
        while not followed:
            try:
                for event in self._api.follow(self.id, offsets):
                    broken = 0
                    if isinstance(event, StatusEvent):
                        self._view = event.run
                        followed = event.run.ended_at is not None
                        if follower:
                            follower.status(event.run)
                    elif follower and isinstance(event, LogEvent):
                        follower.log(event)
            except _BROKEN as error:  # the server went away; the next request finds it again or starts it
                broken += 1
                if broken > _BREAKS:
                    raise ServiceException(
                        f"Following run {self.id} breaks off again and again ({error}). See the server's log, "
                        f"{self._api.transport.rendezvous.log}."
                    ) from error
            if not followed:
                time.sleep(_PAUSE)
        if follower:
            follower.close()

    def _details(self) -> dict[str, Any]:
        run = self._view
        details: dict[str, Any] = {"runId": run.id, "target": run.cluster, "status": run.status}
        if run.started_at is not None:
            details["startTimeUtc"] = iso(run.started_at)
        if run.ended_at is not None:
            details["endTimeUtc"] = iso(run.ended_at)
        if run.error is not None:
            details["error"] = {"error": {"code": run.error.reason, "message": failure(run)}}
        git = run.git or {}
        return details | {
            "warnings": [{"source": note.code, "message": note.message} for note in run.notes],
            "properties": {
                "ContentSnapshotId": run.snapshot,
                "azureml.git.commit": git.get("commit"),
                "azureml.git.branch": git.get("branch"),
                "azureml.git.dirty": git.get("dirty"),
                "mlflow.source.git.commit": git.get("commit"),
            },
            "inputDatasets": input_datasets(run),
            "runDefinition": {
                "script": run.script,
                "arguments": run.arguments,
                "target": run.cluster,
                "nodeCount": run.node_count,
                "dataReferences": data_references(run),
                "environment": {"name": "", "version": run.lock},
            },
            "phases": [
                {
                    "name": phase.name,
                    "attempt": phase.attempt,
                    "seconds": (phase.ended_at - phase.started_at) / 1e6,
                }
                for phase in run.phases
                if phase.ended_at is not None
            ],
            "logFiles": {
                name: name for name in self.get_file_names() if name.startswith(("azureml-logs/", "logs/"))
            },
        }

    def __getattr__(self, name: str) -> Any:
        if name.startswith("log"):
            raise RunEnvironmentException(
                f"{name}() is for the training script: there, Run.get_context() gives the run that it belongs to."
            )
        raise AttributeError(f"'Run' object has no attribute {name!r}")

    def __repr__(self) -> str:
        return f"Run(Experiment: {self.experiment.name},\nId: {self.id},\nStatus: {self._view.status})"


def failure(run: RunView) -> str:
    """Why a run failed, with the last lines of its log."""
    if run.error is None:
        return ""
    lines = "\n".join(run.error.last_lines)
    return f"{run.error.message}\nLast lines of the log:\n{lines}" if lines else run.error.message


def _broken() -> tuple[type[Exception], ...]:
    import urllib3

    return (urllib3.exceptions.HTTPError, ConnectionError)


_BROKEN = _broken()
