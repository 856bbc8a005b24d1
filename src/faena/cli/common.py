"""What the commands share: the workspace around them, tags as given, JSON as printed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

if TYPE_CHECKING:
    from faena.client.opened import OpenedWorkspace
    from faena.client.run import Run
    from faena.client.workspace import Workspace

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def workspace() -> Workspace:
    from faena.client.workspace import Workspace

    return Workspace.from_config()


def opened() -> OpenedWorkspace:
    """The same for commands that only ask its server: without the handles they start a quarter sooner."""
    from faena.client.opened import OpenedWorkspace

    return OpenedWorkspace.from_config()


def get_run(run_id: str) -> Run:
    return workspace().get_run(run_id)


def tags_of(given: tuple[str, ...]) -> dict[str, str]:
    for pair in given:
        if "=" not in pair:
            raise click.BadParameter(f"{pair!r} is not a tag. Use KEY=VALUE.")
    return {key: value for key, _, value in (pair.partition("=") for pair in given)}


def workspace_name_of(folder: Path) -> str:
    """What of the folder's name can be a workspace's: `Été 1` gives `Ete-1`, `ab` gives `ab-workspace`."""
    from faena.kernel import experiment_names

    name = experiment_names.stem(folder.absolute().resolve().name, "")[:33].rstrip("-_")
    return name if len(name) > 2 else f"{name}-workspace".lstrip("-")


def experiment_name_of(folder: Path) -> str:
    """The folder's name, or what of it can be an experiment's."""
    from faena.kernel import experiment_names

    name = experiment_names.normal(folder.absolute().resolve().name)
    return name if experiment_names.refusal(name) is None else experiment_names.stem(name)


def print_json(value: Any) -> None:
    import json

    import msgspec

    click.echo(json.dumps(msgspec.to_builtins(value), indent=2))


def follow(run: Run) -> None:
    """Exit code 1 when the run failed, 130 after Ctrl-C, which leaves it running."""
    from faena.kernel.errors import ExperimentExecutionException

    try:
        details = run.wait_for_completion(show_output=True, raise_on_error=False)
    except ExperimentExecutionException as error:
        click.echo(f"\n{error.message}", err=True)
        sys.exit(130)
    if details["status"] != "Completed":
        sys.exit(1)
