"""InferenceConfig: the scoring script of a deployment, its folder and its environment."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self, get_args

from faena.client.environments.environment import Environment
from faena.endpoints.schemas import Kind
from faena.kernel.errors import WebserviceException
from faena.script.messages import warn_without_effect


class InferenceConfig:
    """What scores: `entry_script` with `init()` and `run(data)`, relative to `source_directory`, or to the current
    folder where there is none: then the script alone is taken.

    `environment`: its packages; or `conda_file` (with v1's `runtime="python"`), relative as the script is. None of
    both: the environment of the run that made the model. `dependencies`: files and folders of the current folder that
    are taken along with the script where there is no `source_directory`. What belongs to images has no effect, which is
    told once.

    Raises WebserviceException for files that are not there, for a script that is not Python's, and for both ways of
    naming an environment at once.
    """

    def __init__(
        self,
        entry_script: str | os.PathLike[str],
        runtime: str | None = None,
        conda_file: str | os.PathLike[str] | None = None,
        extra_docker_file_steps: Any = None,
        source_directory: str | os.PathLike[str] | None = None,
        enable_gpu: bool | None = None,
        description: str | None = None,
        base_image: str | None = None,
        base_image_registry: Any = None,
        cuda_version: str | None = None,
        environment: Environment | None = None,
        *,
        dependencies: Iterable[str | os.PathLike[str]] = (),
    ) -> None:
        self.source_directory = None if source_directory is None else Path(source_directory).expanduser()
        if self.source_directory is not None and not self.source_directory.is_dir():
            raise WebserviceException(f"source_directory {os.fspath(self.source_directory)!r} is no folder.")
        self.entry_script = os.fspath(entry_script)
        self.description = description
        self.runtime = runtime
        self.conda_file = conda_file
        self.environment = environment
        self.dependencies = [Path(each) for each in dependencies]
        self._check(runtime, conda_file, environment)
        images = {
            "extra_docker_file_steps": extra_docker_file_steps,
            "enable_gpu": enable_gpu,
            "base_image": base_image,
            "base_image_registry": base_image_registry,
            "cuda_version": cuda_version,
        }
        idle = [name for name, value in images.items() if value]
        warn_without_effect(idle, "images", "the script runs on this machine")

    kind: Kind | None = None
    """What the model is where no script serves it: see `of_kind`."""
    options: Mapping[str, Any] = MappingProxyType({})

    @classmethod
    def of_kind(
        cls,
        kind: Kind,
        *,
        link: str | None = None,
        trust: bool = False,
        source_directory: str | os.PathLike[str] | None = None,
        environment: Environment | None = None,
        description: str | None = None,
        **options: Any,
    ) -> Self:
        """A model that needs no script: `chainer` (an .npz), `sklearn`, `onnx` or `mlflow` (a model's folder).

        `link`: the class of a Chainer model as `module:Class`, from `source_directory`, or from the source folder of
        the run that made the model. `trust`: load what is a pickle, which runs whatever code it holds. `options`:
        others of the kind, such as `arguments` of the link. Raises WebserviceException for another kind.
        """
        if kind not in get_args(Kind):
            raise WebserviceException(f"kind is {str(kind)[:80]!r}. Use {', '.join(get_args(Kind))}.")
        made = cls.__new__(cls)
        made.source_directory = None if source_directory is None else Path(source_directory).expanduser()
        made.entry_script = ""
        made.description = description
        made.runtime = made.conda_file = None
        made.environment = environment
        made.dependencies = []
        made.kind = kind
        made.options = {
            **options,
            **({} if link is None else {"link": link}),
            **({"trust": True} if trust else {}),
        }
        return made

    def _check(self, runtime: str | None, conda_file: Any, environment: object) -> None:
        if not self.entry_script.endswith(".py"):
            raise WebserviceException(f"entry_script {self.entry_script!r} is not a .py file.")
        if not self._in_source(self.entry_script).is_file():
            raise WebserviceException(
                f"entry_script {self.entry_script!r} is no file in {self._base}. Give its path relative to "
                "source_directory."
            )
        for each in self.dependencies:
            if not each.exists():
                raise WebserviceException(f"The dependency {os.fspath(each)!r} is not there.")
        if environment is not None and not isinstance(environment, Environment):
            raise WebserviceException(
                f"environment is {type(environment).__name__}, which is no Environment."
            )
        if environment is not None and (runtime is not None or conda_file is not None):
            raise WebserviceException(
                "environment names all packages: leave out runtime and conda_file, or give those alone."
            )
        if runtime not in (None, "python"):
            raise WebserviceException(f"runtime is {str(runtime)[:80]!r}. Use 'python'.")
        if conda_file is not None and not self._in_source(conda_file).is_file():
            raise WebserviceException(f"conda_file {os.fspath(conda_file)!r} is no file in {self._base}.")

    def chosen_environment(self) -> Environment | None:
        """None: that of the run that made the model."""
        if self.environment is not None or self.conda_file is None:
            return self.environment
        return Environment.from_conda_specification("inference", str(self._in_source(self.conda_file)))

    @contextmanager
    def source(self) -> Iterator[tuple[Path, str]]:
        """The folder to capture, and the script in it; empty for a kind that needs none."""
        if self.source_directory is not None:
            yield self.source_directory, Path(self.entry_script).as_posix() if self.entry_script else ""
            return
        with tempfile.TemporaryDirectory(prefix="faena-score-") as folder:
            if self.kind is not None:
                (Path(folder) / "kind").write_text(f"{self.kind}\n")  # a snapshot has a file
                yield Path(folder), ""
                return
            script = self._in_source(self.entry_script)
            shutil.copy(script, Path(folder) / script.name)
            for each in self.dependencies:
                (shutil.copytree if each.is_dir() else shutil.copy)(each, Path(folder) / each.name)
            yield Path(folder), script.name

    @property
    def _base(self) -> Path:
        return self.source_directory or Path.cwd()

    def _in_source(self, name: str | os.PathLike[str]) -> Path:
        return self._base / Path(name).expanduser()

    def __repr__(self) -> str:
        return (
            f"InferenceConfig(entry_script={self.entry_script!r}, source_directory={self.source_directory!r})"
        )
