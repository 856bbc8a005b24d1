"""The `faena` command. Handles are imported inside the commands, so that help and errors come at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from faena.cli import backup, compare, metrics, models, notes, portable, rerun, tidy
from faena.cli.common import follow as _follow
from faena.cli.common import json_option as _json
from faena.cli.common import opened as _opened
from faena.cli.common import print_json as _print_json
from faena.cli.common import tags_of as _tags
from faena.cli.common import workspace as _workspace
from faena.cli.doctor import doctor
from faena.cli.drill import drill
from faena.cli.env import env
from faena.cli.ui import ui
from faena.kernel.errors import FaenaError
from faena.kernel.settings import WORKSPACE_FOLDER

if TYPE_CHECKING:
    from faena.client.run import Run


class _Commands(click.RichGroup):
    """Prints the errors that we raise on purpose in one line, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except FaenaError as error:
            click.echo(f"{error.code}: {error.message}", err=True)
            sys.exit(1)
        except BrokenPipeError:  # `faena runs | head`
            sys.stderr.close()
            sys.exit(141)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="faena", prog_name="faena")
@click.command_panel("Work", commands=["init", "submit", "rerun", "cancel", "clusters", "env"])
@click.command_panel("Look", commands=["runs", "show", "logs", "metrics", "plot", "diff", "ui"])
@click.command_panel("Files and models", commands=["download", "source", "register", "models", "show-model"])
@click.command_panel("Names and notes", commands=["name", "describe", "tag", "archive"])
@click.command_panel(
    "Tidy", commands=["delete", "delete-model", "deletions", "undelete", "keep", "tidy", "du"]
)
@click.command_panel(
    "Keep safe", commands=["backup", "restore", "export", "import", "doctor", "drill", "server"]
)
def main() -> None:
    """Train, track and register the models of any training script, on machines that you own."""


@main.command()
@click.argument("folder", type=click.Path(path_type=Path), default=".")
@click.option("--name", help="The workspace's name (default: the folder's).")
def init(folder: Path, name: str | None) -> None:
    """Make a workspace in FOLDER (default: here) and write its config.json."""
    from faena.client.workspace import Workspace

    if name is None and (folder / WORKSPACE_FOLDER).exists():
        workspace = Workspace(folder)
    else:
        workspace = Workspace.create(name or _name_from(folder, at_least=3), folder, exist_ok=True)
    workspace.write_config(folder)
    click.echo(f"Workspace {workspace.name} in {workspace.folder}; config.json written.")


@main.command(context_settings={"allow_interspersed_args": False})
@click.argument("script")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--source", type=click.Path(path_type=Path), default=".", help="Folder to capture (default: here)."
)
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
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag; may be repeated.")
@click.option("--follow/--no-follow", default=True, help="Show the logs until the run has ended.")
@_json
def submit(
    script: str,
    arguments: tuple[str, ...],
    source: Path,
    experiment: str | None,
    cluster: str,
    framework: str | None,
    packages: tuple[str, ...],
    python: str | None,
    nodes: int,
    use_gpu: bool,
    require_gpu: bool,
    max_seconds: float | None,
    tags: tuple[str, ...],
    follow: bool,
    as_json: bool,
) -> None:
    """Run SCRIPT, a file of the source folder, with ARGUMENTS. Options of faena stand before SCRIPT."""
    from faena.client.cluster import Cluster
    from faena.client.estimator import Chainer, Estimator
    from faena.client.experiment import Experiment

    workspace = _workspace()
    target = Cluster.get_or_create(workspace, cluster) if cluster == "local" else Cluster(workspace, cluster)
    estimator = (Chainer if framework == "chainer" else Estimator)(
        source,
        compute_target=target,
        entry_script=script,
        script_arguments=arguments,
        node_count=nodes,
        pip_packages=list(packages),
        python=python,
        use_gpu=use_gpu or require_gpu,
        gpu="require" if require_gpu else "auto",
        max_run_duration_seconds=max_seconds,
    )
    name = experiment or _name_from(source)
    run = Experiment(workspace, name).submit(estimator, tags=_tags(tags))
    if as_json:
        _print_json(run.refresh())
    elif follow:
        _follow(run)
    else:
        click.echo(run.id)


@main.command()
@click.option("--experiment", help="Of this experiment only.")
@click.option("--status", help="In this state only, such as Completed.")
@click.option("--tag", "tags", multiple=True, metavar="KEY[=VALUE]", help="With this tag; may be repeated.")
@click.option("--filter", "text", help="Such as \"metrics.Accuracy > 0.97 and tags.team = 'a'\".")
@click.option("--sort", help="By a field; largest first with a dash: -metrics.Accuracy (default: -created).")
@click.option("--children", is_flag=True, help="Also runs that another run started.")
@click.option("--archived", is_flag=True, help="Also runs that were archived.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most so many.")
@_json
def runs(
    experiment: str | None,
    status: str | None,
    tags: tuple[str, ...],
    text: str | None,
    sort: str | None,
    children: bool,
    archived: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List runs, newest first unless sorted. docs/filters.md describes filters."""
    from itertools import islice

    wanted = {key: value if equals else None for key, equals, value in (tag.partition("=") for tag in tags)}
    listed = _opened().api.listed(
        experiment=experiment,
        status=status,
        tags=wanted,
        include_children=children,
        archived=archived or None,
        filter=text,
        sort=sort,
        whole=sort is not None,
    )
    found = list(islice(listed, limit))
    if as_json:
        _print_json(found)
        return
    from faena.cli import tables

    tables.runs(found, sort)


@main.command()
@click.argument("run_id", metavar="RUN")
@_json
def show(run_id: str, as_json: bool) -> None:
    """Show where RUN is, its phases in seconds, what it waits for, why it ended."""
    run = _run(run_id)
    if as_json:
        _print_json(run.refresh())
        return
    from faena.cli import tables

    tables.run(run.refresh())


@main.command()
@click.argument("run_id", metavar="RUN")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run has ended.")
@click.option("--name", help="One log by its name (default: the driver log, else the build log).")
def logs(run_id: str, follow: bool, name: str | None) -> None:
    """Print the log of RUN."""
    from faena.kernel.file_names import log_precedence

    run = _run(run_id)
    if follow and name is None:
        _follow(run)
        return
    names = [file for file in run.get_file_names() if file.startswith(("azureml-logs/", "logs/"))]
    drivers = [file for file in names if file.startswith("azureml-logs/")]
    chosen = name or max(drivers, key=log_precedence, default=None)
    if chosen is None:
        click.echo("No log yet.", err=True)
        return
    with run.experiment.workspace.api.open_file(run.id, chosen) as parts:
        for part in parts:
            sys.stdout.buffer.write(part)
    sys.stdout.flush()


@main.command()
@click.argument("run_id", metavar="RUN")
def cancel(run_id: str) -> None:
    """Ask RUN to stop. What it wrote is kept."""
    run = _run(run_id)
    run.cancel()
    click.echo(f"{run.id}: {run.get_status()}")


@main.command()
@click.argument("run_id", metavar="RUN")
@click.argument("tags", nargs=-1, required=True, metavar="KEY=VALUE ...")
@_json
def tag(run_id: str, tags: tuple[str, ...], as_json: bool) -> None:
    """Set tags of RUN."""
    run = _run(run_id)
    run.set_tags(_tags(tags))
    found = run.get_tags()
    if as_json:
        _print_json(found)
        return
    for key, value in found.items():
        click.echo(f"{key}={value}")


@main.command()
@click.argument("run_id", metavar="RUN")
@click.argument("path", required=False)
@click.option("--output", type=click.Path(path_type=Path), help="File or folder to write to (default: here).")
@_json
def download(run_id: str, path: str | None, output: Path | None, as_json: bool) -> None:
    """Copy the file PATH of RUN, all files below the folder PATH, or all its files (into a folder called as RUN)."""
    run = _run(run_id)
    names = run.get_file_names()
    prefix = "" if path is None else path.rstrip("/") + "/"
    below = [name for name in names if name.startswith(prefix)]
    if path is None or (path not in names and below):
        run.download_files(prefix=prefix, output_directory=output or (run.id if path is None else None))
    else:
        run.download_file(path, output)
        below = [path]
    if as_json:
        _print_json(below)
    else:
        click.echo(below[0] if below == [path] else f"{len(below)} files")


@main.command()
@click.argument("run_id", metavar="RUN")
@click.argument("path", type=click.Path(path_type=Path), required=False)
def source(run_id: str, path: Path | None) -> None:
    """Write the source folder that RUN was made from to PATH, a zip archive or a folder for it (default: here)."""
    click.echo(_run(run_id).restore_snapshot(path=path))


@main.command()
@_json
def clusters(as_json: bool) -> None:
    """List clusters and their nodes."""
    found = _opened().api.clusters()
    if as_json:
        _print_json(found)
        return
    from faena.cli import tables

    tables.clusters(found)


main.add_command(env)
main.add_command(doctor)
main.add_command(drill)
main.add_command(ui)


@main.group()
def server() -> None:
    """The workspace's server; it starts by itself and leaves when idle."""


@server.command()
def stop() -> None:
    """Ask the server to leave. Runs go on, and bring it back."""
    workspace = _opened()
    workspace.api.stop()
    click.echo(f"The server of {workspace.name} was asked to leave.")


def _run(run_id: str) -> Run:
    return _workspace().get_run(run_id)


def _name_from(folder: Path, *, at_least: int = 1) -> str:
    """The folder's name with what a name may not hold replaced; "workspace" where too little is left."""
    import re

    name = re.sub(r"[^\w-]+", "-", folder.absolute().resolve().name, flags=re.ASCII).strip("-_")[:33]
    return name if len(name) >= at_least else "workspace"


for _command in (
    *metrics.COMMANDS,
    *backup.COMMANDS,
    *models.COMMANDS,
    *notes.COMMANDS,
    *tidy.COMMANDS,
    *compare.COMMANDS,
    *rerun.COMMANDS,
    *portable.COMMANDS,
):
    main.add_command(_command)
