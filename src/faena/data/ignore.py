"""Which files of a source folder are left out: by `.gitignore` as git reads it, or by `.amlignore` instead."""

from __future__ import annotations

import hashlib
from functools import cached_property

from faena.data.ignore_patterns import Pattern, parse

ALWAYS = frozenset({".git", ".faena", "__pycache__", ".ipynb_checkpoints"})
"""Names that no snapshot holds, as files or folders, at any depth."""

AMLIGNORE = ".amlignore"
GITIGNORE = ".gitignore"


class Rules:
    """The rules in force in one folder: an ignore file and those above it. Immutable.

    A pattern is relative to the folder of its file; a deeper file wins over a higher one, and in a file the last
    line that matches. An `.amlignore` replaces all `.gitignore` files of its folder and below, so that what git
    leaves out can be sent. `ignores` is to be asked from the top down: below a folder that is left out nothing
    can be brought back, as in git.
    """

    def __init__(self, above: Rules | None, base: str, content: bytes, *, aml: bool) -> None:
        self._above = above
        self._base = base
        self._content = content
        self.aml = aml
        """Whether `.gitignore` files count no more."""
        self.key: str = hashlib.sha256(
            (above.key if above else "").encode()
            + b"\0"
            + base.encode(errors="surrogateescape")
            + b"\0"
            + content
        ).hexdigest()[:32]
        """Equal for equal rules: with it what was decided before need not be decided again."""

    def ignores(self, path: str) -> bool:
        """Whether to leave out `path`, relative to the source folder; a folder's ends in `/`."""
        rules: Rules | None = self
        path = _one_character_a_byte(path)
        while rules is not None:
            below = path[len(_one_character_a_byte(rules._base)) :]
            for pattern in rules._patterns:
                if pattern.regex.fullmatch(below):
                    return not pattern.negated
            rules = rules._above
        return False

    @cached_property
    def _patterns(self) -> list[Pattern]:
        """The last line first. Compiled when first asked for: an unchanged folder needs no verdict at all."""
        text = self._content.removeprefix(b"\xef\xbb\xbf").decode("latin-1")
        found = [parse(line.removesuffix("\r")) for line in text.split("\n")]
        return [pattern for pattern in reversed(found) if pattern]


def _one_character_a_byte(path: str) -> str:
    """git matches bytes: to it `?` is one byte of a letter that has two."""
    return path if path.isascii() else path.encode(errors="surrogateescape").decode("latin-1")
