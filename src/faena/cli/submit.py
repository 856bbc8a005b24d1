"""The command that submits a run."""

from __future__ import annotations

import os
from pathlib import Path

import rich_click as click

from faena.cli.command import command
from faena.cli.common import experiment_name_of, json_option, print_json, tags_of
from faena.cli.common import follow as follow_run
from faena.cli.common import workspace as open_workspace
from faena.kernel.errors import UserErrorException


@command(context_settings={"allow_interspersed_args": False})
@click.argument("script")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--source", type=click.Path(path_type=Path), default=".", help="Folder to capture (default: here)."
)
@click.option("-m", "--module", is_flag=True, help="SCRIPT is the dotted name of a module, as for python -m.")
@click.option("--experiment", help="Experiment (default: the source folder's name).")
@click.option("--cluster", default="local", help="Cluster; one called 'local' is made when there is none.")
@click.option("--framework", type=click.Choice(["chainer"]), help="Framework to install.")
@click.option("--pip", "packages", multiple=True, help="A package to install; may be repeated.")
@click.option("--python", help="Python version or range for the script.")
@click.option("--nodes", type=int, default=1, show_default=True, help="Nodes that the run has at once.")
@click.option(
    "--use-gpu", is_flag=True, help="The script wants a GPU; answered on the CPU where there is none."
)
@click.option("--require-gpu", is_flag=True, help="Refuse the run where there is no GPU.")
@click.option("--max-seconds", type=float, help="Stop the script after so many seconds.")
@click.option(
    "--grace", type=float, help="Seconds from SIGTERM to SIGKILL when the script is stopped (default: 30)."
)
@click.option(
    "--env",
    "variables",
    multiple=True,
    metavar="KEY[=VALUE]",
    help="An environment variable; without VALUE yours.",
)
@click.option("--inherit-environment", is_flag=True, help="Pass on all of your environment variables.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag; may be repeated.")
@click.option("--follow/--no-follow", default=True, help="Show the logs until the run has ended.")
@json_option
def submit(
    script: str,
    arguments: tuple[str, ...],
    source: Path,
    module: bool,
    experiment: str | None,
    cluster: str,
    framework: str | None,
    packages: tuple[str, ...],
    python: str | None,
    nodes: int,
    use_gpu: bool,
    require_gpu: bool,
    max_seconds: float | None,
    grace: float | None,
    variables: tuple[str, ...],
    inherit_environment: bool,
    tags: tuple[str, ...],
    follow: bool,
    as_json: bool,
) -> None:
    """Run SCRIPT, a file of the source folder, with ARGUMENTS. Options of faena stand before SCRIPT."""
    from faena.client.cluster import Cluster
    from faena.client.estimator import Chainer, Estimator
    from faena.client.experiment import Experiment

    workspace = open_workspace()
    target = Cluster.get_or_create(workspace, cluster) if cluster == "local" else Cluster(workspace, cluster)
    estimator = (Chainer if framework == "chainer" else Estimator)(
        source,
        compute_target=target,
        entry_script=None if module else script,
        entry_module=script if module else None,
        script_arguments=arguments,
        node_count=nodes,
        pip_packages=list(packages),
        python=python,
        use_gpu=use_gpu or require_gpu,
        gpu="require" if require_gpu else "auto",
        max_run_duration_seconds=max_seconds,
        grace_seconds=grace,
        environment_variables=_variables(variables),
        inherit_environment=inherit_environment,
    )
    name = experiment or experiment_name_of(source)
    run = Experiment(workspace, name).submit(estimator, tags=tags_of(tags))
    if as_json:
        print_json(run.refresh())
    elif follow:
        follow_run(run)
    else:
        click.echo(run.id)


def _variables(given: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals and name not in os.environ:
            raise UserErrorException(f"{name!r} is not set here. Give its value: --env {name}=VALUE.")
        found[name] = value if equals else os.environ[name]
    return found


COMMANDS = (submit,)
