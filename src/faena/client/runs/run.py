"""Run: one execution of a script, followed from outside.

What few scripts ask of a run is imported where it is done.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from faena.client.html import tables
from faena.client.runs import pages
from faena.client.runs.described_run import DescribedRun
from faena.client.runs.shipped import ShippedSink
from faena.client.wire import shown
from faena.client.workspaces.session import RunLookup, Session, checked
from faena.kernel.errors import (
    ActivityFailedException,
    ExperimentExecutionException,
    NotFound,
    RunEnvironmentException,
    UserErrorException,
)
from faena.runs.details import failure
from faena.runs.schemas import RunView
from faena.runs.submission_schemas import INTERACTIVE
from faena.script.known import ANSWER_S
from faena.script.logging_run import LoggingRun
from faena.script.messages import tell
from faena.script.reports import reported
from faena.script.run import Run as ScriptRun
from faena.script.values import wanted_marks

if TYPE_CHECKING:
    from faena.client.comparison import RunComparison
    from faena.client.models.model import Model
    from faena.client.traces.trace import Trace
    from faena.portable.schemas import ExportView


class RunGroup(Protocol):
    """What a run must know of its experiment."""

    name: str
    workspace: Session

    def __init__(self, workspace: Session, name: str) -> None: ...

    def handle_of(self, kind: str) -> type[Run]: ...

    def start_below(self, parent: str, children: Sequence[dict[str, Any]]) -> Sequence[Run]: ...


class Run(DescribedRun):
    """A run of an experiment. Raises NotFound when the experiment has none of that id."""

    experiment: RunGroup

    def __init__(
        self, experiment: RunGroup, run_id: str, outputs: Any = None, *, view: RunView | None = None
    ) -> None:
        if not hasattr(experiment, "workspace"):
            raise UserErrorException(
                f"{shown(experiment)} is no experiment. Give Experiment(workspace, name); Run.get(workspace, id) needs "
                "none."
            )
        super().__init__(run_id, ShippedSink(self))
        self.experiment = experiment
        self._api = experiment.workspace.api
        self._last = view
        if view is None and self.refresh().experiment != experiment.name:
            raise NotFound(
                f"There is no run {run_id[:300]!r} in experiment {experiment.name!r}: it is one of "
                f"{self._view.experiment!r}."
            )

    @classmethod
    def get(cls, workspace: RunLookup, run_id: str) -> Any:
        """A run of any experiment of the workspace. Raises NotFound."""
        return cast(RunLookup, checked(workspace)).get_run(run_id)

    @classmethod
    def list(
        cls,
        experiment: RunGroup,
        type: str | None = None,  # noqa: A002  v1's word
        tags: str | Mapping[str, Any] | None = None,
        properties: str | Mapping[str, Any] | None = None,
        status: str | None = None,
        include_children: bool = False,
        _rehydrate_runs: bool = True,
    ) -> Iterator[Run]:
        """Runs of an experiment, newest first, fetched in pages as they are asked for.

        `tags` and `properties`: "key", or {"key": "value"}; several must all be there. `include_children`: also runs
        that were started by another run. Raises UserErrorException for a status that there is not.
        """
        filters = {
            "experiment": experiment.name,
            "type": type,
            "tags": wanted_marks(tags, "tags"),
            "properties": wanted_marks(properties, "properties"),
            "status": status,
            "include_children": include_children,
        }
        for row in experiment.workspace.api.listed(**filters):
            yield cls._listed(experiment, row.id, row.type)

    @classmethod
    def list_by_compute(
        cls,
        compute: Any,
        type: str | None = None,  # noqa: A002  v1's word
        tags: str | Mapping[str, Any] | None = None,
        properties: str | Mapping[str, Any] | None = None,
        status: str | None = None,
    ) -> Iterator[Run]:
        """Runs of all experiments that were submitted to a cluster, newest first; the filters of `list`."""
        session = compute.workspace
        experiments: dict[str, RunGroup] = {}
        filters = {
            "filter": f"target = '{compute.name}'",
            "type": type,
            "tags": wanted_marks(tags, "tags"),
            "properties": wanted_marks(properties, "properties"),
            "status": status,
        }
        for row in session.api.listed(**filters):
            if row.experiment not in experiments:
                experiments[row.experiment] = cls.get(session, row.id).experiment
            yield cls._listed(experiments[row.experiment], row.id, row.type)

    @classmethod
    def of_view(cls, experiment: RunGroup, view: RunView) -> Run:
        """The handle of a run that the server has just told of."""
        run = cls._listed(experiment, view.id, view.type)
        run._last = view
        return run

    @classmethod
    def _listed(cls, experiment: RunGroup, run_id: str, kind: str = "") -> Run:
        """The handle of a run that is known to be there; what it is like is asked when it is needed.

        `kind`: its type, where that is known.
        """
        made = experiment.handle_of(kind) if cls is Run else cls
        run = made.__new__(made)
        LoggingRun.__init__(run, run_id, ShippedSink(run))
        run.experiment = experiment
        run._api = experiment.workspace.api
        run._last = None
        return run

    @staticmethod
    def get_submitted_run(**_ignored: Any) -> ScriptRun:
        """Inside a training script: `get_context(allow_offline=False)`."""
        return ScriptRun.get_context(allow_offline=False)

    @staticmethod
    def get_context(allow_offline: bool = True, **_ignored: Any) -> ScriptRun:
        """Inside a training script: the run that it belongs to; see `faena.script.run.Run`."""
        return ScriptRun.get_context(allow_offline=allow_offline)

    @property
    def number(self) -> int:
        """Its place among the runs of its experiment, from 1."""
        return self._view.number

    @property
    def type(self) -> str:
        """`azureml.scriptrun` for one whose script a node starts, `interactive` for one that a process starts."""
        return self._view.type

    def refresh(self) -> RunView:
        """The run as the server knows it now."""
        self._last = self._api.run(self.id)
        return self._last

    def get_status(self) -> str:
        """NotStarted, Preparing, Queued, Starting, Running, Finalizing, Completed, Failed or Canceled;
        CancelRequested while a cancel is on its way, NotResponding while nothing is heard of its node."""
        return self.refresh().status

    def cancel(self) -> None:
        """Ask the run to stop: SIGTERM, and SIGKILL when its `grace_seconds` (30 unless given) are over.

        What it wrote is kept; its error says so where it had to be killed.
        """
        self._last = self._api.cancel(self.id)

    def wait_for_completion(
        self,
        show_output: bool = False,
        wait_post_processing: bool = False,
        raise_on_error: bool = True,
        *,
        rank: int | None = 0,
    ) -> dict[str, Any]:
        """Wait until the run has ended; its details.

        `show_output` prints the build log, then the driver log as they come, then a summary; of a run of several
        nodes that of `rank`, or with None each one's under its name. The run's files are kept when it has ended, so
        `wait_post_processing` has nothing to add.

        Raises ActivityFailedException when the run failed, unless `raise_on_error` is False, and
        ExperimentExecutionException on Ctrl-C, which leaves the run running.
        """
        from faena.client.runs.follow import follow
        from faena.client.runs.show import Bar, Follower

        try:
            self._last = follow(
                self._api, self.id, Follower(self.id, rank) if show_output else Bar.of(self.id)
            )
        except KeyboardInterrupt:
            raise ExperimentExecutionException(
                f"The output streaming for the run interrupted. But run {self.id} is still executing on "
                f"{self._view.cluster}. Follow it again with wait_for_completion() or `faena logs -f {self.id}`; "
                f"stop it with cancel() or `faena cancel {self.id}`."
            ) from None
        if show_output:
            tell(self._summary())
        if raise_on_error and self._view.status == "Failed":
            raise ActivityFailedException(failure(self._view))
        return self.get_details()

    def _summary(self) -> str:
        """What is printed of a run that was followed to its end."""
        from faena.client.runs.show import summary

        return summary(self._view)

    @tables.for_people
    def _repr_html_(self) -> str:
        """For a notebook's output, as it is now."""
        if self._view.ended_at is None:
            self.refresh()
        return tables.facts(self._shown())

    def _shown(self) -> dict[str, object]:
        view = self._view
        over = view.started_at is not None and view.ended_at is not None
        return {
            "Experiment": self.experiment.name,
            "Id": self.id,
            "Name": view.name if view.name != self.id else "",
            "Type": self.type,
            "Status": view.status,
            "Waits for": view.blocker,
            "Began": tables.when(view.started_at),
            "Took": tables.took((view.ended_at or 0) - (view.started_at or 0)) if over else "",
            "Why it failed": "" if view.error is None else view.error.message,
            "Page": tables.link(self.get_portal_url()),
        }

    def take_snapshot(self, file_or_folder_path: str | os.PathLike[str]) -> str:
        """Say which source folder, or the folder of which file, a run was made from; the snapshot's id.

        For a run without one, and for one that its process still writes. Raises Conflict for others.
        """
        from faena.client.submission.capture import bring

        path = Path(file_or_folder_path).expanduser()
        snapshot = bring(self.experiment.workspace, path.parent if path.is_file() else path)
        self._last = self._api.set_snapshot(self.id, snapshot.digest)
        return snapshot.digest

    def get_portal_url(self) -> str:
        """The address of a page that shows the run: what it did, metrics, files, the end of its log.

        A file, made now; in a notebook, the run's page in the browser, for an hour and for this user only.
        """
        return pages.of_run(self.experiment.workspace, self.id)

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
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: Any = None,
        *,
        request_id: str | None = None,
    ) -> Model:
        """Give a file of the run, or a folder of files, the next version of a model. No byte is copied.

        `model_path` default: `model_name`. `datasets`: pairs such as `("training", dataset)`, kept as lineage, as the
        two samples are. `resource_configuration` has no effect until models are deployed.
        The same `request_id` again gives the same version.
        Raises ModelPathNotFoundException listing the files that there are.
        """
        from faena.client.models import registration
        from faena.client.models.model import Model

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
            datasets=registration.with_samples(datasets, sample_input_dataset, sample_output_dataset),
            request_id=request_id,
        )
        made: type[Model] = self.experiment.workspace.model_handle or Model
        return made.of_view(self.experiment.workspace, view)

    def get_traces(
        self, status: str | None = None, text: str | None = None, limit: int | None = None
    ) -> Iterator[Trace]:
        """Traces that were made in this run, or put to it, the latest first; see `Trace.list`."""
        from faena.client.traces.trace import Trace

        return Trace.list(self.experiment.workspace, run=self.id, status=status, text=text, limit=limit)

    def diff(self, other: Run | str, only: Sequence[str] | None = None) -> RunComparison:
        """What differs between this run and another one of the workspace; `print` shows it.

        `only`: names of sections, such as `["code", "metrics"]`; default: all.
        """
        from faena.client.comparison import compare

        return compare(self._api, self.id, other if isinstance(other, str) else other.id, only)

    def export(self, folder: str | os.PathLike[str] | None = None, *, children: bool = False) -> ExportView:
        """Write the run into a folder (default: one here called as the run); see `portable.export`."""
        from faena.client.runs import portable

        return portable.export(self.experiment.workspace, self.id, folder, children=children)

    def rerun(
        self,
        arguments: Mapping[str, Any] | None = None,
        *,
        cluster: Any = None,
        exact: bool = False,
        from_checkpoint: bool = False,
    ) -> Run:
        """Submit it again, with other `arguments` by name where given; see `faena.client.runs.rerun.rerun`."""
        from faena.client.runs.rerun import rerun

        options = {"cluster": cluster, "exact": exact, "from_checkpoint": from_checkpoint}
        view = rerun(self.experiment.workspace, self.id, arguments, **options)
        return Run.of_view(self.experiment, view)

    def resume(self, *, cluster: Any = None) -> Run:
        """Go on where it ended, as a new run; see `faena.client.runs.rerun.resume`."""
        from faena.client.runs.rerun import resume

        return Run.of_view(self.experiment, resume(self.experiment.workspace, self.id, cluster=cluster))

    @property
    def _view(self) -> RunView:
        """The run as it was when it was last asked for."""
        return self._last or self.refresh()

    def _ask(self, verb: str, arguments: dict[str, Any], timeout: float = ANSWER_S) -> Any:
        return self._api.questions.ask(verb, self.id, arguments, timeout)

    def _other(self, row: Mapping[str, Any]) -> Run:
        experiment, kind = row.get("experiment"), row.get("type")
        if experiment is None or kind is None:
            view = self._api.run(str(row["id"]))
            experiment, kind = view.experiment, view.type
        group = self.experiment
        if experiment != group.name:
            group = type(group)(group.workspace, experiment)
        return Run._listed(group, str(row["id"]), str(kind))

    def _start(self, children: Sequence[dict[str, Any]]) -> Sequence[Run]:
        return self.experiment.start_below(self.id, children)

    def complete(self, _set_status: bool = True) -> None:
        """For a run that this process has started; see `Experiment.start_logging`. Raises RunEnvironmentException."""
        view = self.refresh()
        if view.ended_at is not None:
            raise RunEnvironmentException(
                f"Run {self.id} has ended already: it is {view.status}, and stays so."
            )
        who = "the process that started it" if self.type == INTERACTIVE else "its script"
        raise RunEnvironmentException(
            f"complete() ends a run that this process has started; run {self.id} is {view.status} and ends with "
            f"{who}. cancel() stops it."
        )

    def fail(self, error_details: Any = None, error_code: Any = None, _set_status: bool = True) -> None:
        """Have the run end as Failed, with `error_details`, an exception or a text: its script is stopped."""
        self._last = self._api.fail(self.id, reported(error_details, error_code))

    def __repr__(self) -> str:
        known = {
            "Experiment": self.experiment.name,
            "Id": self.id,
            "Type": self.type,
            "Status": self._view.status,
        }
        return "Run({})".format(",\n".join(f"{key}: {value}" for key, value in known.items()))
