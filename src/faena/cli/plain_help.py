"""Help and usage as plain text: panels and colours are for terminals, and cost twice as much."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from click import HelpFormatter, core

_LONGEST_SHORT_HELP = 200


def commands(formatter: HelpFormatter, commands: Iterable[tuple[str, core.Command]]) -> None:
    formatter.write_dl([(name, each.get_short_help_str(_LONGEST_SHORT_HELP)) for name, each in commands])


def usage(each: core.Command, ctx: core.Context) -> str:
    formatter = HelpFormatter(width=ctx.terminal_width, max_width=ctx.max_content_width)
    each.format_usage(ctx, formatter)
    return formatter.getvalue().rstrip("\n")


def shown(
    each: core.Command,
    ctx: core.Context,
    write_commands: Callable[[core.Context, HelpFormatter], None] | None = None,
) -> str:
    """`write_commands`: of a group, those below it."""
    formatter = HelpFormatter(width=ctx.terminal_width, max_width=ctx.max_content_width)
    each.format_usage(ctx, formatter)
    core.Command.format_help_text(each, ctx, formatter)
    core.Command.format_options(each, ctx, formatter)
    if write_commands is not None:
        write_commands(ctx, formatter)
    return formatter.getvalue().rstrip("\n")
