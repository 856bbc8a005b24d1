"""What a run's script is and what it gets: the options that `faena submit` and `faena sweep` share."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from faena.kernel import dates
from faena.kernel.errors import UserErrorException

if TYPE_CHECKING:
    from faena.client.environments.environment import Environment
    from faena.client.submission.estimator import Estimator
    from faena.client.workspace import Workspace

FRAMEWORKS = {"chainer": "Chainer", "pytorch": "PyTorch", "tensorflow": "TensorFlow", "sklearn": "SKLearn"}
"""Each with its estimator."""
_FILE = click.Path(path_type=Path)


def _no_empty_date(context: click.Context, option: click.Parameter, given: str | None) -> str | None:
    """A shell variable that is not set must not mean packages of today."""
    return None if given is None else dates.asked(given, "--as-of")


@dataclass(frozen=True, slots=True)
class ScriptOptions:
    """As they were given; names are those of the options."""

    source: Path
    module: bool
    experiment: str | None
    cluster: str
    name: str
    parent: str | None
    framework: str | None
    framework_version: str | None
    packages: tuple[str, ...]
    conda_packages: tuple[str, ...]
    requirements: Path | None
    conda_file: Path | None
    environment: str | None
    interpreter: Path | None
    user_managed: bool
    data: tuple[str, ...]
    python: str | None
    as_of: str | None
    undated: tuple[str, ...]
    nodes: int
    processes_per_node: int
    mpi: bool
    torch: bool
    workers: int | None
    parameter_servers: int
    use_gpu: bool
    require_gpu: bool
    max_seconds: float | None
    grace: float | None
    early_signal: str
    warm: bool
    variables: tuple[str, ...]
    inherit_environment: bool
    tags: tuple[str, ...]


_ALL = (
    click.option("--source", type=_FILE, default=".", help="Folder to capture (default: here)."),
    click.option(
        "-m", "--module", is_flag=True, help="SCRIPT is the dotted name of a module, as for python -m."
    ),
    click.option("--experiment", help="Experiment (default: the source folder's name)."),
    click.option(
        "--cluster", default="local", help="Cluster; one called 'local' is made when there is none."
    ),
    click.option("--name", default="", help="The run's display name."),
    click.option("--parent", metavar="RUN", help="The run that it is a child of."),
    click.option("--framework", type=click.Choice(tuple(FRAMEWORKS)), help="Framework to install."),
    click.option("--framework-version", help="Its version (default: the catalogue's)."),
    click.option("--pip", "packages", multiple=True, help="A package to install; may be repeated."),
    click.option("--conda", "conda_packages", multiple=True, help="The same by conda's name."),
    click.option("--requirements", type=_FILE, help="A requirements file of packages to install."),
    click.option("--conda-file", type=_FILE, help="A conda environment file instead."),
    click.option("--environment", metavar="NAME[:VERSION]", help="A registered environment instead."),
    click.option("--interpreter", type=_FILE, help="Use this Python as it is; nothing is installed."),
    click.option("--user-managed", is_flag=True, help="Use the Python that runs faena as it is."),
    click.option(
        "--data",
        multiple=True,
        metavar="[NAME=]PLACE[,MODE]",
        help="Data for the script, which finds its path where an argument is {NAME}; docs/command-line.md.",
    ),
    click.option("--python", help="Python version or range for the script."),
    click.option(
        "--as-of",
        metavar="DATE",
        callback=_no_empty_date,
        help="Packages and Python of that day, such as 2019-10-01; auto; today: no default date. docs/as-of.md.",
    ),
    click.option(
        "--undated", multiple=True, metavar="NAME", help="With --as-of: a package whose files need no date."
    ),
    click.option("--nodes", type=int, default=1, show_default=True, help="Nodes that the run has at once."),
    click.option(
        "--processes-per-node",
        type=int,
        default=1,
        show_default=True,
        help="Ranks on each node, with --mpi or --torch.",
    ),
    click.option("--mpi", is_flag=True, help="The script runs in ranks of MPI (mpi4py, ChainerMN)."),
    click.option("--torch", is_flag=True, help="The script runs in ranks of torch.distributed."),
    click.option("--workers", type=int, help="TensorFlow's workers, on all nodes together (TF_CONFIG)."),
    click.option(
        "--parameter-servers", type=int, default=0, help="TensorFlow's parameter servers, with --workers."
    ),
    click.option(
        "--use-gpu", is_flag=True, help="The script wants a GPU; answered on the CPU where there is none."
    ),
    click.option("--require-gpu", is_flag=True, help="Refuse the run where there is no GPU."),
    click.option("--max-seconds", type=float, help="Stop the script after so many seconds."),
    click.option(
        "--grace",
        type=float,
        help="Seconds from SIGTERM to SIGKILL when the script is stopped (default: 30).",
    ),
    click.option(
        "--early-signal",
        default="",
        metavar="SIGNAL@SECONDS",
        help="A signal to the script so many seconds before --max-seconds is over, such as USR1@90.",
    ),
    click.option(
        "--warm",
        is_flag=True,
        help="Start the script in an interpreter that has its packages loaded already.",
    ),
    click.option(
        "--env",
        "variables",
        multiple=True,
        metavar="KEY[=VALUE]",
        help="An environment variable; without VALUE yours.",
    ),
    click.option("--inherit-environment", is_flag=True, help="Pass on all of your environment variables."),
    click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag; may be repeated."),
)
OPTIONS = {each.name: option for each, option in zip(fields(ScriptOptions), _ALL, strict=True)}
"""By the argument that each gives."""


def script_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command all of them, as its argument `options`."""

    @wraps(function)
    def gathered(**given: Any) -> Any:
        options = ScriptOptions(**{each.name: given.pop(each.name) for each in fields(ScriptOptions)})
        return function(options=options, **given)

    for option in reversed(OPTIONS.values()):
        option(gathered)
    return gathered


def estimator(current: Workspace, script: str, arguments: Sequence[str], options: ScriptOptions) -> Estimator:
    """What describes the run. Raises UserErrorException, NotFound."""
    from faena.cli import data_option
    from faena.client.compute.cluster import Cluster
    from faena.client.submission import framework_estimators as estimators

    cluster = options.cluster
    target = Cluster.get_or_create(current, cluster) if cluster == "local" else Cluster(current, cluster)
    inputs = [data_option.read(current, each) for each in options.data]
    kind = getattr(estimators, FRAMEWORKS[options.framework]) if options.framework else estimators.Estimator
    made: Estimator = kind(
        options.source,
        compute_target=target,
        entry_script=None if options.module else script,
        entry_module=script if options.module else None,
        script_arguments=data_option.filled(arguments, inputs),
        inputs=inputs,
        node_count=options.nodes,
        **_ranks(options),
        pip_packages=list(options.packages) or None,
        conda_packages=list(options.conda_packages) or None,
        pip_requirements_file=file_of("--requirements", options.requirements),
        conda_dependencies_file=file_of("--conda-file", options.conda_file),
        environment_definition=environment_named(current, options.environment, options.framework),
        interpreter=None if options.interpreter is None else str(options.interpreter.absolute()),
        user_managed=options.user_managed,
        framework_version=options.framework_version,
        python=options.python,
        as_of=options.as_of,
        undated=options.undated,
        use_gpu=options.use_gpu or options.require_gpu,
        gpu="require" if options.require_gpu else "auto",
        max_run_duration_seconds=options.max_seconds,
        grace_seconds=options.grace,
        early_signal=options.early_signal,
        warm=options.warm,
        environment_variables=_variables(options.variables),
        inherit_environment=options.inherit_environment,
    )
    return made


def _ranks(options: ScriptOptions) -> dict[str, Any]:
    """An estimator's parameters. Raises UserErrorException for options that do not go together."""
    ways = {"--mpi": options.mpi, "--torch": options.torch, "--workers": options.workers is not None}
    given = [name for name, is_given in ways.items() if is_given]
    if len(given) > 1:
        raise UserErrorException(f"Give one of {' and '.join(given)}.")
    if options.parameter_servers and given != ["--workers"]:
        raise UserErrorException("--parameter-servers needs --workers.")
    if options.processes_per_node != 1 and given not in (["--mpi"], ["--torch"]):
        raise UserErrorException("--processes-per-node needs --mpi or --torch.")
    if not given:
        return {}
    backend = {"--mpi": "mpi", "--torch": "gloo", "--workers": "ps"}[given[0]]
    found = {"distributed_backend": backend, "process_count_per_node": options.processes_per_node}
    if options.workers is not None:
        found |= {"worker_count": options.workers, "parameter_server_count": options.parameter_servers}
    return found


def file_of(option: str, given: Path | None) -> Path | None:
    if given is not None and not given.is_file():
        raise UserErrorException(f"{option} {given}: there is no such file.")
    return None if given is None else given.absolute()


def environment_named(current: Workspace, given: str | None, framework: str | None) -> Environment | None:
    """NAME[:VERSION]. Raises UserErrorException where a framework is given, too; NotFound."""
    if given is None:
        return None
    if framework:
        raise UserErrorException(
            "--environment says everything about the environment: leave out --framework."
        )
    from faena.client.environments.environment import Environment

    name, _, version = given.partition(":")
    return Environment.get(current, name, version or None)


def _variables(given: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals and name not in os.environ:
            raise UserErrorException(f"{name!r} is not set here. Give its value: --env {name}=VALUE.")
        found[name] = value if equals else os.environ[name]
    return found
