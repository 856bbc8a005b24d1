"""Estimators: a training script and what it needs, described in v1's words."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from faena.client.environments.conda_dependencies import CondaDependencies
from faena.client.environments.environment import Environment
from faena.client.script_arguments import IsData, argument_text, check_inputs
from faena.client.submission import distribution
from faena.client.submission.estimator_environment import EnvironmentParameters
from faena.client.submission.estimator_parameters import check_mapping, check_names, tell_idle
from faena.client.submission.run_configuration import RunConfiguration
from faena.client.submission.script_run_config import LOCAL, ScriptRunConfig
from faena.client.wire import shown
from faena.kernel.errors import TrainingException, UserErrorException
from faena.runs.submission_schemas import SCRIPT_RUN, Submission
from faena.runs.variables import texts

Gpu = Literal["auto", "require"]


class Estimator:
    """A training script, its arguments, its packages and where it runs.

    `source_directory`: the folder that is captured and becomes the script's working directory (default: here).
    `compute_target`: a cluster, its name, or "local": one of that name on this machine; `vm_size` alone means that
    one too. `entry_script`: relative to `source_directory`; or `entry_module`: a module that is run as by `python -m`.
    `script_params`: {"--epochs": 10}; the value "" makes a
    flag, a data reference becomes the path of its data. `script_arguments`: more arguments, as they are. `inputs`:
    data that the node brings without an argument. `node_count`: nodes that the run has at once.

    Packages: `pip_packages` such as "numpy<2", `conda_packages` (translated to PyPI's names), or the files
    `pip_requirements_file` and `conda_dependencies_file`, relative to `source_directory`; or all of it as
    `environment_definition`. `user_managed`: the Python that runs Faena is used as it is, `interpreter` names another
    one. `python`: a version or range; default: what the framework supports, else the Python that runs Faena. `as_of`:
    a date such as "2019-10-01", whose packages, Python and build tools are taken, or "auto"; `undated`: packages whose
    files need no date (docs/as-of.md).

    `environment_variables`: what the script gets beside the documented list of its submitter's
    (docs/environment-variables.md); `inherit_environment`: it gets all of them.

    `use_gpu`: whether the script wants a GPU; with `gpu` "auto" its GPU calls are answered on the CPU where there is
    none and the framework is known, and the run says so; with "require" a machine without a GPU refuses the run.
    `max_run_duration_seconds`: from the script's start; default: no limit. `grace_seconds`: what a script that is
    stopped gets from SIGTERM to SIGKILL; default: 30. `early_signal`: one that it gets before its time is up, such as
    "USR1@90". `max_retries`: how often the run goes again after its script failed (or only after the
    `retry_on_exit_codes`), `max_node_losses`: after its node was lost, each from its checkpoint: docs/checkpoints.md.
    `warm`: it may start in an interpreter that has its packages loaded, which saves their imports (docs/warm-
    interpreters.md). `distributed_training` (Mpi(), Gloo(), Nccl(), ParameterServer()) or the older
    `distributed_backend` ('mpi', 'gloo', 'nccl', 'ps') and `process_count_per_node`: the script runs in several
    processes (docs/distributed.md). What else v1 took is accepted, with one warning that says so.

    Raises TrainingException and UserErrorException for descriptions that cannot run.
    """

    run_type: ClassVar[str] = SCRIPT_RUN
    framework: ClassVar[str | None] = None
    always: ClassVar[tuple[str, ...]] = ()
    """Packages that each environment made from lists has."""

    def __init__(
        self,
        source_directory: str | os.PathLike[str] = ".",
        *,
        compute_target: Any = None,
        vm_size: str | None = None,
        entry_script: str | os.PathLike[str] | None = None,
        entry_module: str | None = None,
        script_params: Mapping[str, Any] | None = None,
        script_arguments: Sequence[str] = (),
        node_count: int = 1,
        process_count_per_node: int = 1,
        distributed_backend: str | None = None,
        distributed_training: Any = None,
        use_gpu: bool = False,
        gpu: Gpu = "auto",
        user_managed: bool = False,
        conda_packages: Sequence[str] | None = None,
        pip_packages: Sequence[str] | None = None,
        conda_dependencies_file: str | os.PathLike[str] | None = None,
        pip_requirements_file: str | os.PathLike[str] | None = None,
        conda_dependencies_file_path: str | os.PathLike[str] | None = None,
        pip_requirements_file_path: str | os.PathLike[str] | None = None,
        environment_variables: Mapping[str, str] | None = None,
        inherit_environment: bool = False,
        environment_definition: Environment | None = None,
        inputs: Sequence[Any] | None = None,
        max_run_duration_seconds: float | None = None,
        grace_seconds: float | None = None,
        warm: bool = False,
        max_retries: int = 0,
        retry_on_exit_codes: Sequence[int] = (),
        max_node_losses: int | None = None,
        early_signal: str = "",
        framework_version: str | None = None,
        python: str | None = None,
        interpreter: str | None = None,
        as_of: Any = None,
        undated: Sequence[str] = (),
        **without_effect: Any,
    ) -> None:
        if compute_target is None and vm_size is None:
            raise TrainingException(
                'Either compute target or VM size should be specified. compute_target="local" is this machine.'
            )
        if gpu not in ("auto", "require"):
            raise UserErrorException(f"gpu is {gpu!r}. Use 'auto' or 'require'.")
        if framework_version is not None and self.framework is None:
            raise TrainingException("framework_version needs a framework: use an estimator such as Chainer.")
        self.framework_version = framework_version
        for name, names in (("pip_packages", pip_packages), ("conda_packages", conda_packages)):
            check_names(name, names)
        check_mapping("script_params", script_params)
        check_mapping("environment_variables", environment_variables)
        if isinstance(script_arguments, str) or not isinstance(script_arguments, Sequence):
            raise UserErrorException(
                f"script_arguments is {shown(script_arguments)}. Use a list, such as ['--epochs', 3]."
            )
        if without_effect.pop("resume_from", None) is not None:
            raise TrainingException(
                "resume_from is not there yet, and training would start afresh. Give the earlier outputs' folder as "
                "an input, and have the script read it."
            )
        of_tensorflow = [
            without_effect.pop(name, None) for name in ("worker_count", "parameter_server_count")
        ]
        tell_idle({**({"vm_size": vm_size} if compute_target is not None else {}), **without_effect})
        self.source_directory = Path(source_directory).expanduser()
        if entry_script is not None and entry_module is not None:
            raise TrainingException("Give either entry_script or entry_module.")
        self.entry_script = None if entry_script is None else os.fspath(entry_script)
        self.entry_module = entry_module
        self.script_params = dict(script_params or {})
        self.script_arguments = tuple(script_arguments)
        self.inputs = check_inputs(inputs)
        config = RunConfiguration() if self.entry_script is None else RunConfiguration(self.entry_script)
        config.target = LOCAL if compute_target is None else compute_target
        config.node_count = node_count
        config.max_run_duration_seconds = max_run_duration_seconds
        config.grace_seconds = grace_seconds
        config.warm = warm
        config.max_retries, config.retry_on_exit_codes = max_retries, retry_on_exit_codes
        config.max_node_losses, config.early_signal = max_node_losses, early_signal
        config.gpu = ("require" if gpu == "require" else "auto") if use_gpu or gpu == "require" else "none"
        packages = EnvironmentParameters(
            environment_definition,
            {
                "conda_packages": conda_packages,
                "pip_packages": pip_packages,
                "conda_dependencies_file": conda_dependencies_file or conda_dependencies_file_path,
                "pip_requirements_file": pip_requirements_file or pip_requirements_file_path,
            },
            self.framework,
            framework_version,
            python,
            user_managed,
            interpreter,
            use_gpu,
            as_of,
            undated,
        )
        config.environment = packages.environment(
            f"{type(self).__name__}-environment", self.source_directory, self.always
        )
        config.environment_variables = {
            **config.environment_variables,
            **texts("environment_variables", environment_variables or {}),
        }
        config.inherit_environment = inherit_environment
        distribution.of_estimator(
            config, distributed_training, distributed_backend, process_count_per_node, *of_tensorflow
        )
        self.run_config = config
        ScriptRunConfig(self.source_directory, self.entry_script, run_config=self.run_config).check()

    @property
    def arguments(self) -> list[str]:
        """The script's arguments as it gets them; data is named by its token."""
        return [argument_text(argument) for argument in self._arguments()]

    @property
    def conda_dependencies(self) -> CondaDependencies:
        """The packages of its environment."""
        return self.run_config.environment.python.dependencies()

    @property
    def compute_target(self) -> Any:
        return self.run_config.target

    @property
    def node_count(self) -> int:
        return self.run_config.node_count

    def submission(self, **given: Any) -> Submission:
        """What is sent to the server: that of a ScriptRunConfig with the same settings."""
        return self._script_run_config().submission(**given)

    def override(self, **given: Any) -> ScriptRunConfig:
        """The same with other `script_params` or `inputs`, as v1's Experiment.submit takes them beside an estimator."""
        unknown = sorted(set(given) - {"script_params", "inputs", "source_directory_data_store"})
        if unknown:
            raise TrainingException(
                f"{', '.join(unknown)} cannot be given at submission. Use script_params or inputs."
            )
        return self._script_run_config(given.get("script_params"), given.get("inputs"))

    def _script_run_config(
        self, script_params: Mapping[str, Any] | None = None, inputs: Sequence[Any] | None = None
    ) -> ScriptRunConfig:
        entry = self.entry_module if self.entry_script is None else self.entry_script
        if entry is None:
            raise TrainingException("An estimator needs entry_script: the script's path in source_directory.")
        config = ScriptRunConfig(
            self.source_directory, entry, self._arguments(script_params), self.run_config
        )
        config.entry = "script" if self.entry_module is None else "module"
        config.inputs = self.inputs if inputs is None else check_inputs(inputs)
        return config

    def _arguments(self, script_params: Mapping[str, Any] | None = None) -> list[Any]:
        flat: list[Any] = []
        for name, value in (self.script_params if script_params is None else script_params).items():
            flat.append(name)
            if isinstance(value, IsData) or (value is not None and str(value) != ""):
                flat.append(value)
        return [*flat, *self.script_arguments]
