"""A command, as a list of words or as one text for a shell, turned into what a run starts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from faena.kernel.errors import UserErrorException
from faena.runs.submission_schemas import Entry

_PYTHON = re.compile(r"python[0-9.]*\Z")
_FOR_A_SHELL = frozenset("|&;<>()$`\n*?[")
_IN_DOUBLE_QUOTES = frozenset("$`")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_SHELL = "bash"


@dataclass(frozen=True, slots=True)
class Command:
    """`script`: a file of the source folder, a module or a program, as `entry` says."""

    entry: Entry
    script: str
    arguments: tuple[Any, ...]


def parse(command: str | Sequence[Any]) -> Command:
    """What `command` starts. Only a text that uses a shell's syntax passes a shell; a list never does.

    Raises UserErrorException for one without words or with an open quote.
    """
    if not isinstance(command, str):
        return _of_words(list(command))
    if _needs_shell(command):
        return Command("program", _SHELL, ("-c", command))
    try:
        return _of_words(shlex.split(command))
    except ValueError as error:
        raise UserErrorException(
            f"The command {command[:80]!r} cannot be split into words: {error}. Close its quotes, or give a list of "
            "words."
        ) from error


def _of_words(words: list[Any]) -> Command:
    if not words or not isinstance(words[0], str) or not words[0].strip():
        raise UserErrorException(
            f"The command {words[:3]!r} starts nothing. Use ['python', 'train.py', …], "
            "['python', '-m', 'package.module', …] or another program with its arguments."
        )
    first, rest = words[0], words[1:]
    if not _PYTHON.match(PurePosixPath(first).name):
        if first.startswith("./"):
            return Command("script", first, tuple(rest))
        return Command("program", first, tuple(rest))
    while rest and rest[0] == "-u":  # output is never buffered
        rest = rest[1:]
    if not rest:
        raise UserErrorException(
            f"The command {first[:80]!r} names no script. Use ['python', 'train.py', …]."
        )
    following = str(rest[0])
    if following == "-m" and len(rest) > 1:
        return Command("module", str(rest[1]), tuple(rest[2:]))
    if following.startswith("-"):
        return Command("program", first, tuple(rest))
    return Command("script", following, tuple(rest[1:]))


def _needs_shell(text: str) -> bool:
    """Whether a shell would do more with it than split it at blanks and take its quotes away."""
    quote = ""
    escaped = False
    for letter in text.strip():
        if escaped:
            escaped = False
        elif letter == "\\" and quote != "'":
            escaped = True
        elif quote:
            if letter == quote:
                quote = ""
            elif quote == '"' and letter in _IN_DOUBLE_QUOTES:
                return True
        elif letter in "'\"":
            quote = letter
        elif letter in _FOR_A_SHELL:
            return True
    return bool(_ASSIGNMENT.match(text.strip()))
