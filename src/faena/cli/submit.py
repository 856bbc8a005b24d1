"""The command that submits a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Any

import rich_click as click

from faena.cli import misplaced
from faena.cli.command import command
from faena.cli.common import answer, experiment_name_of, follow_option, json_option, tags_of, told_on_stderr
from faena.cli.common import workspace as open_workspace
from faena.cli.naming import id_of
from faena.cli.script_options import ScriptOptions, estimator, script_options

if TYPE_CHECKING:
    from faena.client.runs.run import Run
    from faena.client.workspace import Workspace


@dataclass(frozen=True, slots=True)
class AgainOptions:
    """When the run goes again, as it was given."""

    max_retries: int
    retry_on_exit_codes: tuple[int, ...]
    max_node_losses: int | None


_AGAIN = (
    click.option(
        "--max-retries",
        type=click.IntRange(0),
        default=0,
        help="How often the run goes again after its script failed, from its checkpoint (default: 0).",
    ),
    click.option(
        "--retry-on-exit-code",
        "retry_on_exit_codes",
        type=click.IntRange(1, 255),
        multiple=True,
        metavar="CODE",
        help="Only after this exit code; may be repeated.",
    ),
    click.option(
        "--max-node-losses",
        type=click.IntRange(0),
        default=None,
        help="How often it goes again after its node was lost (default: 3 with a checkpoint or --max-retries, else 0).",
    ),
)


def again_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command all of them, as its argument `again`."""

    @wraps(function)
    def gathered(**given: Any) -> Any:
        options = AgainOptions(**{each.name: given.pop(each.name) for each in fields(AgainOptions)})
        return function(again=options, **given)

    for option in reversed(_AGAIN):
        option(gathered)
    return gathered


@command(context_settings={"allow_interspersed_args": False})
@click.argument("script")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@script_options
@again_options
@follow_option
@json_option
def submit(
    script: str,
    arguments: tuple[str, ...],
    options: ScriptOptions,
    again: AgainOptions,
    follow: bool | None,
    as_json: bool,
) -> None:
    """Run SCRIPT, a file of the source folder, with ARGUMENTS. Options of faena stand before SCRIPT."""
    misplaced_options = misplaced.options(submit, arguments)
    told = misplaced.told_at_once(misplaced_options, options.source / script)
    misplaced.tell(told)
    with told_on_stderr():
        run = submitted(open_workspace(), script, arguments, options, again)
    try:
        answer(run, follow=follow, as_json=as_json)
    except SystemExit as ended:
        if ended.code and not told:
            misplaced.tell_of_failure(misplaced_options, run)
        raise


def submitted(
    current: Workspace, script: str, arguments: Sequence[str], options: ScriptOptions, again: AgainOptions
) -> Run:
    """The run, as it was submitted. Raises UserErrorException, NotFound."""
    from faena.client.runs.experiment import Experiment

    config = estimator(current, script, arguments, options)
    config.run_config.max_retries = again.max_retries
    config.run_config.max_node_losses = again.max_node_losses
    config.run_config.retry_on_exit_codes = again.retry_on_exit_codes
    return Experiment(current, options.experiment or experiment_name_of(options.source)).submit(
        config,
        tags=tags_of(options.tags),
        name=options.name,
        parent=None if options.parent is None else id_of(current.api, options.parent),
    )


submit.unknown_option = "Those of the script stand behind it: faena submit SCRIPT {} …"

COMMANDS = (submit,)
