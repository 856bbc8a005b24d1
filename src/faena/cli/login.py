"""Logging in at a shared server. The token comes from a prompt, standard input or a file, never
from the arguments; or a browser in which its person signs in lets a new one in."""

from __future__ import annotations

import sys
from pathlib import Path

import rich_click as click

from faena.cli.command import command
from faena.cli.common import opened
from faena.kernel.errors import UserErrorException

_LONGEST = 4096


@command()
@click.argument("url")
@click.option(
    "--token-file", type=click.Path(path_type=Path), help="Default: it is asked for, or read from stdin."
)
@click.option("--ca", type=click.Path(path_type=Path), help="Certificates to trust in place of the system's.")
@click.option(
    "--browser", is_flag=True, help="Sign in on the server's page in place of a token; one is made for you."
)
@click.option("--no-browser", is_flag=True, help="Likewise, by an address that you open yourself.")
def login(url: str, token_file: Path | None, ca: Path | None, browser: bool, no_browser: bool) -> None:
    """Use the workspace of the server at URL from now on, wherever none is around or named."""
    from faena.client.workspaces import logins
    from faena.client.workspaces.opened import OpenedWorkspace

    if token_file and (browser or no_browser):
        raise click.UsageError("A token is read from its file, or made with --browser: give one of these.")
    token = _by_browser(url, ca, opens=browser) if browser or no_browser else _token(token_file)
    trusted = str(ca.expanduser().absolute()) if ca else ""
    me = OpenedWorkspace.connect(url, token, ca=trusted or None).api.people.me()
    logins.remember(url, logins.Login(token, trusted, me.workspace))
    who = f"{me.name}, {me.role}" if me.name else me.role
    click.echo(f"Logged in at {url.rstrip('/')}: workspace {me.workspace}, as {who}.")


@command()
@click.argument("url", required=False)
def logout(url: str | None) -> None:
    """Forget the token for the server at URL (default: the one in use). It stays good: `faena token revoke` ends it."""
    from faena.client.workspaces import logins

    named = url or logins.read().current
    if not named or not logins.forget(named):
        raise UserErrorException(
            f"You are not logged in at {named}." if named else "You are not logged in anywhere. Name a URL."
        )
    click.echo(f"The token for {named} is forgotten.")


@command()
def whoami() -> None:
    """Who you are to the workspace around, and what you may do there."""
    me = opened().api.people.me()
    click.echo(
        f"{me.name}, {me.role} of {me.workspace}"
        if me.name
        else f"{me.role} of {me.workspace}, by its socket"
    )


def _by_browser(url: str, ca: Path | None, *, opens: bool) -> str:
    from faena.client.workspaces import browser_login

    login = browser_login.begin(url, ca)
    click.echo(f"Open this page within 10 minutes, sign in, and type the code {login.code} there:")
    click.echo(login.address)
    if opens:
        import webbrowser

        webbrowser.open(login.address)
    login.wait()
    return login.token


def _token(file: Path | None) -> str:
    if file is not None:
        try:
            with file.expanduser().open("rb") as opened_file:
                token = opened_file.read(_LONGEST + 1).decode().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UserErrorException(f"The token file {str(file)!a} cannot be read: {error}.") from error
    elif sys.stdin.isatty():
        token = click.prompt("Token", hide_input=True).strip()
    else:
        token = sys.stdin.read(_LONGEST + 1).strip()
    if not token or len(token) > _LONGEST:
        raise UserErrorException("No token came. Give its file by --token-file, or type it.")
    return token


COMMANDS = (login, logout, whoami)
