"""What the commands share: the workspace around them, tags as given, JSON as printed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click
from click import globals as core

from faena.cli import streams
from faena.cli.command import INTERRUPTED, WORKSPACE
from faena.kernel.settings import WORKSPACE_FOLDER

if TYPE_CHECKING:
    from faena.client.opened import OpenedWorkspace
    from faena.client.run import Run
    from faena.client.workspace import Workspace

Opened = TypeVar("Opened", bound="OpenedWorkspace")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def workspace() -> Workspace:
    """The one that the command line, the environment, or a config.json here or above names."""
    from faena.client.workspace import Workspace

    return _open(Workspace)


def opened() -> OpenedWorkspace:
    """The same for commands that only ask its server: without the handles they start a quarter sooner."""
    from faena.client.opened import OpenedWorkspace

    return _open(OpenedWorkspace)


def given_workspace() -> str | None:
    """The folder or name of the command line, else of the environment."""
    given: str | None = core.get_current_context().meta.get(WORKSPACE)
    return given or _from_environment()


def _open(kind: type[Opened]) -> Opened:
    from faena.kernel.errors import WorkspaceException

    given = given_workspace()
    if not given:
        return kind.from_config()
    path = Path(given).expanduser()
    if path.name == WORKSPACE_FOLDER or (path / WORKSPACE_FOLDER).is_dir():
        return kind(path)
    if path.exists():
        return kind.from_config(path)
    if "/" in given:
        raise WorkspaceException(f"There is no folder {given!r}. Give a workspace by its folder or its name.")
    return kind.get(given)


def _from_environment() -> str | None:
    """In a run the folder of its own workspace: FAENA_WORKSPACE is its name there, which others may have."""
    name = "FAENA_WORKSPACE_FOLDER" if "FAENA_RUN_ID" in os.environ else "FAENA_WORKSPACE"
    return os.environ.get(name)


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
        with streams.following():
            details = run.wait_for_completion(show_output=True, raise_on_error=False)
    except ExperimentExecutionException as error:
        click.echo(f"\n{error.message}", err=True)
        sys.exit(INTERRUPTED)
    if details["status"] != "Completed":
        sys.exit(1)
