"""What the server knows of a run beyond what its own script asks: its data, environment, state in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faena.client.metrics.measured_run import MeasuredRun
from faena.client.not_covered import not_covered
from faena.client.runs.run_definition import RunDefinition
from faena.client.workspaces.session import user
from faena.runs.submission_schemas import TRIAL

if TYPE_CHECKING:
    from faena.client.api import ServerApi
    from faena.client.data.file_dataset import FileDataset
    from faena.client.data.run_output import RunOutput
    from faena.client.environments.environment import Environment
    from faena.client.runs.comments import Comment
    from faena.runs.schemas import RunView


class DescribedRun(MeasuredRun):
    """v1's verbs that ask about a run or that have nothing to do here."""

    _api: ServerApi

    add_type_provider = staticmethod(
        not_covered("Run.add_type_provider", "runs have one kind of handle", "Use faena.Run.")
    )
    get_docs_url = staticmethod(
        not_covered(
            "Run.get_docs_url", "the address of Azure's pages", "The docs lie in the folder docs of Faena."
        )
    )

    @property
    def _view(self) -> RunView:
        raise NotImplementedError

    def refresh(self) -> RunView:
        raise NotImplementedError

    @property
    def input_datasets(self) -> dict[str, Any]:
        """The datasets that it was given, by the names that its script knows them by."""
        from faena.client.data.dataset import dataset_of  # few ask

        session = self.experiment.workspace
        return {
            each.name: dataset_of(session, session.api.data.dataset(each.dataset))
            for each in self._view.inputs
            if each.dataset
        }

    def get_output(self, path: str = "outputs") -> RunOutput | FileDataset:
        """What it has left, as an input of another run: `run.get_output("outputs/model").as_named_input("model")`.

        `path`: a file or folder of its files, or the name of one of its outputs to a datastore (`as_upload`,
        OutputFileDatasetConfig), which is a dataset then. Raises NotFound naming what there is, UserErrorException for
        a run that goes on.
        """
        from faena.client.data.dataset import Dataset  # few ask
        from faena.client.data.datastore import Datastore
        from faena.client.data.run_output import RunOutput

        session = self.experiment.workspace
        for each in self.refresh().inputs:
            if each.mode == "upload" and each.name == path:
                store = Datastore.get(session, each.datastore)
                return Dataset.File.from_files((store, each.path.replace("{run-id}", self.id)))
        return RunOutput(session.api.records.left_files(self.id, path))

    @property
    def output_datasets(self) -> dict[str, Any]:
        """Empty: outputs that become datasets belong to v1's pipelines."""
        return {}

    def get_details(self) -> dict[str, Any]:
        """The run in v1's keys: runId, status, target, startTimeUtc, properties, runDefinition, logFiles, …"""
        found = super().get_details()
        return {**found, "runDefinition": RunDefinition(found["runDefinition"])}

    def get_hyperparameters(self) -> dict[str, Any]:
        """What a sweep gave to its trial, by the parameter's name; nothing for a run that is no trial."""
        number, sweep = self._view.properties.get(TRIAL), self._view.parent
        if number is None or sweep is None:
            return {}
        trials = self._api.sweeps.trials(sweep)
        return next((dict(trial.parameters) for trial in trials if str(trial.number) == number), {})

    def get_system_metrics(self) -> dict[str, Any]:
        """CPU, memory and GPU of the run's processes, sampled every 5 s."""
        return self._api.system_metrics(self.id)

    def get_environment(self) -> Environment:
        """What its script ran in: the name that it was submitted under, its version, the exact packages, variables.

        Raises NotFound while it is not known, and for a run that no node has.
        """
        from faena.client.environments.environment import Environment

        lock = self.get_lock()
        name, _, version = self._view.environment.partition(":")
        made = Environment.of_lock(name or "run-environment", version or (self._view.lock or ""), lock)
        made.environment_variables = dict(self._api.records.submission(self.id).environment_variables)
        return made

    def add_comment(self, text: str) -> Comment:
        """Say something of the run, for whoever reads its page: Markdown of 1 to 20,000 characters.

        `description` is one text that all may change; a comment is its author's.
        """
        from faena.client.runs.comments import Comment

        api = self._api.comments
        return Comment(api, self.id, api.add(self.id, text, user()))

    def get_comments(self) -> list[Comment]:
        """What people said of the run, the oldest first."""
        from faena.client.runs.comments import Comment

        api = self._api.comments
        return [Comment(api, self.id, view) for view in api.list(self.id)]

    def get_detailed_status(self) -> dict[str, Any]:
        """`status`, and `details`: what it waits for, or why it ended; None where there is nothing to say."""
        view = self.refresh()
        return {"status": view.status, "details": view.blocker or (view.error and view.error.message)}

    def flush(self, timeout_seconds: float = 300) -> None:
        """Nothing to wait for: what a handle outside of the script logs is at the server when a call returns."""

    def start(self) -> None:
        """Nothing to do: a submitted run is started by its node, an interactive one runs at once."""

    def clean(self) -> list[str]:
        """The files that were removed on the node: none, since the node removes them itself when the run ends."""
        return []
