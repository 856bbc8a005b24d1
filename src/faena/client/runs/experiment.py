"""Experiment: a name that groups runs, and the place to submit them."""

from __future__ import annotations

import builtins
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from faena.client.html import tables
from faena.client.not_covered import not_covered
from faena.client.runs import pages
from faena.client.runs.run import Run
from faena.client.workspaces import links
from faena.client.workspaces.session import Session, checked
from faena.kernel import dates, experiment_names, ids
from faena.kernel.errors import NotFound, UserErrorException
from faena.people.schemas import Sharing, SharingChange
from faena.runs.submission_schemas import HYPERDRIVE
from faena.script.family import made_folder
from faena.script.messages import tell, warn_once
from faena.script.values import marks
from faena.workspaces.schemas import AS_OF_TAG, ExperimentChange, ExperimentView

if TYPE_CHECKING:
    from faena.client.runs.interactive import InteractiveRun
    from faena.client.submission.estimator import Estimator
    from faena.client.submission.script_run_config import ScriptRunConfig
    from faena.client.sweeps.config import HyperDriveConfig
    from faena.client.traces.trace import Trace

_SHOWN_RUNS = 10


class Experiment:
    """A name in a workspace; made by its first run. Raises UserErrorException for a name that cannot be one."""

    def __init__(self, workspace: Session, name: str) -> None:
        self.workspace = checked(workspace)
        self.name = ids.check_experiment_name(name)

    def share(
        self,
        people: Mapping[str, str] | None = None,
        *,
        private: bool | None = None,
        without: Iterable[str] = (),
        owner: str | None = None,
    ) -> Sharing:
        """Say who sees this experiment of a shared server, and what they may do with it.

        `people`: `reader` or `contributor` by person; nobody may more than in the workspace. `private`: whether it is
        there for these, its owner and owners of the workspace alone (None: as it is). `without`: with whom it is
        shared no longer. `owner`: whose it is from now on.

        Raises NotAllowed for who is neither its owner nor one of the workspace, and NotFound.
        """
        change = SharingChange(private, dict(people or {}), list(without), owner)
        return self.workspace.api.people.share(self.name, change)

    def sharing(self) -> Sharing:
        """Who sees it. Raises NotFound."""
        return self.workspace.api.people.sharing(self.name)

    def submit(
        self,
        config: Estimator | ScriptRunConfig | HyperDriveConfig,
        tags: dict[str, str] | None = None,
        *,
        parent: str | None = None,
        name: str = "",
        show_output: bool = False,
        **overrides: Any,
    ) -> Run:
        """Capture the source folder and queue a run, or begin a sweep; returns at once. `tags` are put on the run.

        `parent`: id of the run that it is a child of. `name`: its display name.
        `overrides`: `script_params` or `inputs` of an estimator. `show_output`: v1's, told to be without effect.

        Raises SnapshotException, ComputeTargetException and what else is wrong with the description; then
        there is no run.
        """
        from faena.client.runs.submit import submit  # with all that an environment can be told by

        view = submit(self.workspace, self.name, config, overrides, tags=tags or {}, parent=parent, name=name)
        if show_output:
            tell(
                "faena: submit() returns at once. run.wait_for_completion(show_output=True) shows the output."
            )
        return Run.of_view(self, view)

    def start_logging(
        self,
        name: str | None = None,
        run_id: str | None = None,
        outputs: str | os.PathLike[str] | None = "outputs",
        snapshot_directory: str | os.PathLike[str] | None = ".",
        *,
        display_name: str | None = None,
        **without_effect: Any,
    ) -> InteractiveRun:
        """Start a run that this process, such as a notebook's, writes and ends; it is `Running` at once.

        It ends with `complete()`, `fail()`, `cancel()`, the end of its `with` block, or that of the process.
        `name` or `display_name`: what the run is called.
        `outputs`: the folder whose files it keeps when it ends, made where it is missing; None: none.
        `snapshot_directory`: what it is made from; a folder that cannot be captured is told, and the run has no
        snapshot; None: none. Without being named, the current folder is captured up to 2,000 files and 300 MiB.

        Raises UserErrorException for a name or id that cannot be one, Conflict for an id that is taken.
        """
        from faena.client.runs.interactive import refuse_elsewhere, start
        from faena.client.submission.capture import bring_if_possible

        refuse_elsewhere(self.workspace)
        if without_effect:
            warn_once(
                f"faena: start_logging has no parameter {', '.join(sorted(without_effect))}: it has no effect."
            )
        wanted: dict[str, Any] = {
            "id": run_id or ids.new_run_id(self.name),
            "name": name if display_name is None else display_name,
            "outputs": "" if outputs is None else made_folder(outputs),
            "tags": {},
        }
        snapshot = bring_if_possible(self.workspace, snapshot_directory)
        return start(self, [wanted], snapshot=snapshot)[0]

    def handle_of(self, kind: str) -> type[Run]:
        """The class of handles of runs of a type."""
        if kind != HYPERDRIVE:
            return Run
        from faena.client.runs.sweep_run import HyperDriveRun  # few sweep

        made: type[Run] = self.workspace.sweep_handle or HyperDriveRun
        return made

    def start_below(self, parent: str, children: Sequence[dict[str, Any]]) -> Sequence[Run]:
        """Start runs below another one, each with `id`, `name`, `outputs` and `tags`; see `Run.child_run`."""
        from faena.client.runs.interactive import start

        return start(self, children, parent=parent)

    def get_runs(
        self,
        type: str | None = None,  # noqa: A002  v1's word
        tags: str | Mapping[str, Any] | None = None,
        properties: str | Mapping[str, Any] | None = None,
        include_children: bool = False,
    ) -> Iterator[Run]:
        """Runs of this experiment, newest first; see `Run.list`."""
        return Run.list(self, type, tags, properties, include_children=include_children)

    def get_traces(
        self, status: str | None = None, text: str | None = None, limit: int | None = None
    ) -> Iterator[Trace]:
        """Traces of this experiment, the latest first; see `Trace.list`."""
        from faena.client.traces.trace import Trace

        return Trace.list(self.workspace, self.name, status=status, text=text, limit=limit)

    @classmethod
    def list(
        cls, workspace: Session, experiment_name: str | None = None, view_type: str = "ActiveOnly"
    ) -> builtins.list[Self]:
        """The experiments of a workspace, or the one of that name if it is there.

        `view_type`: `ActiveOnly`, `ArchivedOnly` or `All`. Raises UserErrorException for another one.
        """
        shown = {"ActiveOnly": (False,), "ArchivedOnly": (True,), "All": (False, True)}.get(view_type)
        if shown is None:
            raise UserErrorException(f"view_type is {view_type!r}. Use ActiveOnly, ArchivedOnly or All.")
        return [
            cls(workspace, found.name)
            for found in workspace.api.experiments()
            if (experiment_name is None or experiment_names.normal(experiment_name) == found.name)
            and (found.archived_at is not None) in shown
        ]

    def archive(self) -> None:
        """Leave the experiment and its runs out of lists; everything is kept."""
        self.workspace.api.archive_experiment(self.name, archived=True)

    def reactivate(self, new_name: str | None = None) -> None:
        """Show the experiment in lists again. Raises UserErrorException for a new name: names are for good here."""
        if new_name not in (None, self.name):
            raise UserErrorException(
                f"{self.name!r} cannot become {new_name!r}: an experiment keeps its name."
            )
        self.workspace.api.archive_experiment(self.name, archived=False)

    @staticmethod
    def delete(workspace: Session, experiment_id: str) -> None:
        """Forget an experiment without runs; its id is its name. Raises NotFound, and Conflict while it has runs."""
        workspace.api.delete_experiment(ids.check_experiment_name(experiment_id))

    from_directory = staticmethod(
        not_covered(
            "Experiment.from_directory",
            "folders that name their experiment",
            "Use Experiment(Workspace.from_config(path), name).",
        )
    )
    get_docs_url = not_covered(
        "Experiment.get_docs_url", "the address of Azure's pages", "The docs lie in the folder docs of Faena."
    )

    @property
    def id(self) -> str:
        """What it is known by everywhere: its name."""
        return self.name

    @property
    def workspace_object(self) -> Session:
        """v1's older word for `workspace`."""
        return self.workspace

    @property
    def archived_time(self) -> datetime | None:
        """None unless it is archived."""
        found = self._view().archived_at
        return None if found is None else datetime.fromtimestamp(found / 1e6, UTC)

    @property
    def tags(self) -> dict[str, str]:
        return dict(self._view().tags)

    def tag(self, key: str, value: Any = None) -> None:
        """Set a tag; what is not a str becomes one, with a warning."""
        self.set_tags({key: value})

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set several tags, or change them; the experiment is made where it is not there yet."""
        self.workspace.api.create_experiment(self.name)
        self.workspace.api.change_experiment(self.name, ExperimentChange(add_tags=marks(tags, "tag")))

    def remove_tags(self, tags: str | Iterable[str]) -> None:
        """Remove the tags of these keys; silent about those that are not there."""
        keys = (tags,) if isinstance(tags, str) else tuple(str(key) for key in tags)
        self.workspace.api.change_experiment(self.name, ExperimentChange(remove_tags=keys))

    @property
    def as_of(self) -> str | None:
        """The date of environments of runs that name none: '2019-10-01', 'auto', or 'today' for no date whatever the
        workspace's is. None: the workspace's counts. Kept as the tag `faena.as_of`."""
        return self._view().tags.get(AS_OF_TAG)

    @as_of.setter
    def as_of(self, value: Any) -> None:
        said = dates.asked(value)
        self.set_tags({AS_OF_TAG: said}) if said else self.remove_tags(AS_OF_TAG)

    def refresh(self) -> None:
        """Nothing to do: what it is like is asked each time."""

    def _view(self) -> ExperimentView:
        """An experiment that nobody made yet is as a new one."""
        try:
            return self.workspace.api.experiment(self.name)
        except NotFound:
            return ExperimentView(self.name, 0, 0)

    def get_portal_url(self) -> str:
        """The address of a page that shows the experiment's runs; in a notebook, for an hour and this user only."""
        return pages.of_experiment(self.workspace, self.name)

    @tables.for_people
    def _repr_html_(self) -> str:
        """For a notebook's output: itself, and its newest runs."""
        rows = self.workspace.api.page(experiment=self.name, limit=_SHOWN_RUNS).runs
        page = tables.link(self.get_portal_url())
        shown = tables.facts({"Name": self.name, "Workspace": self.workspace.name, "Page": page})
        return shown + (tables.runs(rows, links.Pages(self.workspace)) if rows else "")

    def __repr__(self) -> str:
        return f"Experiment(Name: {self.name},\nWorkspace: {self.workspace.name})"
