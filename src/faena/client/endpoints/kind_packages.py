"""The environment of a model that needs no script: what its kind needs, where no run made it."""

from __future__ import annotations

import copy
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Protocol

from faena.client.endpoints.inference_config import InferenceConfig
from faena.client.environments.conda_dependencies import CondaDependencies
from faena.client.environments.environment import Environment
from faena.client.environments.pip_file import read as read_pip
from faena.client.workspaces.session import Session
from faena.kernel.errors import WebserviceException
from faena.models.schemas import ModelView
from faena.script.messages import tell

_PACKAGES = {"chainer": "chainer", "sklearn": "scikit-learn", "onnx": "onnxruntime"}
_NAMED_AS_PACKAGE = ("chainer", "sklearn")
"""Kinds whose `framework_version` is that of the package: an ONNX model's is the format's."""
_CONDA_FILES = ("conda.yaml", "conda.yml")
_PIP_FILE = "requirements.txt"
_PICKLES = {"sklearn": "A scikit-learn model", "mlflow": "A model of MLflow"}


class SeenModel(Protocol):
    @property
    def view(self) -> ModelView: ...


def environment_of(
    session: Session, inference: InferenceConfig, models: Sequence[SeenModel]
) -> Environment | None:
    """What was chosen; None: the environment of the run that made the models.

    Of a kind that needs no script and a model that no run made: what MLflow wrote beside it, else the package that
    loads it, at the version that it was registered with.
    """
    chosen = inference.chosen_environment()
    if chosen is not None or inference.kind is None or len(models) != 1 or _is_of_run(models[0].view):
        return chosen
    view = models[0].view
    if inference.kind == "mlflow":
        return _of_mlflow(session, view)
    package = _PACKAGES[inference.kind]
    version = view.framework_version if inference.kind in _NAMED_AS_PACKAGE else ""
    if version and _is_gone(inference.kind, version):
        tell(f"faena: {package} {version} of {view.id} cannot be had for any Python of today.")
        version = ""
    return _of_packages(view, f"{package}=={version}" if version else package)


def told_by_model(inference: InferenceConfig, models: Sequence[SeenModel]) -> InferenceConfig:
    """With the class of a Chainer model that its property `link` names, where none was given."""
    if inference.kind != "chainer" or inference.options.get("link") or len(models) != 1:
        return inference
    link = models[0].view.properties.get("link")
    if not link:
        return inference
    made = copy.copy(inference)
    made.options = {**inference.options, "link": link}
    return made


def check_options(inference: InferenceConfig) -> None:
    """Raises WebserviceException for what no worker could load: a pickle without the user's word for it, a Chainer
    model without its class."""
    if inference.kind == "chainer" and ":" not in str(inference.options.get("link") or ""):
        raise WebserviceException(
            "An .npz file holds arrays only. Say which class they belong to: "
            "InferenceConfig.of_kind('chainer', link='module:Class'); at the command line --link module:Class. The "
            "property 'link' of the model says it, too."
        )
    what = _PICKLES.get(inference.kind or "")
    if what and inference.options.get("trust") is not True:
        raise WebserviceException(
            f"{what} is loaded by pickle, which runs whatever code it holds. If you know where it comes from, say "
            f"InferenceConfig.of_kind({inference.kind!r}, trust=True); at the command line --trust."
        )


def _is_gone(kind: str, version: str) -> bool:
    """Whether a release is older than those that any Python of today can have."""
    return kind == "sklearn" and bool(re.fullmatch(r"0\.(1?\d|2[01])(\..*)?", version))


def _is_of_run(view: ModelView) -> bool:
    return view.lineage is not None and bool(view.lineage.lock)


def _no_lock(view: ModelView) -> str:
    """Why the packages of its run are not taken."""
    if view.lineage is None:
        return f"no run made {view.id}"
    return f"the run that made {view.id} had no environment of Faena's"


def _of_packages(view: ModelView, package: str) -> Environment:
    tell(f"faena: {_no_lock(view)}: it is served with {package}. environment= names other packages.")
    made = Environment("deployed")
    made.python.conda_dependencies = CondaDependencies.of([package])
    return made


def _of_mlflow(session: Session, view: ModelView) -> Environment:
    """By the files that lie beside MLmodel; MLflow, which loads it, where they do not name it."""
    files = {PurePosixPath(file.path): file.digest for file in view.files}
    folder = next((path.parent for path in files if path.name == "MLmodel"), PurePosixPath())
    there = [name for name in (*_CONDA_FILES, _PIP_FILE) if folder / name in files]
    if not there:
        return _of_packages(view, "mlflow")
    with tempfile.TemporaryDirectory(prefix="faena-mlflow-") as scratch:
        place = Path(scratch) / there[0]
        session.api.download_object(files[folder / there[0]], place)
        listed = (
            CondaDependencies(_underlying_structure={"dependencies": [{"pip": read_pip(place)}]})
            if there[0] == _PIP_FILE
            else CondaDependencies(str(place))
        )
    if not any(each.lower().startswith("mlflow") for each in (*listed.pip_packages, *listed.conda_packages)):
        listed.add_pip_package("mlflow")
    tell(f"faena: {_no_lock(view)}: it is served with the packages of its {there[0]}.")
    made = Environment("deployed")
    made.python.conda_dependencies = listed
    return made
