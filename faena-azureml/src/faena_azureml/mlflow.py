"""v1's functions beside MLflow's client, which take runs of either kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from faena_azureml.model import Model
    from faena_azureml.workspace import Workspace


def get_mlflow_tracking_uri(workspace: Workspace) -> str:
    """As `workspace.get_mlflow_tracking_uri()`."""
    return workspace.get_mlflow_tracking_uri()


def get_portal_url(run: Any) -> str:
    """The address of the run's page. `run`: one of v1's, or of MLflow's client."""
    return str(_of_v1(run).get_portal_url())


def register_model(
    run: Any, name: str, path: str, tags: Mapping[str, str] | None = None, **settings: Any
) -> Model:
    """As `run.register_model(name, path, tags)`. `run`: one of v1's, or of MLflow's client.

    Raises ModelPathNotFoundException where the run has no such file.
    """
    registered: Model = _of_v1(run).register_model(model_name=name, model_path=path, tags=tags, **settings)
    return registered


def _of_v1(run: Any) -> Any:
    if not hasattr(run, "info"):
        return run
    from azureml.core import Run, Workspace

    own = Run.get_context(allow_offline=True)
    experiment = getattr(own, "experiment", None)
    workspace = Workspace.from_config() if experiment is None else experiment.workspace
    return workspace.get_run(run.info.run_id)
