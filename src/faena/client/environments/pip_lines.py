"""One line as pip's requirement files have it: a requirement, and options behind or instead of it."""

from __future__ import annotations

import re
import shlex
from collections import deque
from typing import NamedTuple, NoReturn
from urllib.parse import SplitResult, urlsplit

from faena.environments.redaction import redacted
from faena.kernel.errors import UserErrorException

_ALIASES = {
    "-r": "--requirement",
    "-c": "--constraint",
    "-e": "--editable",
    "-i": "--index-url",
    "--pypi-url": "--index-url",
    "-f": "--find-links",
}
_WITH_VALUE = frozenset(
    {
        *("--requirement", "--constraint", "--editable", "--index-url", "--extra-index-url", "--find-links"),
        *("--no-binary", "--only-binary", "--trusted-host", "--hash"),
    }
)
_FLAGS = frozenset({"--no-index", "--pre", "--prefer-binary", "--require-hashes", "--use-pep517"})
_BEHIND = frozenset({"--hash"})
"""What may stand behind a requirement."""
_COMMENT = re.compile(r"(?:^|\s)#.*")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_MAX_LINE = 200_000
"""Characters, with hashes."""


class Option(NamedTuple):
    name: str
    """Its long name."""
    value: str


class Line(NamedTuple):
    requirement: str
    """As it was written; empty: there are only options."""
    options: tuple[Option, ...]

    @property
    def hashes(self) -> tuple[str, ...]:
        return tuple(option.value for option in self.options if option.name == "--hash")


def logical(text: str) -> list[tuple[int, str]]:
    """The lines of a file that say something, with the number of the line that each begins on: comments are taken out,
    and lines that end in a backslash go on."""
    found: list[tuple[int, str]] = []
    begun: list[str] = []
    first = 1
    for number, line in enumerate(text.split("\n"), 1):
        if not begun:
            first = number
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            begun.append(line[:-1])
            continue
        found.append((first, _without_comment("".join([*begun, line]))))
        begun = []
    found.append((first, _without_comment("".join(begun))))
    return [(number, line) for number, line in found if line]


def parse(text: str) -> Line:
    """Raises UserErrorException naming the line, for options that cannot be honoured as well."""
    if len(text) > _MAX_LINE:
        refuse(text, f"it has more than {_MAX_LINE} characters")
    if _CONTROL.search(text):
        refuse(text, "it holds a control character")
    words = _without_comment(text).split()
    first = next((i for i, word in enumerate(words) if word.startswith("-")), len(words))
    requirement = " ".join(words[:first])
    try:
        rest = deque(shlex.split(" ".join(words[first:])))
    except ValueError:
        refuse(text, "a quotation mark is not closed")
    options: list[Option] = []
    while rest:
        option = _option(rest, text)
        if requirement and option.name not in _BEHIND:
            refuse(text, f"{option.name} cannot stand behind a package. Leave it out of the line")
        options.append(option)
    if not requirement and any(option.name in _BEHIND for option in options):
        refuse(text, "a hash stands behind the package that it is of")
    return Line(requirement, tuple(options))


def _option(words: deque[str], text: str) -> Option:
    """The next one; its words are taken."""
    word = words.popleft()
    given, equals, value = word.partition("=")
    if not given.startswith("--") and len(word) > 2 and word[:2] in _ALIASES:  # -rbase.txt
        given, equals, value = word[:2], "=", word[2:].lstrip("=")
    name = _ALIASES.get(given, given)
    if name in _FLAGS and not equals:
        return Option(name, "")
    if name not in _WITH_VALUE:
        what = f"the option {given[:40]}" if given.startswith("-") else f"{given[:40]!r} behind an option"
        refuse(
            text,
            f"{what} cannot be honoured here. Leave it out, or install with it into an interpreter of your own",
        )
    if not equals:
        value = words.popleft() if words else ""
    if not value.strip():
        refuse(text, f"{given} needs a value")
    return Option(name, value.strip())


def shown(text: str) -> str:
    """A line as an error shows it: without credentials, not too long."""
    masked = redacted(text)
    return repr(masked) if len(masked) <= 80 else f"{masked[:60]!r}… ({len(masked)} characters)"


def refuse(text: str, why: str) -> NoReturn:
    raise UserErrorException(f"The line {shown(text)} of the packages cannot be used: {why}.")


def split(url: str, text: str) -> SplitResult:
    """The parts of a URL that stands in a line. Raises UserErrorException for one that cannot be read."""
    try:
        return urlsplit(url)
    except ValueError as error:
        return refuse(text, f"its URL cannot be read: {error}")


def _without_comment(text: str) -> str:
    """One that reaches the end of the text, which may have several lines where it was given as one."""
    before, end_of_line, last = text.rpartition("\n")
    return f"{before}{end_of_line}{_COMMENT.sub('', last)}".strip()
