"""Estimators: a training script and what it needs, described in v1's words."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from faena.client.cluster import Cluster
from faena.environments.schemas import EnvironmentRequest
from faena.kernel.errors import TrainingException, UserErrorException
from faena.runs.schemas import Submission

Gpu = Literal["auto", "require"]


class Estimator:
    """A training script, its arguments, its packages and where it runs.

    `source_directory`: the folder that is captured and becomes the script's working directory (default: here).
    `compute_target`: a cluster or its name. `entry_script`: relative to `source_directory`.
    `script_params`: {"--epochs": 10}; the value "" makes a flag. `script_arguments`: more arguments, as they
    are. `node_count`: nodes that the run has at once.
    `pip_packages`: requirements such as "numpy<2". `python`: a version or range; default: what the framework
    supports, else the Python that runs Faena. `use_gpu`: whether the script wants a GPU; with `gpu` "auto" its
    GPU calls are answered on the CPU where there is none and the framework is known, and the run says so; with
    "require" a machine without a GPU refuses the run. `max_run_duration_seconds`: from the script's start;
    default: no limit.

    Raises TrainingException and UserErrorException for descriptions that cannot run.
    """

    framework: str | None = None

    def __init__(
        self,
        source_directory: str | os.PathLike[str] = ".",
        *,
        compute_target: Cluster | str,
        entry_script: str,
        script_params: Mapping[str, Any] | None = None,
        script_arguments: Sequence[str] = (),
        node_count: int = 1,
        pip_packages: Sequence[str] | None = None,
        python: str | None = None,
        use_gpu: bool = False,
        gpu: Gpu = "auto",
        environment_variables: Mapping[str, str] | None = None,
        max_run_duration_seconds: float | None = None,
        framework_version: str | None = None,
        interpreter: str | None = None,
    ) -> None:
        if gpu not in ("auto", "require"):
            raise UserErrorException(f"gpu is {gpu!r}. Use 'auto' or 'require'.")
        if node_count < 1:
            raise TrainingException(f"node_count is {node_count}. Use a whole number, 1 or more.")
        if max_run_duration_seconds is not None and not math.isfinite(max_run_duration_seconds):
            # JSON has no such number: it would arrive as null, which means no limit
            raise UserErrorException(
                f"max_run_duration_seconds is {max_run_duration_seconds}. Use seconds, or None for no limit."
            )
        if isinstance(pip_packages, str):
            raise UserErrorException(
                f"pip_packages is the text {pip_packages!r}. Use a list: [{pip_packages!r}]."
            )
        if framework_version is not None and self.framework is None:
            raise TrainingException("framework_version needs a framework: use an estimator such as Chainer.")
        self.source_directory = Path(source_directory).expanduser()
        self.compute_target = compute_target
        self.entry_script = str(entry_script)
        self.script_params = dict(script_params or {})
        self.script_arguments = tuple(script_arguments)
        self.node_count = node_count
        self.use_gpu = use_gpu
        self.gpu = gpu
        self.environment_variables = _as_text(environment_variables or {})
        self.max_run_duration_seconds = max_run_duration_seconds
        self.environment = EnvironmentRequest(
            python=python,
            packages=tuple(pip_packages or ()),
            framework=self.framework,
            framework_version=framework_version,
            interpreter=interpreter,
        )

    @property
    def arguments(self) -> list[str]:
        """The script's arguments as it gets them."""
        flat: list[str] = []
        for name, value in self.script_params.items():
            flat.append(str(name))
            if value is not None and str(value) != "":
                flat.append(str(value))
        return [*flat, *self.script_arguments]

    def submission(
        self,
        *,
        experiment: str,
        snapshot: str,
        git: dict[str, Any] | None,
        tags: dict[str, str],
        user: str,
    ) -> Submission:
        """What is sent to the server."""
        target = self.compute_target
        return Submission(
            experiment=experiment,
            snapshot=snapshot,
            script=self.entry_script,
            cluster=target if isinstance(target, str) else target.name,
            arguments=tuple(self.arguments),
            environment=self.environment,
            environment_variables=self.environment_variables,
            node_count=self.node_count,
            max_run_duration_seconds=self.max_run_duration_seconds,
            gpu=("require" if self.gpu == "require" else "auto")
            if self.use_gpu or self.gpu == "require"
            else "none",
            tags=tags,
            user=user,
            git=git,
        )


class Chainer(Estimator):
    """An estimator whose environment holds Chainer and what it needs; `framework_version` default: 5.1.0."""

    framework = "chainer"


def _as_text(variables: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in variables.items()}
