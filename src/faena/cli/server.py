"""`faena server`: the process that owns the workspace."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

import rich_click as click

from faena.cli.command import group
from faena.cli.common import opened
from faena.kernel.plural import counted

_RESTARTING_S = 900.0
"""Seconds: the longest drain, large transfers that end, and the start of the next one."""
_LEAVING_S = 60.0
"""Seconds: it may have been told to drain, or let a transfer end."""
_LOOK_S = 0.2


@group()
def server() -> None:
    """The workspace's server; it starts by itself and leaves when idle."""


@server.command()
def stop() -> None:
    """Ask the server to leave, and wait until it has.

    Runs go on; those that have not ended, endpoints, and notices that are tried again bring one back.
    """
    from faena.kernel.discovery import Rendezvous, is_held
    from faena.kernel.settings import SERVER_LOCK

    workspace = opened()
    folder = workspace.files.path
    # one with another runtime folder holds the second lock alone, and the request below names it
    locks = Rendezvous(folder).election, folder / SERVER_LOCK
    if not any(map(is_held, locks)):
        click.echo(f"The workspace {workspace.name} has no server now.")
        return
    asked = _holder(folder / SERVER_LOCK)
    workspace.api.stop()
    until = time.monotonic() + _LEAVING_S
    while any(map(is_held, locks)) and _holder(folder / SERVER_LOCK) == asked:
        if time.monotonic() > until:
            click.echo(
                f"The server of {workspace.name} was asked to leave, and has not within {_LEAVING_S:g} s."
            )
            return
        time.sleep(_LOOK_S)
    click.echo(f"The server of {workspace.name} has left.")


def _holder(lock: Path) -> str:
    """Who wrote it; a successor writes another one."""
    with suppress(OSError):
        return lock.read_text(errors="replace")
    return ""


@server.command()
def restart() -> None:
    """Restart a shared server in its place: whoever asks meanwhile waits, and is not refused.

    It goes on as it is where the next one would not start. Settings, certificate and what is installed are read anew.
    """
    from faena.kernel.errors import ServiceException

    workspace = opened()
    before = workspace.api.version()
    began = time.monotonic()
    workspace.api.restart()
    while (now := workspace.api.version()).started == before.started:
        if time.monotonic() - began > _RESTARTING_S:
            raise ServiceException(
                f"The server of {workspace.name} was asked to restart, and has not within {_RESTARTING_S:g} s. Its "
                "log says why."
            )
        time.sleep(_LOOK_S)
    was = "" if now.package == before.package else f" (it was {before.package})"
    click.echo(f"The server of {workspace.name} is another one now: faena {now.package}{was}.")


@server.command()
@click.option("--address", help="Of this host, at which people reach it; 0.0.0.0: all (default: 127.0.0.1).")
@click.option("--port", help="Default: 8443; 0: a free one.")
@click.option("--name", "names", multiple=True, help="By which people know this host. Repeatable.")
@click.option(
    "--certificate", help="Its file, as PEM (default: one that the server makes, which tokens name)."
)
@click.option("--key", help="The file with the certificate's key.")
@click.option("--owner", help="The first owner, where there is nobody (default: you).")
@click.option(
    "--database", help="Of PostgreSQL: postgresql://user@host/name (default: a file in the workspace)."
)
@click.option("--objects", help="Of a bucket: s3://name/prefix, az://…, gs://… (default: the folder).")
@click.option("--objects-cache", help="Gigabytes of them that the folder may hold (default: 20).")
@click.option(
    "--log-format", help="text, or json: an object a line, and a line for each request (default: text)."
)
@click.option(
    "--drain",
    help="Seconds for which it goes on after SIGTERM while /ready says that it leaves (default: 0).",
)
@click.option(
    "--settings", "file", type=click.Path(path_type=Path), help="A TOML file with these, by their names."
)
def run(
    address: str | None,
    port: str | None,
    names: tuple[str, ...],
    certificate: str | None,
    key: str | None,
    owner: str | None,
    database: str | None,
    objects: str | None,
    objects_cache: str | None,
    log_format: str | None,
    drain: str | None,
    file: Path | None,
) -> None:
    """Be the workspace's server in the foreground, for people on other machines too. See docs/server.md.

    Each option may be given by the environment as well: FAENA_SERVER_ADDRESS, FAENA_SERVER_PORT, …
    """
    from faena.kernel.discovery import child_environment
    from faena.people.settings import PREFIX, as_given, read

    flags = {
        "address": address,
        "port": port,
        "names": ",".join(names),
        "certificate": certificate,
        "key": key,
        "owner": owner,
        "database": database,
        "objects": objects,
        "objects_cache": objects_cache,
        "log_format": log_format,
        "drain": drain,
    }
    given = {name: value for name, value in flags.items() if value}
    read(os.environ, file, given)  # what is wrong is said here
    folder = opened().files.path
    environment = {name: value for name, value in child_environment().items() if not name.startswith(PREFIX)}
    program = [sys.executable, "-P", "-m", "faena.server", str(folder), "--shared"]
    os.execve(sys.executable, program, environment | as_given(os.environ, file, given))


@server.command("move-database")
@click.argument("url", required=False)
def move_database(url: str | None) -> None:
    """Bring the workspace's database from its file to PostgreSQL, at URL.

    The database there is empty before. URL may be given by FAENA_SERVER_DATABASE instead, which is the way for one
    that holds a password. The file stays in the folder, under another name.
    """
    from faena.cli.database_moves import checked, move

    if not (found := checked(url)):
        raise click.UsageError("Give the URL of the database, such as postgresql://user@host/name.")
    workspace = opened()
    rows = move(workspace.files.path, found)
    click.echo(f"{workspace.name}: {counted(rows, 'row')} brought to PostgreSQL, and compared there.")


@server.command("move-objects")
@click.argument("url", required=False)
@click.option("--to-folder", is_flag=True, help="From the bucket that has them into the workspace's folder.")
@click.option("--leave-damaged", is_flag=True, help="Go on without those that are damaged.")
def move_objects(url: str | None, to_folder: bool, leave_damaged: bool) -> None:
    """Bring the workspace's objects from its folder to a bucket, at URL, or back.

    URL is as --objects of `faena server run` has it, and may be given by FAENA_SERVER_OBJECTS. No server runs
    meanwhile. Each object is verified on its way, and stays where it was, too; what was broken off goes on when it is
    called again.
    """
    from faena.cli.env_tables import size
    from faena.cli.object_moves import Moved, checked, move

    found = "" if to_folder else checked(url)
    if (to_folder and url) or not (to_folder or found):
        raise click.UsageError("Give the URL of a bucket, such as s3://name/prefix, or --to-folder.")
    workspace = opened()

    def tell(moved: Moved) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{counted(moved.objects, 'object')}, {size(moved.size)} ", nl=False, err=True)

    moved = move(workspace.files.path, found, tell, leave_damaged=leave_damaged)
    if sys.stderr.isatty():
        click.echo(err=True)
    left = f" {counted(len(moved.damaged), 'damaged one')} stayed behind." if moved.damaged else ""
    place = "the folder" if to_folder else found.partition("?")[0]
    click.echo(
        f"{workspace.name}: {counted(moved.objects, 'object')}, {size(moved.size)}, in {place}, each verified; "
        f"{moved.brought:,} were brought now.{left}"
    )


COMMANDS = (server,)
