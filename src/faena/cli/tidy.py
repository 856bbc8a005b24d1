"""`faena delete`, `undelete`, `deletions`, `keep`, `tidy` and `du`: what goes, what stays, what takes the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from faena.cli.byte_option import Bytes
from faena.cli.command import command, group
from faena.cli.common import answered, json_option, opened, print_json
from faena.cli.naming import id_of, run_argument

if TYPE_CHECKING:
    from faena.tidying.schemas import AnyRule, DeletionRequest


@command()
@run_argument("runs", nargs=-1, metavar="[RUN]...")
@click.option("--filter", "text", help="All runs that this means, such as \"status = 'Failed'\".")
@click.option(
    "--experiment", "experiments", multiple=True, help="All runs of this experiment; may be repeated."
)
@click.option("--model", "models", multiple=True, metavar="NAME[:VERSION]", help="A model; may be repeated.")
@click.option("--outputs", "part", flag_value="outputs", help="Only files of the runs that are no logs.")
@click.option("--logs", "part", flag_value="logs", help="Only the logs of the runs.")
@click.option("--dry-run", is_flag=True, help="Say what would go and how much that frees.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@json_option
def delete(
    runs: tuple[str, ...],
    text: str | None,
    experiments: tuple[str, ...],
    models: tuple[str, ...],
    part: str | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Delete runs with their children, or models. Shows what goes first; `faena undelete` brings it back for a day."""
    from faena.client.workspaces.session import user
    from faena.tidying.schemas import DeletionRequest

    api = opened().api
    asked = DeletionRequest(
        runs=tuple(id_of(api, each) for each in runs),
        filter=text,
        experiments=experiments,
        models=models,
        part=part or "all",
        dry_run=dry_run,
        user=user(),
    )
    if not (dry_run or yes) and not _agreed(asked, as_json=as_json):
        return
    done = api.tidy.delete(asked)
    if as_json:
        print_json(done)
        return
    from faena.cli import tidy_tables

    tidy_tables.deleted(done)


def _agreed(asked: DeletionRequest, *, as_json: bool) -> bool:
    import msgspec

    from faena.cli import tidy_tables

    preview = opened().api.tidy.delete(msgspec.structs.replace(asked, dry_run=True))
    if not as_json:
        tidy_tables.deleted(preview)
    if preview.nothing:
        if as_json:
            print_json(preview)
        return False
    agreed = answered(f"Delete {preview.what}?" if as_json else "Delete?")
    if agreed is None:
        raise click.ClickException(
            "Nothing is deleted: nobody can answer here. Give --yes to delete unasked."
        )
    return agreed


@command()
@click.argument("number", type=click.IntRange(min=1))
@json_option
def undelete(number: int, as_json: bool) -> None:
    """Bring back what the deletion NUMBER took away, until it is collected."""
    done = opened().api.tidy.undo(number)
    print_json(done) if as_json else click.echo(f"Back again: {done.what}")


@command()
@json_option
def deletions(as_json: bool) -> None:
    """List deletions that can be undone."""
    found = opened().api.tidy.deletions()
    if as_json:
        print_json(found)
        return
    from faena.cli import tidy_tables

    tidy_tables.deletions(found)


@command()
@click.option("--now", is_flag=True, help="Also what could still be undone.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
@json_option
def tidy(now: bool, dry_run: bool, as_json: bool) -> None:
    """Apply the rules of `faena keep`, and free the bytes of what can no longer be undone.

    The server does the same once a day.
    """
    from faena.tidying.schemas import CollectionRequest

    api = opened().api.tidy
    applied = api.apply_rules(dry_run=dry_run)
    collected = api.collect(CollectionRequest(now=now, dry_run=dry_run))
    if as_json:
        print_json({"applied": applied, "collected": collected})
        return
    from faena.cli import tidy_tables

    tidy_tables.tidied(applied, collected, dry_run=dry_run)


@command()
@click.option("--largest", type=click.IntRange(1, 1000), default=10, show_default=True, help="So many runs.")
@json_option
def du(largest: int, as_json: bool) -> None:
    """Show what takes the disk: by place, experiment, run and model."""
    found = opened().api.tidy.usage(largest)
    if as_json:
        print_json(found)
        return
    from faena.cli import tidy_tables

    tidy_tables.usage(found)


@group()
def keep() -> None:
    """Retention rules: how long, how many, how much. Applied daily and by `faena tidy`; undone by `faena undelete`."""


_name = click.option("--name", help="Name of the rule; one of that name is replaced (default: its subject).")
_experiment = click.option("--experiment", help="Of this experiment only.")
_filter = click.option("--filter", "text", help="Only runs that this means.")


@keep.command("outputs")
@click.option("--best", type=click.IntRange(min=1), required=True, help="Of so many runs of each experiment.")
@click.option(
    "--by", required=True, help="What decides: -metrics.Accuracy (largest), metrics.loss (smallest)."
)
@click.option("--days", type=float, default=0.0, help="And of all runs for so many days.")
@_experiment
@_filter
@_name
def keep_outputs(
    best: int, by: str, days: float, experiment: str | None, text: str | None, name: str | None
) -> None:
    """Keep outputs of the best runs of each experiment. Registered models keep theirs in any case."""
    from faena.tidying.schemas import KeepBest

    _put(name or "outputs", KeepBest(best=best, by=by, experiment=experiment, filter=text, days=days))


@keep.command("logs")
@click.option("--days", type=float, required=True, help="Days after the run's end.")
@_experiment
@_filter
@_name
def keep_logs(days: float, experiment: str | None, text: str | None, name: str | None) -> None:
    """Keep logs for so many days."""
    from faena.tidying.schemas import KeepLogs

    _put(name or "logs", KeepLogs(days=days, experiment=experiment, filter=text))


@keep.command("runs")
@click.option("--days", type=float, required=True, help="Days after the run's end.")
@_experiment
@_filter
@_name
def keep_runs(days: float, experiment: str | None, text: str | None, name: str | None) -> None:
    """Keep runs for so many days. Models that came from them stay."""
    from faena.tidying.schemas import KeepRuns

    _put(name or "runs", KeepRuns(days=days, experiment=experiment, filter=text))


@keep.command("environments")
@click.option("--size", type=Bytes(), required=True, help="Such as 20GB.")
@_name
def keep_environments(size: int, name: str | None) -> None:
    """Keep so many bytes of environments on this machine: those unused longest go first, and are built anew at need."""
    from faena.tidying.schemas import KeepEnvironments

    _put(name or "environments", KeepEnvironments(size=size))


@keep.command("log-size")
@click.option("--size", type=Bytes(), required=True, help="Such as 1GB, of each log.")
@_name
def keep_log_size(size: int, name: str | None) -> None:
    """Keep the beginning of each log, so many bytes; the run tells where more was written."""
    from faena.tidying.schemas import KeepOfLog

    _put(name or "log-size", KeepOfLog(size=size))


@keep.command("audit")
@click.option("--days", type=float, required=True, help="30 or more.")
@_name
def keep_audit(days: float, name: str | None) -> None:
    """Keep rows of a shared server's audit log for so many days. These cannot be brought back."""
    from faena.tidying.schemas import KeepAudit

    _put(name or "audit", KeepAudit(days=days))


@keep.command("list")
@json_option
def list_rules(as_json: bool) -> None:
    """List the rules."""
    found = opened().api.tidy.rules()
    if as_json:
        print_json(found)
        return
    from faena.cli import tidy_tables

    tidy_tables.rules(found)


@keep.command("remove")
@click.argument("name")
def remove_rule(name: str) -> None:
    """Remove the rule NAME; what it took away stays away."""
    opened().api.tidy.remove_rule(name)
    click.echo(f"Rule {name} removed.")


def _put(name: str, rule: AnyRule) -> None:
    from faena.cli import tidy_tables

    put = opened().api.tidy.put_rule(name, rule)
    tidy_tables.rules([put])
    tidy_tables.goes(put)


COMMANDS = (delete, undelete, deletions, tidy, du, keep)
