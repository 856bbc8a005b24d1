"""Which files of a source folder are left out: by `.gitignore` as git reads it, or by `.amlignore` instead."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

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
        while rules is not None:
            verdict = rules._spec.check_file(path[len(rules._base) :]).include
            if verdict is not None:
                return verdict
            rules = rules._above
        return False

    @cached_property
    def _spec(self) -> GitIgnoreSpec:
        # Imported here: pathspec costs 70 ms, and an unchanged folder needs no verdict at all.
        from pathspec import GitIgnoreSpec

        text = self._content.removeprefix(b"\xef\xbb\xbf").decode(errors="surrogateescape")
        lines = [line.removesuffix("\r") for line in text.split("\n")]
        try:
            return GitIgnoreSpec.from_lines(lines)
        except ValueError:
            return GitIgnoreSpec.from_lines([line for line in lines if _is_pattern(line)])


def _is_pattern(line: str) -> bool:
    """git passes over what it cannot read as a pattern, and so do we."""
    from pathspec import GitIgnoreSpec

    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True
