"""The command that submits a run."""

from __future__ import annotations

import rich_click as click

from faena.cli.command import command
from faena.cli.common import answer, experiment_name_of, follow_option, json_option, tags_of, told_on_stderr
from faena.cli.common import workspace as open_workspace
from faena.cli.naming import id_of
from faena.cli.script_options import ScriptOptions, estimator, script_options


@command(context_settings={"allow_interspersed_args": False})
@click.argument("script")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@script_options
@click.option(
    "--max-retries",
    type=click.IntRange(0),
    default=0,
    help="How often the run goes again after its script failed, from its checkpoint (default: 0).",
)
@click.option(
    "--retry-on-exit-code",
    "retry_on_exit_codes",
    type=click.IntRange(1, 255),
    multiple=True,
    metavar="CODE",
    help="Only after this exit code; may be repeated.",
)
@click.option(
    "--max-node-losses",
    type=click.IntRange(0),
    default=None,
    help="How often it goes again after its node was lost (default: 3 with a checkpoint or --max-retries, else 0).",
)
@follow_option
@json_option
def submit(
    script: str,
    arguments: tuple[str, ...],
    options: ScriptOptions,
    max_retries: int,
    retry_on_exit_codes: tuple[int, ...],
    max_node_losses: int | None,
    follow: bool | None,
    as_json: bool,
) -> None:
    """Run SCRIPT, a file of the source folder, with ARGUMENTS. Options of faena stand before SCRIPT."""
    from faena.client.runs.experiment import Experiment

    current = open_workspace()
    config = estimator(current, script, arguments, options)
    again = config.run_config
    again.max_retries, again.max_node_losses = max_retries, max_node_losses
    again.retry_on_exit_codes = retry_on_exit_codes
    with told_on_stderr():
        run = Experiment(current, options.experiment or experiment_name_of(options.source)).submit(
            config,
            tags=tags_of(options.tags),
            name=options.name,
            parent=None if options.parent is None else id_of(current.api, options.parent),
        )
    answer(run, follow=follow, as_json=as_json)


submit.unknown_option = "Those of the script stand behind it: faena submit SCRIPT {} …"

COMMANDS = (submit,)
