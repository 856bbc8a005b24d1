"""What the commands share: the workspace around them, tags as given, JSON as printed."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click
from click import globals as core

from faena.cli import streams
from faena.cli.command import INTERRUPTED, WORKSPACE
from faena.kernel.settings import WORKSPACE_FOLDER

if TYPE_CHECKING:
    from faena.client.runs.run import Run
    from faena.client.workspace import Workspace
    from faena.client.workspaces.opened import OpenedWorkspace

_PATIENCE_S = 5.0

Opened = TypeVar("Opened", bound="OpenedWorkspace")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
follow_option = click.option(
    "--follow/--no-follow",
    default=None,
    help="Show the logs until the run has ended; the exit code is the run's (default: yes, with --json no).",
)


def workspace() -> Workspace:
    """The one that the command line, the environment, or a config.json here or above names."""
    from faena.client.workspace import Workspace

    return find_workspace(Workspace, given_workspace())


def opened() -> OpenedWorkspace:
    """The same for commands that only ask its server: without the handles they start a quarter sooner."""
    from faena.client.workspaces.opened import OpenedWorkspace

    return find_workspace(OpenedWorkspace, given_workspace())


def given_workspace() -> str | None:
    """The folder or name of the command line, else of the environment."""
    given: str | None = core.get_current_context().meta.get(WORKSPACE)
    return given or from_environment()


def find_workspace(kind: type[Opened], given: str | None) -> Opened:
    """By its folder, its name or a URL, or where none is given by a config.json here or above."""
    from faena.kernel import ownership
    from faena.kernel.errors import WorkspaceException

    if not given:
        return kind.from_config()
    if given.startswith(("http://", "https://")):
        _check_token(given)
        return kind.connect(given, ca=os.environ.get("FAENA_CA"))
    path = Path(given).expanduser()
    try:
        if path.name == WORKSPACE_FOLDER or (path / WORKSPACE_FOLDER).is_dir():
            return kind(path)
        if path.exists():
            return kind.from_config(path)
    except PermissionError:
        raise ownership.closed(path / WORKSPACE_FOLDER) from None
    if "/" in given:
        raise WorkspaceException(f"There is no folder {given!r}. Give a workspace by its folder or its name.")
    return kind.get(given)


def from_environment() -> str | None:
    """In a run the folder of its own workspace: FAENA_WORKSPACE is its name there, which others may have."""
    name = "FAENA_WORKSPACE_FOLDER" if "FAENA_RUN_ID" in os.environ else "FAENA_WORKSPACE"
    return os.environ.get(name)


def _check_token(url: str) -> None:
    """It is not on the command line, where every process of the machine could read it, but in environment or login.

    Raises UserErrorException where there is none.
    """
    from faena.client.workspaces import logins
    from faena.kernel.errors import UserErrorException

    if logins.of_environment() or logins.find(url) is not None:
        return
    _check_listening(url)
    raise UserErrorException(
        f"{url} asks for a token. Log in with `faena login {url}`, name its file by FAENA_TOKEN_FILE, or give it by "
        "FAENA_TOKEN. That of a workspace on this machine is in its folder, .faena/token, once `faena ui` was opened."
    )


def _check_listening(url: str) -> None:
    """Raises ServerUnreachable where nobody could ask for a token."""
    import socket

    from faena.kernel.addresses import Url
    from faena.kernel.remote_server import RemoteServer

    address = Url(url, "none")
    try:
        socket.create_connection((address.host, address.port), _PATIENCE_S).close()
    except OSError as error:
        raise RemoteServer(address).unreachable(error) from error


def tags_of(given: tuple[str, ...], what: str = "a tag", form: str = "KEY=VALUE") -> dict[str, str]:
    for pair in given:
        if "=" not in pair:
            raise click.BadParameter(f"{pair!r} is not {what}. Use {form}.")
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


def told_on_stderr() -> AbstractContextManager[object]:
    """Around what handles print on the way, which is no part of the answer."""
    return redirect_stdout(sys.stderr)


def answer(run: Run, *, follow: bool | None, as_json: bool) -> None:
    """What a command says of the run that it submitted; followed unless told otherwise or JSON is wanted.

    The exit code is the run's where it is followed.
    """
    if not (follow if follow is not None else not as_json):
        print_json(run.refresh()) if as_json else click.echo(run.id)
        return
    if not as_json:
        sys.exit(follow_run(run))
    with told_on_stderr():
        code = follow_run(run)
    print_json(run.refresh())
    sys.exit(code)


def follow_run(run: Run, rank: int | None = 0) -> int:
    """The exit code that says how it ended; 130 after Ctrl-C, which leaves it running.

    `rank`: of several nodes, whose log is shown; None: each one's.
    """
    from faena.cli.outcome import exit_code
    from faena.kernel.errors import ExperimentExecutionException

    try:
        with streams.following():
            run.wait_for_completion(show_output=True, raise_on_error=False, rank=rank)
    except ExperimentExecutionException as error:
        click.echo(f"\n{error.message}", err=True)
        sys.exit(INTERRUPTED)
    return exit_code(run.refresh())


def answered(question: str) -> bool | None:
    """The answer from the terminal or from what stdin brings; None where stdin ends without one."""
    if sys.stdin is None:
        return None
    try:
        return click.confirm(question, default=False, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        click.echo(err=True)  # behind the question
        return None
