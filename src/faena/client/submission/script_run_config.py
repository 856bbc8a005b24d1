"""ScriptRunConfig: a source folder, a script in it, and the configuration that it runs with."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from faena.client.environments.as_of import with_defaults
from faena.client.environments.environment import Environment
from faena.client.script_arguments import argument_text, bring_local_files, check_tokens, inputs_of, listed
from faena.client.submission import command as commands
from faena.client.submission import distribution, mpi_packages, package_lists
from faena.client.submission.run_configuration import RunConfiguration
from faena.client.wire import shown
from faena.client.workspaces.session import Session
from faena.data.git import is_tracked, last_change
from faena.environments.schemas import EnvironmentRequest
from faena.kernel import dates
from faena.kernel.errors import TrainingException, UserErrorException
from faena.runs import variables
from faena.runs.submission_schemas import SCRIPT_RUN, Entry, Submission
from faena.script.messages import warn_caller

LOCAL = "local"
"""The cluster that a run gets when it names none: one of this machine, made when there is none of that name."""


class ScriptRunConfig:
    """What Experiment.submit runs.

    `source_directory`: the folder that is captured and becomes the script's working directory. `script`: relative to
    it, default: that of `run_config`. `arguments`: a list, whose members may be data references, or one text that is
    split at blanks outside quotes. `compute_target`, `environment`, `max_run_duration_seconds`, `grace_seconds`
    (from SIGTERM to SIGKILL), `warm` (the script may start in an interpreter that has its packages loaded:
    docs/warm-interpreters.md) and `max_retries`, `retry_on_exit_codes`, `max_node_losses`, `early_signal`
    (docs/checkpoints.md) are set in `run_config`, a new one when none is given. `command`: instead of script and
    arguments, `["python", "train.py"]`, `["python", "-m", "package.module"]`, another program with its arguments, or
    one text for a shell.
    `inherit_environment`: the run gets all environment variables of this process, not only those that
    docs/environment-variables.md lists.

    Raises UserErrorException for descriptions that cannot run, TrainingException for counts
    that cannot be meant.
    """

    run_type: ClassVar[str] = SCRIPT_RUN

    configuration_kind: ClassVar[type[RunConfiguration]] = RunConfiguration
    """Of what it has without a `run_config`."""

    def __init__(
        self,
        source_directory: str | os.PathLike[str],
        script: str | None = None,
        arguments: str | Sequence[Any] | None = None,
        run_config: RunConfiguration | None = None,
        *,
        compute_target: Any = None,
        environment: Environment | None = None,
        distributed_job_config: Any = None,
        resume_from: Any = None,
        max_run_duration_seconds: float | None = None,
        grace_seconds: float | None = None,
        command: str | Sequence[Any] | None = None,
        docker_runtime_config: Any = None,
        inherit_environment: bool | None = None,
        warm: bool | None = None,
        max_retries: int | None = None,
        retry_on_exit_codes: Sequence[int] | None = None,
        max_node_losses: int | None = None,
        early_signal: str | None = None,
        as_of: Any = None,
    ) -> None:
        if not isinstance(source_directory, (str, os.PathLike)):
            raise UserErrorException(
                f"source_directory is {shown(source_directory)}. Give the folder that holds the script, such as '.'."
            )
        _check_kind("run_config", run_config, RunConfiguration)
        _check_kind("environment", environment, Environment)
        self.source_directory = Path(source_directory).expanduser()
        self.run_config = run_config or self.configuration_kind()
        self.entry: Entry = "script"
        """What `script` is: a file of the source folder, a module's name or a program."""
        if command is not None and (script is not None or arguments is not None):
            raise UserErrorException("Give either command, or script and arguments.")
        if command is None and script is None:
            command = self.run_config.command
        if command is not None:
            parsed = commands.parse(command)
            self.entry, script, arguments = parsed.entry, parsed.script, parsed.arguments
        self.script = self.run_config.script if script is None else script
        self.arguments = self.run_config.arguments if arguments is None else arguments
        if compute_target is not None:
            self.run_config.target = compute_target
        if environment is not None:
            self.run_config.environment = environment
        if max_run_duration_seconds is not None:
            self.run_config.max_run_duration_seconds = max_run_duration_seconds
        if grace_seconds is not None:
            self.run_config.grace_seconds = grace_seconds
        if inherit_environment is not None:
            self.run_config.inherit_environment = bool(inherit_environment)
        if warm is not None:
            self.run_config.warm = warm
        given = {
            "max_retries": max_retries,
            "retry_on_exit_codes": retry_on_exit_codes,
            "max_node_losses": max_node_losses,
            "early_signal": early_signal,
        }
        for name, value in given.items():
            if value is not None:
                setattr(self.run_config, name, value)
        self.as_of = as_of
        dates.asked(as_of)
        if distributed_job_config is not None:
            distribution.of_job(self.run_config, distributed_job_config)
        self.inputs: list[Any] = []
        """Data that the node brings without an argument."""
        self.without_effect = [
            name
            for name, value in [
                ("resume_from", resume_from),
                ("docker_runtime_config", docker_runtime_config),
            ]
            if value is not None
        ]

    def _asked(
        self, environment: EnvironmentRequest, experiment: str, session: Session | None
    ) -> EnvironmentRequest:
        if said := dates.asked(self.as_of):
            environment = msgspec.structs.replace(environment, as_of=said)
        environment = with_defaults(environment, self.source_directory)
        if (
            environment.interpreter is None
            and self.entry == "script"
            and environment.as_of in ("", dates.AUTO)
        ):
            environment = self._with_history(environment, experiment, session)
        return environment

    def _with_history(
        self, environment: EnvironmentRequest, experiment: str, session: Session | None
    ) -> EnvironmentRequest:
        """For `auto`, also that of experiment or workspace: only here is the script's history at hand."""
        source = self.source_directory.resolve()
        if not is_tracked(source):
            return environment
        if not environment.as_of and (session is None or session.api.default_as_of(experiment) != dates.AUTO):
            return environment
        day = last_change(source, str(self.script))
        return msgspec.structs.replace(environment, as_of=dates.AUTO, script_date=day)

    def check(self) -> None:
        """Raises for numbers that cannot be meant."""
        _check_numbers(self.run_config)
        distribution.of(self.run_config)

    def submission(
        self,
        *,
        experiment: str,
        snapshot: str,
        git: dict[str, Any] | None,
        tags: dict[str, str],
        user: str,
        properties: Mapping[str, str] | None = None,
        parent: str | None = None,
        session: Session | None = None,
    ) -> Submission:
        """What is sent to the server; tells in one warning which settings have no effect.

        `session`: local files of datasets are uploaded there first.
        """
        config = self.run_config
        self.check()
        idle = sorted({*self.without_effect, *config.without_effect(), *config.environment.ignored()})
        if idle:
            warn_caller(f"These settings have no effect here: {', '.join(idle)}.")
        given = listed(self.arguments)
        data = [*given, *self.inputs, *config.data_references.values(), *config.data.values()]
        if session is not None:
            bring_local_files(data, session)
        brought = tuple(inputs_of(data))
        check_tokens(given, brought)
        environment = self._asked(config.environment.request(self.source_directory), experiment, session)
        asked = distribution.of(config)
        if asked is not None and asked.kind == "mpi":
            environment = mpi_packages.added(environment)
        return Submission(
            experiment=experiment,
            snapshot=snapshot,
            script=str(self.script),
            entry=self.entry,
            cluster=config.target_name or LOCAL,
            arguments=tuple(argument_text(argument) for argument in given),
            environment=package_lists.noted(environment, self.source_directory),
            environment_name=config.environment.shown_name(),
            environment_variables=variables.texts("environment_variables", config.environment.variables()),
            inherited_variables=variables.passed_on(os.environ, everything=config.inherit_environment),
            node_count=config.node_count,
            max_run_duration_seconds=config.max_run_duration_seconds,
            grace_seconds=config.grace_seconds,
            warm=config.warm,
            max_retries=config.max_retries,
            retry_on_exit_codes=tuple(config.retry_on_exit_codes),
            max_node_losses=config.max_node_losses,
            early_signal=config.early_signal,
            distributed=asked,
            gpu=config.gpu,
            tags=tags,
            user=user,
            git=git,
            parent=parent,
            properties=dict(properties or {}),
            inputs=brought,
        )


def _check_kind(field: str, given: object, wanted: type) -> None:
    if given is not None and not isinstance(given, wanted):
        of_name = ": Environment.get(workspace, name) has a registered one" if wanted is Environment else ""
        raise UserErrorException(f"{field} is {shown(given)}, which is no {wanted.__name__}{of_name}.")


def _check_numbers(config: RunConfiguration) -> None:
    limit = config.max_run_duration_seconds
    # JSON has no number for NaN and infinity: they would arrive as null, which means no limit
    if limit is not None and not (_is_number(limit) and math.isfinite(limit)):
        raise UserErrorException(
            f"max_run_duration_seconds is {shown(limit)}. Use seconds, or None for no limit."
        )
    grace = config.grace_seconds
    if grace is not None and not (_is_number(grace) and math.isfinite(grace)):
        raise UserErrorException(f"grace_seconds is {shown(grace)}. Use seconds, or None for 30.")
    for name in ("max_retries", "max_node_losses"):
        if (count := getattr(config, name)) is not None and not _is_whole(count):
            raise UserErrorException(f"{name} is {shown(count)}. Use a whole number, 0 or more.")
    codes = config.retry_on_exit_codes
    if not isinstance(codes, (list, tuple, set, frozenset)) or not all(map(_is_whole, codes)):
        raise UserErrorException(
            f"retry_on_exit_codes is {shown(codes)}. Use a list of exit codes, such as [3]."
        )
    if not isinstance(config.early_signal, str):
        raise UserErrorException(
            f"early_signal is {shown(config.early_signal)}. Use a text such as 'USR1@90'."
        )
    if not isinstance(config.warm, bool):
        raise UserErrorException(f"warm is {shown(config.warm)}. Use True or False.")
    if not _is_number(config.node_count) or not isinstance(config.node_count, int) or config.node_count < 1:
        raise TrainingException(f"node_count is {shown(config.node_count)}. Use a whole number, 1 or more.")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
