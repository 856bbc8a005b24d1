"""Workspace: where a team's experiments, clusters and models live; here a folder.

Each handle is imported where it is made: a script uses few of them, and all together take longer than a request.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from faena.client.workspaces.opened import OpenedWorkspace
from faena.kernel import ids

if TYPE_CHECKING:
    from faena.client.compute.cluster import Cluster
    from faena.client.data.datastore import Datastore
    from faena.client.data.file_dataset import FileDataset
    from faena.client.data.tabular_dataset import TabularDataset
    from faena.client.models.model import Model
    from faena.client.requests.notices import NoticeApi
    from faena.client.requests.quotas import QuotaApi
    from faena.client.runs.experiment import Experiment
    from faena.client.runs.run import Run
    from faena.client.traces.trace import Trace
    from faena.client.workspaces.keyvault import Keyvault
    from faena.client.workspaces.people import People


class Workspace(OpenedWorkspace):
    """A workspace that is there already. Its server starts at the first call that needs it.

    `folder`: the folder that holds `.faena`, or `.faena` itself; default: the current folder.
    Raises WorkspaceException when there is none.
    """

    @property
    def experiments(self) -> dict[str, Experiment]:
        from faena.client.runs.experiment import Experiment

        return {found.name: Experiment(self, found.name) for found in self.api.experiments()}

    @property
    def compute_targets(self) -> dict[str, Cluster]:
        from faena.client.compute.cluster import Cluster

        return {found.name: Cluster(self, found.name) for found in self.api.clusters()}

    @property
    def models(self) -> dict[str, Model]:
        """The latest version of each model."""
        from faena.client.models.model import Model

        handle: type[Model] = self.model_handle or Model
        return {model.name: model for model in handle.list(self, latest=True)}

    @property
    def webservices(self) -> dict[str, Any]:
        """Endpoints by name."""
        from faena.client.endpoints.webservice import LocalWebservice

        return {service.name: service for service in LocalWebservice.list(self)}

    @property
    def datastores(self) -> dict[str, Datastore]:
        from faena.client.data.datastore import Datastore

        return Datastore.all(self)

    @property
    def datasets(self) -> dict[str, FileDataset | TabularDataset]:
        """The latest version of each registered dataset."""
        from faena.client.data.dataset import Dataset

        return Dataset.get_all(self)

    @property
    def notices(self) -> NoticeApi:
        """Who is told when runs end. Its `add` takes `webhook=`, `mail=` or `command=`, and `experiment=`, `on=`."""
        return self.api.notices

    @property
    def quotas(self) -> QuotaApi:
        """Who may use how many nodes, and for how long: `all()`, `set(person=, nodes=)`, `lift(person=)`."""
        return self.api.quotas

    @property
    def people(self) -> People:
        """Of a shared server: who may do what, their tokens, whom experiments are shared with, who changed what."""
        from faena.client.workspaces.people import People

        return People(self)

    def get_default_datastore(self) -> Datastore:
        from faena.client.data.datastore import Datastore

        return Datastore.get_default(self)

    def set_default_datastore(self, name: str) -> None:
        """Raises NotFound."""
        self.api.data.set_default(ids.check_datastore_name(name))

    def get_default_keyvault(self) -> Keyvault:
        """Its secrets."""
        from faena.client.workspaces.keyvault import Keyvault

        return Keyvault(self)

    def get_run(self, run_id: str) -> Run:
        """A run by its id alone. Raises NotFound."""
        from faena.client.runs.experiment import Experiment
        from faena.client.runs.run import Run

        view = self.api.run(run_id)
        return Run.of_view(Experiment(self, view.experiment), view)

    def get_trace(self, trace_id: str) -> Trace:
        """Raises NotFound."""
        from faena.client.traces.trace import Trace

        return Trace(self, trace_id)

    def find_runs(
        self,
        filter: str | None = None,  # noqa: A002  the word of command line and HTTP
        sort: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Run]:
        """Runs of all experiments, fetched in pages as they are asked for; by default all, newest first.

        `filter`: such as `metrics.Accuracy > 0.97 and tags.team = 'a'`. `sort`: a field, smallest first, or
        `-metrics.Accuracy`, largest first. docs/filters.md says which fields there are.
        Raises UserErrorException that points at what cannot be read.
        """
        from faena.client.runs import history
        from faena.client.runs.experiment import Experiment
        from faena.client.runs.run import Run

        for row in history.rows(self, filter, sort, limit):
            yield Run._listed(Experiment(self, row.experiment), row.id, row.type)

    def runs_frame(
        self,
        filter: str | None = None,  # noqa: A002  as above
        sort: str | None = None,
        limit: int | None = 1000,
    ) -> Any:
        """The same as a pandas data frame, a row a run: `tags.…`, `parameters.…`, and last values as `metrics.…`.

        Raises UserErrorException where pandas is not installed.
        """
        from faena.client.runs import history

        return history.frame(self, filter, sort, limit)

    def import_run(self, folder: str | os.PathLike[str]) -> Run:
        """Take in a run that `Run.export` wrote, and those below it that were exported with it; see `portable.take`."""
        from faena.client.runs import portable

        return self.get_run(portable.take(self, folder).run)

    def import_mlflow(
        self,
        source: str,
        *,
        artifacts: str | os.PathLike[str] | None = None,
        dry_run: bool = False,
    ) -> Any:
        """Bring what a store of MLflow's holds: a folder such as `mlruns`, `sqlite:///mlflow.db`, a server's address.

        The report has counts, and what is not here as it was there; see `importing.import_mlflow`.
        """
        from faena.client.mlflow_stores import importing

        return importing.import_mlflow(self, source, artifacts=artifacts, dry_run=dry_run)

    def export_mlflow(self, folder: str | os.PathLike[str], *, experiments: Sequence[str] = ()) -> Any:
        """Write experiments (by their names; none: all) as a folder that MLflow's clients open; see `exporting`."""
        from faena.client.mlflow_stores import exporting

        return exporting.export_mlflow(self, folder, experiments=experiments)

    def get_mlflow_tracking_uri(self) -> str:
        """The address for `mlflow.set_tracking_uri`: MLflow's clients log into this workspace, in a run into that run.

        The token that they show goes into this process's environment, as MLFLOW_TRACKING_TOKEN. The server stays until
        `faena mlflow --close`, unless it is a run's script that asks.
        """
        from faena.client.workspaces.mlflow_address import address_of

        return address_of(self)

    def get_details(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "location": str(self.folder)}

    def _repr_html_(self) -> str:
        """For a notebook's output."""
        from faena.client.html.tables import for_people
        from faena.client.workspaces.overview import overview

        return for_people(overview)(self)
