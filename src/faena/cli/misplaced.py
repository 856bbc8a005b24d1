"""Options of faena among the script's arguments: what stands behind the script is the script's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

if TYPE_CHECKING:
    from faena.client.runs.run import Run

_OFTEN_OF_SCRIPTS = frozenset(
    (
        "--data",
        "--env",
        "--experiment",
        "--module",
        "--name",
        "--nodes",
        "--source",
        "--tag",
        "--use-gpu",
        "--warm",
    )
)
"""These are told of only where the run fails for want of them."""
_READ = 1 << 20
_WANTING = re.compile(r"ModuleNotFoundError|unrecognized arguments|No such option|ImportError", re.IGNORECASE)


def options(command: click.Command, arguments: Sequence[str]) -> list[str]:
    """The long options of `command` that stand among the script's arguments."""
    known = {
        each
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for each in (*parameter.opts, *parameter.secondary_opts)
        if each.startswith("--")
    }
    ours = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return list(dict.fromkeys(name for name in (each.partition("=")[0] for each in ours) if name in known))


def told_at_once(found: Iterable[str], script: Path) -> list[str]:
    """Those that hardly any script has: neither of its usual names, nor in its text."""
    try:
        with script.open("rb") as file:
            text = file.read(_READ)
    except OSError:
        text = b""
    return [
        each
        for each in found
        if each not in _OFTEN_OF_SCRIPTS
        and each.encode() not in text
        and each.lstrip("-").replace("-", "_").encode() not in text
    ]


def tell(found: Sequence[str]) -> None:
    if found:
        several = f"{', '.join(found)} are options" if len(found) > 1 else f"{found[0]} is an option"
        click.echo(
            f"faena: {several} of faena submit, too. Behind the script all arguments are the script's: where faena is "
            f"meant, write faena submit {found[0]} … SCRIPT.",
            err=True,
        )


def tell_of_failure(found: Sequence[str], run: Run) -> None:
    """After a run that failed for what such an option would have given, or because the script does not know it."""
    error = run.refresh().error if found else None
    if error is not None and any(_WANTING.search(line) for line in error.last_lines):
        tell(found)
