"""Deploys registered models: captures the scoring script's folder, and asks the server for a revision."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Literal, Protocol, cast

import msgspec

from faena.client.endpoints.configuration import DeploymentConfiguration, check_configuration
from faena.client.endpoints.inference_config import InferenceConfig
from faena.client.endpoints.kind_packages import check_options, environment_of, told_by_model
from faena.client.submission.capture import bring
from faena.client.wire import shown
from faena.client.workspaces.session import Session
from faena.endpoints.schemas import (
    Deployment,
    EndpointView,
    Kind,
    ModelUse,
    RevisionSpec,
    Settings,
    Workers,
)
from faena.environments.schemas import EnvironmentRequest
from faena.kernel import ids
from faena.kernel.errors import NotFound, WebserviceException
from faena.models.schemas import ModelView
from faena.runs import variables


class DeployedModel(Protocol):
    """A handle of a registered model."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def view(self) -> ModelView: ...


_FRAMEWORKS: dict[str, Kind] = {
    "chainer": "chainer",
    "scikitlearn": "sklearn",
    "scikit-learn": "sklearn",
    "sklearn": "sklearn",
    "onnx": "onnx",
    "mlflow": "mlflow",
}
_ENDINGS: dict[str, Kind] = {
    ".npz": "chainer",
    ".onnx": "onnx",
    ".pkl": "sklearn",
    ".pickle": "sklearn",
    ".joblib": "sklearn",
}
_ANYWHERE = "AKS"
"""The kind of v1's targets that are this machine, or have a joined `cluster` of their name."""
Onto = Literal["new", "existing", "any"]


def deploy(
    session: Session,
    name: str,
    models: Iterable[DeployedModel],
    inference: InferenceConfig | None,
    configuration: DeploymentConfiguration | None,
    *,
    onto: Onto,
    percentage: int = 100,
    base: EndpointView | None = None,
    target: object = None,
) -> EndpointView:
    """Returns once the server has taken it in.

    `inference` None: the model is of a kind that needs no script. What `configuration` does not name stays as an
    endpoint of that name has it. `base`: that endpoint, where the caller has looked at it.
    `target`: a joined cluster, or its name, on a machine of which it is to answer.

    Raises WebserviceException, SnapshotException, Conflict where the name is taken.
    """
    chosen = checked_models(models)
    configuration = check_configuration(configuration) or DeploymentConfiguration()
    if inference is None:
        inference = InferenceConfig.of_kind(kind_of(chosen))
    elif not isinstance(inference, InferenceConfig):
        raise WebserviceException(
            f"inference_config is {shown(inference)}. Use InferenceConfig(entry_script='score.py', …)."
        )
    inference = told_by_model(inference, chosen)
    check_options(inference)
    environment = environment_of(session, inference, chosen)
    lock = "" if environment is not None else lock_of(chosen)
    snapshot, entry = source_of(session, inference, chosen)
    if base is None and onto != "new":
        with suppress(NotFound):
            base = session.api.endpoints.get(name)
    latest = None if base is None else base.revisions[0]
    spec = RevisionSpec(
        models=tuple(ModelUse(model.name, model.version) for model in chosen),
        snapshot=snapshot,
        entry=entry,
        kind=inference.kind,
        options=dict(inference.options),
        environment=EnvironmentRequest()
        if environment is None
        else environment.request(inference.source_directory),
        environment_name="" if environment is None else environment.shown_name(),
        lock=lock,
        environment_variables={}
        if environment is None
        else variables.texts("environment_variables", environment.variables()),
        inherited_variables=variables.passed_on(os.environ),
        workers=configuration.workers_from(Workers() if latest is None else latest.workers),
        sample=configuration.sample_input,
        description=inference.description or "",
    )
    session.api.bring_archives(spec.environment)
    settings = configuration.settings_from(Settings() if base is None else base.settings)
    if cluster := cluster_of(target):
        stays = cluster == settings.cluster or "node" in configuration.settings
        node = settings.node if stays else ""
        settings = msgspec.structs.replace(settings, cluster=cluster, node=node)
    asked = Deployment(spec, settings, onto, percentage)
    return session.api.endpoints.deploy(name, ids.new_request_id(), asked).endpoint


def cluster_of(target: object) -> str:
    """Empty for None, and for v1's targets that are this machine: those that are named as no joined cluster is.

    Raises WebserviceException for what is no target.
    """
    if target is None or isinstance(target, str):
        return target or ""
    name = getattr(target, "name", None)
    if not isinstance(name, str):
        raise WebserviceException(
            f"deployment_target is {shown(target)}. Use a cluster that machines join, such as "
            "JoinedCluster(workspace, 'shop'), or its name."
        )
    return str(getattr(target, "cluster", "")) if getattr(target, "type", "") == _ANYWHERE else name


def checked_models(models: Iterable[DeployedModel]) -> Sequence[DeployedModel]:
    """Raises WebserviceException for what is no registered model."""
    if not hasattr(models, "view") and not isinstance(models, Iterable):
        raise WebserviceException(f"models is {shown(models)}. Use a list of registered models.")
    given: list[object] = [models] if hasattr(models, "view") else list(models)
    for model in given:
        if not isinstance(getattr(model, "view", None), ModelView):
            raise WebserviceException(
                f"models holds {str(model)[:80]!r}, which is no registered model. Use Model(workspace, name), or what "
                "register_model() gives."
            )
    return cast("list[DeployedModel]", given)


def kind_of(models: Sequence[DeployedModel]) -> Kind:
    """What a model is by its framework or its files. Raises WebserviceException where that is not known."""
    if len(models) == 1:
        view = models[0].view
        if view.framework.lower() in _FRAMEWORKS:
            return _FRAMEWORKS[view.framework.lower()]
        names = [PurePosixPath(file.path) for file in view.files]
        if any(name.name == "MLmodel" for name in names):
            return "mlflow"
        if len(names) == 1 and names[0].suffix in _ENDINGS:
            return _ENDINGS[names[0].suffix]
    raise WebserviceException(
        "inference_config is missing: it names the script that scores. Without one a single model is served whose kind "
        "is known by its framework or its file: Chainer's .npz, scikit-learn's .pkl or .joblib, .onnx, a folder of "
        "MLflow's."
    )


def source_of(
    session: Session, inference: InferenceConfig, models: Sequence[DeployedModel]
) -> tuple[str, str]:
    """The snapshot, and the script in it. What needs no script has the source folder of the run that made the model."""
    if inference.kind is not None and inference.source_directory is None:
        for model in models:
            if model.view.lineage is not None and model.view.lineage.snapshot:
                return model.view.lineage.snapshot, ""
    with inference.source() as (folder, entry):
        return bring(session, folder).digest, entry


def lock_of(models: Sequence[DeployedModel]) -> str:
    """The environment of the run that made the first model that a run made."""
    for model in models:
        lineage = model.view.lineage
        if lineage is not None and lineage.lock:
            return lineage.lock
    raise WebserviceException(
        "No environment is given, and no run of this workspace made the model whose environment could be taken. Give "
        "InferenceConfig(environment=Environment(…)) or conda_file=; at the command line --pip, --conda-file or "
        "--environment."
    )
