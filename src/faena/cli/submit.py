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
@follow_option
@json_option
def submit(
    script: str, arguments: tuple[str, ...], options: ScriptOptions, follow: bool | None, as_json: bool
) -> None:
    """Run SCRIPT, a file of the source folder, with ARGUMENTS. Options of faena stand before SCRIPT."""
    from faena.client.runs.experiment import Experiment

    current = open_workspace()
    config = estimator(current, script, arguments, options)
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
