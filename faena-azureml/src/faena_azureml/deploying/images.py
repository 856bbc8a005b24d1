"""v1's images of models: descriptions only, since scripts are served without containers."""

from __future__ import annotations

import builtins
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from faena.client.endpoints.inference_config import InferenceConfig
from faena.client.workspaces.session import Session, checked
from faena.kernel.errors import WebserviceException
from faena.script.messages import tell, warn_without_effect


class ContainerImageConfig:
    """What `ContainerImage.image_configuration` makes: the scoring script and its packages."""

    def __init__(
        self,
        execution_script: str | os.PathLike[str],
        runtime: str,
        conda_file: str | os.PathLike[str] | None = None,
        docker_file: str | os.PathLike[str] | None = None,
        schema_file: str | os.PathLike[str] | None = None,
        dependencies: Iterable[str] | None = None,
        enable_gpu: bool | None = None,
        tags: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | None = None,
        description: str | None = None,
        base_image: str | None = None,
        base_image_registry: Any = None,
        cuda_version: str | None = None,
    ) -> None:
        if runtime != "python":
            raise WebserviceException(f"runtime is {str(runtime)[:80]!r}. Use 'python'.")
        if not os.fspath(execution_script).endswith(".py") or not Path(execution_script).is_file():
            raise WebserviceException(
                f"execution_script {os.fspath(execution_script)!r} is no Python file here."
            )
        # Absolute: the script that deploys may have gone to another folder by then.
        self.execution_script = Path(execution_script).absolute()
        self.conda_file = None if conda_file is None else Path(conda_file).absolute()
        self.dependencies = [Path(each).absolute() for each in dependencies or ()]
        self.tags = dict(tags or {})
        self.properties = dict(properties or {})
        self.description = description
        idle = {
            "docker_file": docker_file,
            "schema_file": schema_file,
            "enable_gpu": enable_gpu,
            "base_image": base_image,
            "base_image_registry": base_image_registry,
            "cuda_version": cuda_version,
        }
        told = [name for name, value in idle.items() if value]
        warn_without_effect(told, "images", "the script runs on this machine")

    def inference_config(self) -> InferenceConfig:
        return InferenceConfig(
            entry_script=str(self.execution_script),
            runtime="python",
            conda_file=self.conda_file,
            description=self.description,
            dependencies=self.dependencies,
        )


_MADE: dict[str, list[Image]] = {}
"""What this process has described, by workspace."""


class Image:
    """Image(workspace, name) is what this process described under that name. Raises WebserviceException.

    A description of models and a script, for `Webservice.deploy_from_image`: nothing is built, since the script is
    served without a container. `Model.package` builds an image.
    """

    name: str
    version: int
    id: str
    models: builtins.list[Any]
    tags: dict[str, Any]
    properties: dict[str, Any]
    creation_state = "Succeeded"
    image_build_log_uri = None
    image_location = None

    image_configuration = ContainerImageConfig

    def __new__(cls, workspace: Session, name: str | None = None, *given: Any, **named: Any) -> Image:
        found = Image.list(workspace, name, named.get("id"))
        if not found:
            raise WebserviceException(
                f"ImageNotFound: this process has described no image {str(name or named.get('id'))[:80]!r}. Create it, "
                "or deploy with Model.deploy(), which needs none."
            )
        return found[-1]

    def __init__(self, *given: Any, **named: Any) -> None:
        """Found by `__new__`."""

    @staticmethod
    def create(
        workspace: Session, name: str, models: Iterable[Any], image_config: ContainerImageConfig
    ) -> ContainerImage:
        """A description: nothing is built, since the script is served without a container."""
        tell(f"Creating image {name}")
        made: ContainerImage = object.__new__(ContainerImage)
        made._describe(workspace, name, models, image_config)
        _MADE.setdefault(_key(workspace), []).append(made)
        return made

    @staticmethod
    def list(
        workspace: Session,
        image_name: str | None = None,
        image_id: str | None = None,
        model_name: str | None = None,
        model_id: str | None = None,
        tags: Iterable[Any] | None = None,
        properties: Iterable[Any] | None = None,
        run_id: str | None = None,
    ) -> builtins.list[Image]:
        """Those that this process has described, the newest last.

        `tags`, `properties`: each is a key that must be there, or [key, value]. `run_id`: of a model.
        """
        return [
            each
            for each in _MADE.get(_key(workspace), [])
            if image_name in (None, each.name)
            and image_id in (None, each.id)
            and (model_name is None or any(model.name == model_name for model in each.models))
            and (model_id is None or any(model.id == model_id for model in each.models))
            and (run_id is None or any(model.run_id == run_id for model in each.models))
            and _has(each.tags, tags)
            and _has(each.properties, properties)
        ]

    def wait_for_creation(self, show_output: bool = False) -> None:
        """Nothing to wait for."""
        if show_output:
            print(f'SucceededImage creation operation finished for image {self.id}, operation "Succeeded"')

    def update_creation_state(self) -> None:
        """Nothing changes."""

    def delete(self) -> None:
        """Forget the description; services that were deployed from it go on."""
        for made in _MADE.values():
            if self in made:
                made.remove(self)


class ContainerImage(Image):
    """What `create` gives: models and a configuration, for `Webservice.deploy_from_image`."""

    def _describe(
        self, workspace: Session, name: str, models: Iterable[Any], image_config: ContainerImageConfig
    ) -> None:
        self.workspace = workspace
        self.name = name
        self.models = [*models]
        self.image_config = image_config
        self.version = 1 + len(Image.list(workspace, name))
        self.id = f"{name}:{self.version}"
        self.created_time = datetime.now(UTC)
        self.tags = image_config.tags
        self.properties = image_config.properties
        self.description = image_config.description

    def serialize(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "version": self.version,
            "creationState": self.creation_state,
            "modelIds": [model.id for model in self.models],
        }


def _key(workspace: Session) -> str:
    return str(checked(workspace).api.transport.address)


def _has(labels: Mapping[str, Any], wanted: Iterable[Any] | None) -> bool:
    for each in wanted or ():
        key, *value = [each] if isinstance(each, str) else each
        if key not in labels or (value and str(labels[key]) != str(value[0])):
            return False
    return True
