"""The last words of a log that ends with no exception: of a shell, of Python where it finds nothing to start, of a
parser of arguments, of sys.exit."""

from __future__ import annotations

import re
from collections.abc import Sequence

from faena.node.hints import files
from faena.node.hints.others import NO_TERMINAL
from faena.node.hints.reading import first_words
from faena.node.hints.world import World

_NO_COMMAND, _NOT_TO_BE_RUN, _WRONG_USE = 127, 126, 2
_LOOKED_AT = 5
_MOST_AFTER_USE = 25
_NO_FILE = ": No such file or directory"
_NOT_OPENED = re.compile(r"\S{1,300}: can't open file b?'([^']{1,1000})': \[Errno 2\]")
_QUOTED = re.compile(r"(?:cannot \w{1,10} )?[^\w./~-]?([\w./~-][^'\"]{0,1000}?)['\"\u2019]?\Z")
_WRONGLY_USED = re.compile(r"[^\s:][^:]{0,300}: error: \S")
_NOT_ON_THE_PATH = (
    "The program is not on the PATH of this machine: install it, or give its folder with --env PATH=…."
)


def advise(lines: Sequence[str], exit_code: int | None, world: World) -> str | None:
    """The last error of a shell with what to do; a command that failed before it was not the cause."""
    said = [line for line in lines[-_LOOKED_AT:] if line.strip()]
    for line in reversed(said):
        if "$'\\r': command not found" in line or "\\r: No such file" in line or "bash\\r" in line:
            return (
                "The script has the line ends of Windows: store it with those of Linux (git config "
                "core.autocrlf input)."
            )
    if exit_code == _NO_COMMAND:
        for line in reversed(said):
            if line.endswith((": command not found", ": not found")):
                return f"{first_words(line)}. {_NOT_ON_THE_PATH}"
    if not said:
        return None
    last = said[-1]
    if exit_code == _NOT_TO_BE_RUN and last.endswith("Permission denied"):
        return f"{first_words(last)}. Make the file executable (chmod +x), or start it with its program, such as bash."
    if path := _missing(last):
        if exit_code == _NO_COMMAND and "/" not in path:
            return f"{first_words(last)}. {_NOT_ON_THE_PATH}"
        return f"{first_words(last)}. {files.not_there(path, '', world)}"
    if last.strip() == "Aborted!":
        return NO_TERMINAL
    return None


def _missing(line: str) -> str | None:
    """The file that a program or a shell says it did not find."""
    if found := _NOT_OPENED.match(line):
        return found[1]
    before, _, path = line.removesuffix(_NO_FILE).rpartition(": ")
    if not line.endswith(_NO_FILE) or not before:
        return None
    named = _QUOTED.match(path.strip())
    return named[1] if named else None


def last_words(lines: Sequence[str], exit_code: int | None) -> str:
    """The line in which a parser of arguments tells of a wrong use, or the log's last line; empty without one."""
    if exit_code == _WRONG_USE:
        for line in reversed(lines[-_MOST_AFTER_USE:]):
            if _WRONGLY_USED.match(line):
                return first_words(line)
    for line in reversed(lines[-_MOST_AFTER_USE:]):
        words = first_words(line)
        if any(letter.isalnum() for letter in words):
            return f"The log ends with: {words}"
    return ""
