"""RunConfiguration: where and in which environment a script runs; v1's object of many sections.

Sections and settings that mean nothing on one's own machines (container images, Spark, HDInsight) can be set and are
listed in one warning when the run is submitted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from faena.client.environments.environment import Environment
from faena.client.wire import shown
from faena.kernel import dates
from faena.kernel.errors import RunConfigurationException, UserErrorException

if TYPE_CHECKING:
    from faena.client.environments.conda_dependencies import CondaDependencies

_FOLDERS = (".azureml", "aml_config", "")
_FRAMEWORKS = ("Python", "PySpark", "CNTK", "TensorFlow", "PyTorch")
_COMMUNICATORS = ("None", "ParameterServer", "OpenMpi", "IntelMpi", "Gloo", "Nccl")
_MAX_FILE = 1 << 20
"""Bytes of a saved configuration."""


class Section:
    """Settings that are accepted and have no effect here. What was set is told once, at submission."""

    def __init__(self, **defaults: Any) -> None:
        self._defaults = dict(defaults)
        self.__dict__.update(defaults)

    def changed(self) -> Iterator[str]:
        """Names of the settings that differ from their defaults."""
        for name, value in self.__dict__.items():
            if name != "_defaults" and value != self._defaults.get(name):
                yield name

    def __repr__(self) -> str:
        return f"Section({', '.join(f'{n}={v!r}' for n, v in self.__dict__.items() if n != '_defaults')})"


class MpiConfiguration:
    """MPI ranks on each node (v1)."""

    backend = "mpi"

    def __init__(self, process_count_per_node: int = 1, node_count: int = 1) -> None:
        self.process_count_per_node = process_count_per_node
        self.node_count = node_count


class RunConfiguration:
    """Where and how a script runs.

    `script`: relative to the source folder, default 'train.py'. `arguments`: a list, or one text that is split at
    blanks outside quotes. `conda_dependencies`: the packages of a new environment. Attributes: `target` (a cluster, its
    name, or 'local': a cluster of that name on this machine), `node_count`, `environment`, `max_run_duration_seconds`
    (None: no limit), `grace_seconds` (from SIGTERM to SIGKILL when it is stopped; None: 30), `warm` (the
    script may start in an interpreter that has its packages loaded), `max_retries`, `retry_on_exit_codes`,
    `max_node_losses` and `early_signal` (how often the run goes again, and a signal before its time is up:
    docs/checkpoints.md), `data_references` and `data` (inputs by name),
    `gpu` ('none', 'auto': GPU calls are answered on the CPU where there is no GPU, and
    'require').

    Raises RunConfigurationException for an unknown framework or communicator.
    """

    environment_kind: ClassVar[type[Environment]] = Environment
    """Of the environment that it begins with."""

    def __init__(
        self,
        script: str | None = None,
        arguments: str | Sequence[Any] | None = None,
        framework: str | None = None,
        communicator: str | None = None,
        conda_dependencies: CondaDependencies | None = None,
    ) -> None:
        self.script = "train.py" if script is None else script
        self.arguments: str | list[Any] = arguments if isinstance(arguments, str) else list(arguments or ())
        self.framework = _one_of(framework or "Python", _FRAMEWORKS, "framework")
        self.communicator = _one_of(communicator or "None", _COMMUNICATORS, "communicator")
        self.command: str | list[Any] | None = None
        """Instead of `script` and `arguments`; see ScriptRunConfig."""
        self.target: Any = "local"
        self.node_count = 1
        self.max_run_duration_seconds: float | None = None
        self.grace_seconds: float | None = None
        self.warm = False
        """Whether the script may start in an interpreter that has its packages loaded; docs/warm-interpreters.md."""
        self.max_retries = 0
        self.retry_on_exit_codes: Sequence[int] = ()
        self.max_node_losses: int | None = None
        self.early_signal = ""
        self.gpu: Literal["none", "auto", "require"] = "none"
        self.inherit_environment = False
        """Whether a run gets all environment variables of the process that submits it."""
        self.environment = self.environment_kind("project-environment")
        if conda_dependencies is not None:
            self.environment.python.conda_dependencies = conda_dependencies
        self.data_references: dict[str, Any] = {}
        self.data: dict[str, Any] = {}
        self.mpi = MpiConfiguration()
        self.tensorflow: Any = Section(worker_count=1, parameter_server_count=1)
        self.history = Section(output_collection=True, snapshot_project=True, directories_to_watch=["logs"])
        self.amlcompute = Section(
            vm_size=None, vm_priority=None, _name=None, _retain_cluster=False, _cluster_max_node_count=1
        )
        self.spark = Section(configuration={})
        self.hdi = Section(yarn_deploy_mode="cluster")
        self.docker: Any = None
        """A DockerConfiguration; runs use no containers."""
        self.pytorch: Any = Section(communication_backend="nccl", process_count=None)
        self.paths = Section()
        self.output_data: dict[str, Any] = {}
        self.source_directory_data_store: str | None = None
        self.prepare_environment: bool | None = None
        self.auto_prepare_environment: bool | None = None

    @property
    def environment_variables(self) -> dict[str, str]:
        return self.environment.environment_variables

    @environment_variables.setter
    def environment_variables(self, values: Mapping[str, str]) -> None:
        self.environment.environment_variables = dict(values)

    @property
    def as_of(self) -> Any:
        """The date of the environment: see Environment.as_of."""
        return self.environment.as_of

    @as_of.setter
    def as_of(self, value: Any) -> None:
        dates.asked(value)
        self.environment.as_of = value

    def without_effect(self) -> list[str]:
        """Settings that were changed and mean nothing here, such as 'hdi.yarn_deploy_mode'."""
        sections = {
            "amlcompute": self.amlcompute,
            "spark": self.spark,
            "hdi": self.hdi,
            "paths": self.paths,
        }
        found = [f"{name}.{field}" for name, section in sections.items() for field in section.changed()]
        single = {
            "docker": getattr(self.docker, "use_docker", self.docker),
            "output_data": self.output_data,
            "source_directory_data_store": self.source_directory_data_store,
        }
        return found + [name for name, value in single.items() if value]

    def save(
        self,
        path: str | os.PathLike[str] | None = None,
        name: str | None = None,
        separate_environment_yaml: bool = False,
    ) -> str:
        """Write `<path or here>/.azureml/<name>.runconfig` (YAML); its path. `name` default: the target's.

        `separate_environment_yaml` has no meaning here: the environment is a part of the file.
        """
        import yaml

        folder = Path(path or ".").expanduser() / ".azureml"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{_file_stem(name or self.target_name)}.runconfig"
        file.write_text(yaml.safe_dump(self.to_dict(), sort_keys=False))
        return str(file)

    @classmethod
    def delete(cls, path: str | os.PathLike[str], name: str | None = None) -> None:
        """Remove what `save` wrote. Raises UserErrorException when there is none."""
        _find(Path(path).expanduser(), name).unlink()

    @classmethod
    def load(cls, path: str | os.PathLike[str], name: str | None = None) -> RunConfiguration:
        """Read what `save` wrote: a file, or the folder that holds `.azureml/<name>.runconfig`.

        Raises UserErrorException when there is none or it cannot be read.
        """
        file = _find(Path(path).expanduser(), name)
        return cls.from_dict(_read_yaml(file), str(file))

    @property
    def target_name(self) -> str:
        name = self.target if isinstance(self.target, str) else getattr(self.target, "name", None)
        if not isinstance(name, str):
            raise UserErrorException(
                f"The compute target is {shown(self.target)}. Give a cluster or its name, such as 'local'."
            )
        return name

    def to_dict(self) -> dict[str, Any]:
        """What `save` writes: v1's keys."""
        return {
            "script": self.script,
            "arguments": self.arguments
            if isinstance(self.arguments, str)
            else [str(a) for a in self.arguments],
            "command": self.command
            if isinstance(self.command, str)
            else [str(w) for w in self.command or ()],
            "target": self.target_name,
            "framework": self.framework,
            "communicator": self.communicator,
            "nodeCount": self.node_count,
            "maxRunDurationSeconds": self.max_run_duration_seconds,
            "graceSeconds": self.grace_seconds,
            "warm": self.warm,
            "maxRetries": self.max_retries,
            "retryOnExitCodes": list(self.retry_on_exit_codes),
            "maxNodeLosses": self.max_node_losses,
            "earlySignal": self.early_signal,
            "gpu": self.gpu,
            "inheritEnvironment": self.inherit_environment,
            "environment": self.environment.to_dict(),
            "mpi": {"processCountPerNode": self.mpi.process_count_per_node},
            "pytorch": {"processCount": self.pytorch.process_count},
            "tensorflow": {
                "workerCount": self.tensorflow.worker_count,
                "parameterServerCount": self.tensorflow.parameter_server_count,
            },
        }

    @classmethod
    def from_dict(cls, found: Mapping[str, Any], source: str = "the configuration") -> RunConfiguration:
        """The configuration that `to_dict` described. Raises UserErrorException naming `source`."""
        try:
            made = cls(
                found.get("script"), found.get("arguments"), found.get("framework"), found.get("communicator")
            )
            made.command = found.get("command") or None
            made.target = str(found.get("target") or "local")
            made.node_count = int(found.get("nodeCount") or 1)
            made.max_run_duration_seconds = found.get("maxRunDurationSeconds")
            made.grace_seconds = found.get("graceSeconds")
            made.warm = bool(found.get("warm"))
            made.max_retries = int(found.get("maxRetries") or 0)
            made.retry_on_exit_codes = tuple(map(int, found.get("retryOnExitCodes") or ()))
            losses = found.get("maxNodeLosses")
            made.max_node_losses = None if losses is None else int(losses)
            made.early_signal = str(found.get("earlySignal") or "")
            made.gpu = found.get("gpu") or "none"
            made.inherit_environment = bool(found.get("inheritEnvironment"))
            made.environment = Environment.from_dict(dict(found["environment"]))
            made.pytorch.process_count = (found.get("pytorch") or {}).get("processCount")
            counts = found.get("tensorflow") or {}
            made.tensorflow.worker_count = int(counts.get("workerCount", 1))
            made.tensorflow.parameter_server_count = int(counts.get("parameterServerCount", 1))
            made.mpi.process_count_per_node = int((found.get("mpi") or {}).get("processCountPerNode") or 1)
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            raise UserErrorException(
                f"{source} cannot be used: {error}. Write it anew with RunConfiguration.save()."
            ) from error
        return made


def _one_of(value: str, known: tuple[str, ...], what: str) -> str:
    for name in known:
        if str(value).lower() == name.lower():
            return name
    raise RunConfigurationException(f"{what} is {value!r}. Use one of {', '.join(known)}.")


def _file_stem(name: str) -> str:
    if not name or name in (".", "..") or "/" in name or "\\" in name or "\0" in name or len(name) > 200:
        raise UserErrorException(f"{name[:80]!r} cannot name a configuration. Use a plain file name.")
    return name.removesuffix(".runconfig")


def _find(path: Path, name: str | None) -> Path:
    if path.is_file():
        return path
    stem = _file_stem(name or "local")
    looked = [path / folder / f"{stem}.runconfig" for folder in _FOLDERS]
    for file in looked:
        if file.is_file():
            return file
    raise UserErrorException(
        f"There is no run configuration {stem!r}. Looked for {', '.join(map(str, looked))}."
    )


def _read_yaml(file: Path) -> dict[str, Any]:
    import yaml

    try:
        if file.stat().st_size > _MAX_FILE:
            raise UserErrorException(f"{file} is larger than {_MAX_FILE} bytes: not a run configuration.")
        found = yaml.safe_load(file.read_text())
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise UserErrorException(f"{file} cannot be read: {error}.") from error
    if not isinstance(found, dict):
        raise UserErrorException(f"{file} holds no run configuration: its top level is not a mapping.")
    return found
