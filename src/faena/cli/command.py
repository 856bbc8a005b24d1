"""What every command of `faena` is: its workspace option, its help, its errors and its exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, NoReturn

import rich_click as click
from click import HelpFormatter, core, exceptions

from faena.cli import layout, mistyped, plain_help, streams
from faena.kernel.errors import FaenaError

WORKSPACE = "faena.workspace"
"""Where the workspace that was named stands in the context's `meta`."""
INTERRUPTED = 130
"""The shell's code after Ctrl-C: 128 and SIGINT."""


def _remember_workspace(ctx: core.Context, _: core.Parameter, given: str | None) -> None:
    if given:
        ctx.meta[WORKSPACE] = given


def _workspace_option() -> core.Option:
    return core.Option(
        ["-w", "--workspace"],
        metavar="FOLDER|NAME",
        expose_value=False,
        callback=_remember_workspace,
        help="The workspace (default: $FAENA_WORKSPACE, else that of the config.json here or above).",
    )


class Unreadable(exceptions.ClickException):
    """What was given describes nothing that could be done: as wrong as an option that there is not.

    `field`: of what was described, where one is to blame.
    """

    exit_code = 2

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class Command(click.RichCommand):
    in_workspace = True
    unknown_option = ""
    """What is told where an option is not known, after its name."""

    def parse_args(self, ctx: core.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except exceptions.NoSuchOption as error:
            mistyped.option(self, ctx, error, self.unknown_option)

    def invoke(self, ctx: core.Context) -> Any:
        if not self.in_workspace and ctx.meta.get(WORKSPACE):
            raise exceptions.UsageError(
                f"{ctx.command_path} works in no workspace: leave out --workspace.", ctx
            )
        return super().invoke(ctx)

    def get_help(self, ctx: core.Context) -> str:
        return super().get_help(ctx) if layout.coloured(sys.stdout) else plain_help.shown(self, ctx)

    def get_usage(self, ctx: core.Context) -> str:
        return super().get_usage(ctx) if layout.coloured(sys.stderr) else plain_help.usage(self, ctx)


class Group(click.RichGroup):
    command_class = Command

    def parse_args(self, ctx: core.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except exceptions.NoSuchOption as error:
            mistyped.option(self, ctx, error)

    def resolve_command(
        self, ctx: core.Context, args: list[str]
    ) -> tuple[str | None, core.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except exceptions.NoSuchOption:
            raise
        except exceptions.UsageError:
            mistyped.subcommand(args[0], self.list_commands(ctx), ctx)

    def get_help(self, ctx: core.Context) -> str:
        return (
            super().get_help(ctx)
            if layout.coloured(sys.stdout)
            else plain_help.shown(self, ctx, self.write_commands)
        )

    def get_usage(self, ctx: core.Context) -> str:
        return super().get_usage(ctx) if layout.coloured(sys.stderr) else plain_help.usage(self, ctx)

    def write_commands(self, ctx: core.Context, formatter: HelpFormatter) -> None:
        with formatter.section("Commands"):
            plain_help.commands(formatter, self.commands.items())

    def command(  # type: ignore[override]  # click's overloads take any class
        self, name: str | None = None, **attributes: Any
    ) -> Callable[[Callable[..., Any]], Command]:
        """A command below this one, with what every command has."""

        def decorate(function: Callable[..., Any]) -> Command:
            made = command(name, **attributes)(function)
            self.add_command(made)
            return made

        return decorate


class Program(Group):
    """The program. `panels`: its commands by panel, each with the module that has it, read when it is asked for."""

    def __init__(self, *args: Any, panels: Mapping[str, Mapping[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        self._panels_of_commands = panels
        self.params.append(_workspace_option())
        self._modules = {name: module for panel in panels.values() for name, module in panel.items()}
        for title, commands in panels.items():
            self.add_panel(click.RichCommandPanel(title, commands=list(commands)))

    def list_commands(self, ctx: core.Context) -> list[str]:
        return list(self._modules)

    def get_command(self, ctx: core.Context, cmd_name: str) -> core.Command | None:
        return self._read(cmd_name) if cmd_name in self._modules else None

    def _read(self, name: str) -> Command | Group:
        commands: Sequence[Command | Group] = import_module(self._modules[name]).COMMANDS
        return next(command for command in commands if command.name == name)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> NoReturn:
        streams.prepare()
        try:
            code = self._run(list(sys.argv[1:] if args is None else args), prog_name or "faena", extra)
            streams.finish()
        except BrokenPipeError:  # `faena runs | head -1`
            streams.give_up()
            code = streams.HUNG_UP
        except OSError as error:
            if not _is_of_output(error):
                raise
            code = 1
            streams.give_up()
        sys.exit(code)

    def _run(self, args: list[str], name: str, extra: dict[str, Any]) -> int:
        """The exit code. Errors that we raise on purpose are told in one line, without a traceback."""
        self._main_shell_completion(extra, name)
        try:
            with self.make_context(name, args, **extra) as ctx:
                self.invoke(ctx)
            return 0
        except FaenaError as error:
            # some of v1's messages begin with the name, too
            said = error.message.removeprefix(f"{error.code.removesuffix('Exception')}: ")
            layout.print_error(f"{error.code}: {said}")
            return 1
        except exceptions.ClickException as error:
            self._tell(error)
            unknown = error.ctx if isinstance(error, exceptions.NoSuchOption) else None
            if unknown is not None and unknown.parent is None:
                click.echo("Options of a command stand behind its name: `faena COMMAND --option`.", err=True)
            return error.exit_code
        except exceptions.Exit as error:
            return error.exit_code
        except SystemExit as error:
            return error.code if isinstance(error.code, int) else int(error.code is not None)
        except KeyboardInterrupt:
            click.echo(err=True)
            return INTERRUPTED
        except exceptions.Abort:  # a question that was not answered
            click.echo("Aborted.", err=True)
            return 1

    def _tell(self, error: exceptions.ClickException) -> None:
        if isinstance(error, exceptions.NoArgsIsHelpError):
            click.echo(error.format_message())
            return
        if not layout.coloured(sys.stderr):
            error.show()
            return
        formatter = self._error_formatter()
        formatter.write_error(error)
        click.echo(formatter.getvalue(), err=True, nl=False)

    def write_commands(self, ctx: core.Context, formatter: HelpFormatter) -> None:
        for title, names in self._panels_of_commands.items():
            with formatter.section(title):
                plain_help.commands(formatter, ((name, self._read(name)) for name in names))


def command(
    name: str | None = None, *, workspace: bool = True, **attributes: Any
) -> Callable[[Callable[..., Any]], Command]:
    """A command; `workspace`: one that works in a workspace, which its option names."""

    def decorate(function: Callable[..., Any]) -> Command:
        made = click.command(name, cls=Command, **attributes)(function)
        made.in_workspace = workspace
        if workspace:  # behind its own options
            made.params.append(_workspace_option())
        return made

    return decorate


def group(name: str | None = None) -> Callable[[Callable[..., Any]], Group]:
    """Commands about one thing."""
    return click.command(name, cls=Group)


def _is_of_output(error: OSError) -> bool:
    """Whether it is what the next write to standard output says, such as that the disk is full."""
    try:
        sys.stdout.flush()
    except OSError as again:
        if again.errno == error.errno:
            click.echo(f"Standard output cannot be written: {error.strerror}.", err=True)
            return True
    return False
