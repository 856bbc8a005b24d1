"""ModelPackage: what `Model.package` gives."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from faena.client.endpoints.configuration import DeploymentConfiguration
from faena.client.endpoints.deploying import DeployedModel, checked_models
from faena.client.endpoints.inference_config import InferenceConfig
from faena.client.packaging import engines, writing
from faena.client.packaging.contents import Packing
from faena.client.workspaces.session import Session
from faena.environments.schemas import LockView
from faena.kernel.errors import EnvironmentBuildException, WebserviceException


class ModelPackage:
    """Models with their script and environment, to be saved as a folder or built as an image.

    `location`: the name of the image that `pull` builds.
    """

    def __init__(
        self,
        workspace: Session,
        models: Iterable[DeployedModel],
        inference: InferenceConfig | None,
        configuration: DeploymentConfiguration | None = None,
        *,
        name: str | None = None,
        label: str | None = None,
    ) -> None:
        chosen = checked_models(models)
        if not chosen:
            raise WebserviceException("models is empty. Give at least one registered model.")
        self.workspace = workspace
        self.name = name or _plain(chosen[0].name)
        self.location = f"{self.name}:{label or chosen[0].version}"
        self._packing = Packing(workspace, self.name, chosen, inference, configuration)
        self._log: list[str] = []

    @property
    def state(self) -> str:
        """Running, Succeeded or Failed: whether its environment is known."""
        return self._packing.state

    @property
    def model_ids(self) -> list[str]:
        return [view.id for view in self._packing.contents.models]

    def wait_for_creation(self, show_output: bool = False) -> None:
        """Until its environment is known. Raises WebserviceException where that cannot be made."""
        if show_output and self._packing.build is not None:
            self._packing.build.wait_for_completion(show_output=True)
        self._lock()
        if show_output:
            print("Package creation Succeeded")

    def save(self, output_directory: str | os.PathLike[str]) -> None:
        """Write the folder: `./serve` in it serves the model on any machine with Python 3.11 or newer, or uv.

        A Dockerfile is in it, too. An earlier package there is replaced. Raises WebserviceException for a folder that
        holds something else, and for packages that lie on this machine's disk alone.
        """
        folder = Path(output_directory).expanduser().absolute()
        writing.refuse_other(folder)
        writing.write(self.workspace, self._packing.contents, self._lock(), folder)
        print(f"Package saved to {folder}")

    def pull(self) -> None:
        """Build the image `location` on this machine, by docker, podman or buildah.

        Raises WebserviceException where none of them works.
        """
        with tempfile.TemporaryDirectory(prefix="faena-package-") as made:
            folder = Path(made) / "package"
            writing.write(self.workspace, self._packing.contents, self._lock(), folder)
            engines.build(folder, self.location, self._say)

    def get_logs(self, decode: bool = True, offset: int = 0) -> str:
        """What the making of its environment and image said; `decode` has no meaning here."""
        build = self._packing.build
        return (("" if build is None else build.log) + "".join(self._log))[offset:]

    def serialize(self) -> dict[str, Any]:
        """What it is, as plain values."""
        return {"name": self.name, "state": self.state, "location": self.location, "modelIds": self.model_ids}

    def _lock(self) -> LockView | None:
        try:
            return self._packing.lock()
        except EnvironmentBuildException as error:
            raise WebserviceException(f"The package's environment cannot be made: {error.message}") from error

    def _say(self, line: str) -> None:
        self._log.append(line)
        print(line, end="")

    def __repr__(self) -> str:
        return f"ModelPackage(location={self.location!r}, state={self.state!r})"


def _plain(name: str) -> str:
    """What an endpoint or an image may be called, of a model's name."""
    plain = "".join(each if each.isascii() and each.isalnum() else "-" for each in name.lower())
    return plain.strip("-")[:32].rstrip("-") or "model"
