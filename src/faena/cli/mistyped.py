"""What is said of an option or a command that there is not: those that may have been meant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from click import Command, Context, Option, exceptions

from faena.kernel.nearest import nearest

_MOST = 3
_SURE = 0.8
_PART = 3


def option(command: Command, ctx: Context, error: exceptions.NoSuchOption, more: str = "") -> NoReturn:
    """Raises NoSuchOption with those that are near by their spelling, or by what they decide (`--goal`: `--maximize`).

    `more`: where the option may belong elsewhere, a sentence that says so; then only what is very near is named.
    """
    name = error.option_name
    found = _options(command, ctx, name, sure=bool(more))
    said = " ".join(each for each in (f"No such option {name!r}.", _meant(found), more.format(name)) if each)
    raise exceptions.NoSuchOption(name, said, None, ctx) from None


def subcommand(name: str, there: Iterable[str], ctx: Context) -> NoReturn:
    """Raises UsageError with those that are near."""
    found = nearest(name, there, _MOST)
    said = " ".join(each for each in (f"No such command {name!r}.", _meant(found)) if each)
    raise exceptions.UsageError(said, ctx) from None


def _options(command: Command, ctx: Context, given: str, *, sure: bool) -> list[str]:
    spellings: dict[str, list[str]] = {}
    for parameter in command.get_params(ctx):
        if isinstance(parameter, Option) and not parameter.hidden:
            for each in (*parameter.opts, *parameter.secondary_opts):
                spellings.setdefault(_plain(each), []).append(each)
            long = [each for each in (*parameter.opts, *parameter.secondary_opts) if each.startswith("--")]
            spellings.setdefault(_plain(parameter.name or ""), long)
    wanted = _plain(given)
    if len(wanted) < 2:
        return []
    if sure:
        from difflib import get_close_matches  # few mistype

        near = [each for each in spellings if len(wanted) >= _PART and wanted in each]
        near += get_close_matches(wanted, spellings, cutoff=_SURE)
        near += [each for each in spellings if len(each) > _PART and each in wanted.split("-")]
    else:
        near = nearest(wanted, spellings, _MOST)
    if wanted in spellings:
        near = [wanted]
    return list(dict.fromkeys(option for each in near for option in spellings[each]))[:_MOST]


def _plain(spelled: str) -> str:
    return spelled.lstrip("-").replace("_", "-").lower()


def _meant(found: list[str]) -> str:
    if not found:
        return ""
    *others, last = (repr(each) for each in found)
    return f"Did you mean {', '.join(others)} or {last}?" if others else f"Did you mean {last}?"
