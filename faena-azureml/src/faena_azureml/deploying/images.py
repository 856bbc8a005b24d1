"""v1's images of models: descriptions only, since scripts are served without containers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from faena.client.endpoints.inference_config import InferenceConfig
from faena.client.workspaces.session import Session
from faena.kernel.errors import WebserviceException
from faena.script.messages import tell, warn_once


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
        self.execution_script = execution_script
        self.conda_file = conda_file
        self.dependencies = list(dependencies or ())
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
        if told := [name for name, value in idle.items() if value]:
            warn_once(
                f"faena: {', '.join(told)} belong to images and have no effect: the script runs on this machine."
            )

    def inference_config(self) -> InferenceConfig:
        return InferenceConfig(
            entry_script=self.execution_script,
            runtime="python",
            conda_file=self.conda_file,
            description=self.description,
            dependencies=self.dependencies,
        )


class ContainerImage:
    """What `create` gives: models and a configuration, for `Webservice.deploy_from_image`."""

    def __init__(
        self, workspace: Session, name: str, models: Iterable[Any], image_config: ContainerImageConfig
    ) -> None:
        self.workspace = workspace
        self.name = name
        self.models = list(models)
        self.image_config = image_config
        self.version = 1
        self.id = f"{name}:{self.version}"
        self.creation_state = "Succeeded"
        self.created_time = datetime.now(UTC)
        self.image_build_log_uri = None
        self.image_location = None
        self.tags = image_config.tags
        self.properties = image_config.properties
        self.description = image_config.description

    image_configuration = ContainerImageConfig

    @classmethod
    def create(
        cls, workspace: Session, name: str, models: Iterable[Any], image_config: ContainerImageConfig
    ) -> ContainerImage:
        """A description: nothing is built, since the script is served without a container."""
        tell(f"Creating image {name}")
        return cls(workspace, name, models, image_config)

    def wait_for_creation(self, show_output: bool = False) -> None:
        """Nothing to wait for."""
        if show_output:
            print(
                "SucceededImage creation operation finished for image " + f'{self.id}, operation "Succeeded"'
            )

    def update_creation_state(self) -> None:
        """Nothing changes."""

    def serialize(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "version": self.version,
            "creationState": self.creation_state,
            "modelIds": [model.id for model in self.models],
        }


class Image:
    """v1's parent of images."""

    image_configuration = ContainerImageConfig
    create = ContainerImage.create
