"""`faena sweep`: begin a sweep, look at it, change it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import rich_click as click
from click import core
from click.shell_completion import CompletionItem

from faena.cli.command import Group, Unreadable
from faena.cli.common import json_option, opened, print_json
from faena.cli.naming import id_of, run_argument, sweep_argument, sweep_of
from faena.cli.script_options import ScriptOptions, script_options
from faena.cli.sweeps.asked import SweepOptions
from faena.cli.sweeps.options import (
    at_once_option,
    constraints_option,
    max_minutes_option,
    space_option,
    sweep_options,
    trials_option,
)

if TYPE_CHECKING:
    from faena.sweeps.schemas import SweepView, TrialView

_START = "start"
_HELP = ("-h", "--help")
_SHOWN = 50


class _SweepGroup(Group):
    """`faena sweep FILE` is `faena sweep start FILE`."""

    def parse_args(self, ctx: core.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in _HELP:
            args = [_START, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: core.Context, incomplete: str) -> list[CompletionItem]:
        return super().shell_complete(ctx, incomplete) or [CompletionItem(incomplete, type="file")]


@click.command("sweep", cls=_SweepGroup, context_settings={"help_option_names": list(_HELP)})
def sweep() -> None:
    """Try a script with other parameters, again and again: see docs/sweeps.md.

    `faena sweep FILE.yaml` and `faena sweep SCRIPT --space … --metric …` begin one; `faena sweep start
    --help` lists the options for that.
    """


def _print_schema(ctx: core.Context, _: core.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from faena.cli.sweeps.file_types import schema

    print_json(schema())
    ctx.exit()


_follow_option = click.option(
    "--follow/--no-follow",
    default=None,
    help="Show the trials until the sweep has ended; the exit code is the sweep's (default: yes, with --json no).",
)


@sweep.command(_START)
@click.argument("given", metavar="FILE|SCRIPT", type=click.Path())
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@sweep_options
@script_options
@click.option(
    "--schema",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_schema,
    help="Print the JSON Schema of FILE, by which editors complete it.",
)
@_follow_option
@json_option
def start(
    given: str,
    arguments: tuple[str, ...],
    options: ScriptOptions,
    sweep: SweepOptions,
    follow: bool | None,
    as_json: bool,
) -> None:
    """Begin the sweep that FILE describes, or one of SCRIPT. `start` may be left out.

    FILE is YAML (docs/sweeps.md); options win over it. Arguments that are the same for all trials stand behind --:

    \b
    faena sweep train.py --space "--lr=uniform(0,1)" --metric Accuracy \\
      --trials 8 -- --epochs 10
    """
    from faena.cli.sweeps import start as starting

    starting.start(given, arguments, options, sweep, tuple(_group().commands), follow, as_json=as_json)


start.unknown_option = "Those of the script stand behind --: faena sweep SCRIPT --space … -- {} …"


def _group() -> Group:
    return sweep


@sweep.command()
@sweep_argument()
@click.option("--follow", "-f", is_flag=True, help="Until it has ended; the exit code is the sweep's.")
@click.option(
    "--limit", type=click.IntRange(1, 1_000_000), default=_SHOWN, show_default=True, help="Trials at most."
)
@json_option
def show(sweep_id: str, follow: bool, limit: int, as_json: bool) -> None:
    """Show SWEEP: its trials, best first, what was decided of them, and why it ended."""
    api = opened().api
    found = sweep_of(api, sweep_id)
    if follow:
        from faena.cli.sweeps.start import answer

        answer(api, found, follow=True, as_json=as_json)
        return
    from faena.cli.sweeps import showing

    if as_json:
        print_json(showing.as_values(api, found, limit))
    else:
        showing.show(api, found, limit)


@sweep.command()
@sweep_argument()
@trials_option
@at_once_option
@max_minutes_option
@space_option
@constraints_option
@json_option
def extend(
    sweep_id: str,
    trials: int | None,
    at_once: int | None,
    max_minutes: float | None,
    space: dict[str, Any],
    constraints: tuple[str, ...],
    as_json: bool,
) -> None:
    """Change SWEEP, which goes on: --trials in all, --at-once, --max-minutes from now on, another --space.

    What is not given stays; --space and --constraint replace the whole space and all constraints.
    """
    from faena.cli.sweeps.asked import readable
    from faena.sweeps.schemas import SweepChange
    from faena.sweeps.space import Space

    if (trials, at_once, max_minutes) == (None, None, None) and not space and not constraints:
        raise Unreadable(
            "What is to change? Use --trials, --at-once, --max-minutes, --space or --constraint."
        )
    if space:
        with readable():
            Space.parse(space, constraints)
    _change(
        sweep_id,
        SweepChange(trials, at_once, max_minutes, space or None, constraints or None),
        as_json=as_json,
    )


@sweep.command()
@sweep_argument()
@json_option
def pause(sweep_id: str, as_json: bool) -> None:
    """Start no trial of SWEEP until it is resumed; those that run go on."""
    from faena.sweeps.schemas import SweepChange

    _change(sweep_id, SweepChange(paused=True), as_json=as_json)


@sweep.command()
@sweep_argument()
@json_option
def resume(sweep_id: str, as_json: bool) -> None:
    """Start trials of SWEEP again."""
    from faena.sweeps.schemas import SweepChange

    _change(sweep_id, SweepChange(paused=False), as_json=as_json)


def _change(sweep_id: str, change: Any, *, as_json: bool) -> None:
    api = opened().api
    _tell(api.sweeps.change(sweep_of(api, sweep_id), change), as_json=as_json)


def _tell(view: SweepView, *, as_json: bool) -> None:
    from faena.cli.sweeps import trials_table

    if as_json:
        print_json(view)
        return
    click.echo(f"{view.id}: {trials_table.state_text(view)}, {trials_table.counts_text(view)}")


@sweep.command(context_settings={"allow_interspersed_args": False})
@sweep_argument()
@click.argument("parameters", nargs=-1, type=click.UNPROCESSED, metavar="--NAME=VALUE...")
@json_option
def enqueue(sweep_id: str, parameters: tuple[str, ...], as_json: bool) -> None:
    """Have SWEEP try these parameters next, given as its script gets them: --lr=0.1 --batchsize 128."""
    from faena.kernel import ids

    given = _parameters(parameters)
    api = opened().api
    found = api.sweeps.give(sweep_of(api, sweep_id), [given], ids.new_request_id())
    _tell_trials(found, "", as_json=as_json)


@sweep.command("rerun-failed")
@sweep_argument()
@json_option
def rerun_failed(sweep_id: str, as_json: bool) -> None:
    """Try the failed trials of SWEEP, which goes on, again with the same parameters."""
    api = opened().api
    _tell_trials(api.sweeps.rerun_failed(sweep_of(api, sweep_id)), "No trial has failed.", as_json=as_json)


@sweep.command()
@sweep_argument()
@run_argument("runs", metavar="RUN...", nargs=-1, required=True)
@json_option
def adopt(sweep_id: str, runs: tuple[str, ...], as_json: bool) -> None:
    """Have SWEEP know of each RUN, one that was there before and whose arguments lie in its space."""
    api = opened().api
    found = api.sweeps.adopt(sweep_of(api, sweep_id), [id_of(api, each) for each in runs])
    _tell_trials(found, "None was taken in.", as_json=as_json)


def _tell_trials(found: Sequence[TrialView], none: str, *, as_json: bool) -> None:
    from faena.cli.sweeps.trials_table import parameters_text

    if as_json:
        print_json(found)
        return
    for trial in found:
        click.echo(f"trial {trial.number}  {trial.status}  {parameters_text(trial.parameters)}")
    if not found:
        click.echo(none)


def _parameters(given: tuple[str, ...]) -> dict[str, str]:
    """`--name=value`, `--name value`, or a flag's name alone."""
    found: dict[str, str] = {}
    place = 0
    while place < len(given):
        name, equals, value = given[place].partition("=")
        place += 1
        if not equals and not name.startswith("-"):
            raise Unreadable(f"{name[:80]!r} is no parameter. Use --NAME=VALUE.")
        if not equals and place < len(given) and not _is_name(given[place]):
            value = given[place]
            place += 1
        if name.lstrip("-") in {each.lstrip("-") for each in found}:
            raise Unreadable(f"{name[:80]} is given twice. Leave one out.")
        found[name] = value
    if not found:
        raise Unreadable("Which parameters? Give them as the script gets them: --lr=0.1 --batchsize 128.")
    return found


def _is_name(argument: str) -> bool:
    """Whether it is the next parameter's name, and no negative number."""
    return argument.startswith("-") and not argument[1:2].isdigit() and argument[1:2] != "."


COMMANDS: tuple[Callable[..., Any], ...] = (sweep,)
