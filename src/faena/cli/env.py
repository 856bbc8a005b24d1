"""`faena env`: the environments on this machine and those registered in the workspace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from faena.cli import streams
from faena.cli.command import group
from faena.cli.common import given_workspace, json_option, opened, print_json
from faena.cli.common import workspace as open_workspace
from faena.cli.naming import run_argument, view_of
from faena.kernel.errors import NotFound

if TYPE_CHECKING:
    from faena.client.workspaces.opened import OpenedWorkspace
    from faena.environments.schemas import BuiltView


@group()
def env() -> None:
    """Environments: what there is, how much disk it takes, what may go."""


@env.command("list")
@json_option
def list_environments(as_json: bool) -> None:
    """List environments on this machine with their size and last use, builds that failed, and registered names."""
    from faena.environments import pruning

    workspace = _around()
    built = workspace.api.built_environments() if workspace else pruning.built(frozenset())
    registered = workspace.api.environments() if workspace else []
    if as_json:
        print_json({"built": built, "registered": registered})
        return
    from faena.cli import env_tables

    env_tables.built(built)
    if workspace:
        env_tables.registered(registered)


@env.command("as-of")
@click.argument("date", required=False, metavar="[DATE]")
@click.option("--experiment", metavar="NAME", help="Of this experiment alone.")
def as_of(date: str | None, experiment: str | None) -> None:
    """Show or set the DATE of environments that name none: 2019-10-01, auto, or none."""
    from faena.client.runs.experiment import Experiment

    workspace = open_workspace()
    holder = Experiment(workspace, experiment) if experiment else workspace
    if date is not None:
        holder.as_of = None if date == "none" else date
    whose = f"The experiment {experiment!r}" if experiment else f"The workspace {workspace.name!r}"
    click.echo(f"{whose} has {holder.as_of or 'no date'}.")


@env.command()
@click.argument("subject", metavar="NAME|DIGEST")
@click.option("--version", type=click.IntRange(min=1), help="A version of NAME (default: the latest).")
@json_option
def show(subject: str, version: int | None, as_json: bool) -> None:
    """Show what a registered environment asks for, or what one on this machine holds and why its build failed."""
    from faena.environments import pruning

    workspace = _around()
    there = workspace.api.built_environments() if workspace else pruning.built(frozenset())
    built = [] if version is not None else _of_digest(there, subject)
    from faena.cli import env_tables

    if len(built) == 1:
        print_json(built[0]) if as_json else env_tables.contents(built[0])
        return
    try:
        found = opened().api.environment(subject, version)
    except NotFound as error:
        few = "" if len(subject) >= pruning.SHORTEST else f"; {pruning.SHORTEST} characters of one are needed"
        raise NotFound(f"{error.message} No environment on this machine has such a digest{few}.") from error
    print_json(found) if as_json else env_tables.definition(found)


@env.command()
@run_argument()
@json_option
def rebuild(run_id: str, as_json: bool) -> None:
    """Build the environment that RUN had anew: the same versions. Refused while a run uses it."""
    from faena.client.environments.build import EnvironmentBuild
    from faena.environments.schemas import BuildRequest
    from faena.kernel.errors import UserErrorException

    workspace = open_workspace()
    view = view_of(workspace.api, run_id)
    if view.lock is None:
        raise UserErrorException(
            f"Run {view.id} has no environment: it is {view.status}. Submit it again to have it built."
        )
    build = EnvironmentBuild(workspace, BuildRequest(lock=view.lock))
    with streams.following():
        done = build.wait_for_completion(show_output=not as_json)
    if as_json:
        print_json({"digest": done.digest, "python": done.python})


@env.command()
@click.argument("digests", metavar="[DIGEST]...", nargs=-1)
@click.option(
    "--unused-days",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    help="Those that nothing used for so long; 0: all that nothing uses now.",
)
@click.option("--all", "everything", is_flag=True, help="All that nothing uses now: --unused-days 0.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
@json_option
def prune(
    digests: tuple[str, ...], unused_days: float, everything: bool, dry_run: bool, as_json: bool
) -> None:
    """Remove environments: those named by DIGEST, else those unused for long. What a run holds stays."""
    from faena.environments import pruning
    from faena.environments.schemas import PruneRequest
    from faena.kernel.clock import SystemClock

    if everything and digests:
        raise click.UsageError("Give either --all or a DIGEST.")
    days = 0.0 if everything else unused_days
    asked = PruneRequest(digests, days, dry_run)
    workspace = _around()
    done = (
        workspace.api.prune_environments(asked)
        if workspace
        else pruning.prune(asked, frozenset(), SystemClock().now())
    )
    if as_json:
        print_json(done)
        return
    from faena.cli import env_tables

    env_tables.pruned(done, dry_run=dry_run)


def _around() -> OpenedWorkspace | None:
    """Environments are this user's: they are listed and pruned outside a workspace, too."""
    from faena.client.workspaces.opened import config_around

    return opened() if given_workspace() or config_around(Path.cwd()) else None


def _of_digest(built: list[BuiltView], subject: str) -> list[BuiltView]:
    from faena.environments import pruning

    return [each for each in built if len(subject) >= pruning.SHORTEST and each.digest.startswith(subject)]


COMMANDS = (env,)
