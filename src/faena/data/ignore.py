"""Which files of a source folder are left out: by `.gitignore` as git reads it, or by `.amlignore` instead."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from faena.data.ignore_patterns import Pattern, parse

ALWAYS = frozenset({".git", ".faena", "__pycache__", ".ipynb_checkpoints"})
"""Names that no snapshot holds, as files or folders, at any depth."""

AMLIGNORE = ".amlignore"
GITIGNORE = ".gitignore"

_ANY = "\x7f\x7f"
"""A name that no line means but those that mean all."""


class Rules:
    """The rules in force in one folder: an ignore file and those above it. Immutable.

    Paths are relative to the highest folder whose ignore file can count: the source folder, or the root of the
    repository around it. A pattern is relative to the folder of its file (`base`, empty or with a `/` at its end); a
    deeper file wins over a higher one, and in a file the last line that matches. An `.amlignore` replaces all
    `.gitignore` files of its folder, above and below, so that what git leaves out can be sent. `ignores` is to be asked
    from the top down: below a folder that is left out nothing can be brought back, as in git.
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
        """Whether to leave out `path`; a folder's ends in `/`."""
        rules: Rules | None = self
        path = _one_character_a_byte(path)
        while rules is not None:
            below = path[len(_one_character_a_byte(rules._base)) :]
            for pattern in rules._patterns:
                if pattern.regex.fullmatch(below):
                    return not pattern.negated
            rules = rules._above
        return False

    def empties(self, folder: str, names: Iterable[str] | None) -> bool:
        """Whether to leave out all that is in `folder`, whose path ends in `/`.

        `names`: what is in it, folders with a `/` at the end; None where that cannot be seen.
        """
        if not all(self.ignores(folder + name) for name in (_ANY, _ANY + "/")):
            return False
        if names is None or not self._has_exceptions():
            return True
        return all(self.ignores(folder + name) for name in names)

    def advice(self, outer: str, path: str) -> str:
        """See `advice`: a new `.amlignore` would take the place of the `.gitignore` files in force."""
        if not self.aml:
            return f"add the line {_line(path)} to {GITIGNORE}"
        base = self._base[len(outer) :]
        return f"add the line {_line(path[len(base) :])} to {base}{AMLIGNORE}"

    def _has_exceptions(self) -> bool:
        rules: Rules | None = self
        while rules is not None:
            if any(pattern.negated for pattern in rules._patterns):
                return True
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


def above(root: Path) -> tuple[Rules | None, str]:
    """What the `.gitignore` files above the source folder say, up to the repository's root, and the path below that.

    None, and an empty path, outside a repository, and where git would leave out the source folder itself: whoever names
    it wants what is in it. Raises OSError.
    """
    top = next((folder for folder in (root, *root.parents) if os.path.lexists(folder / ".git")), root)
    parts = root.relative_to(top).parts
    rules: Rules | None = None
    base = ""
    for name in parts:
        content = read(f"{top}/{base}{GITIGNORE}")
        if content is not None:
            rules = Rules(rules, base, content, aml=False)
        base += name + "/"
        if rules is not None and rules.ignores(base):
            return None, ""
    return rules, base


def advice(rules: Rules | None, outer: str, path: str) -> str:
    """How to leave out `path`, relative to the source folder: by the file that is in force there.

    `outer`: the source folder's own path, as `above` gives it.
    """
    if rules is None:
        return f"add the line {_line(path)} to {AMLIGNORE}"
    return rules.advice(outer, path)


def file_in_force(rules: Rules | None) -> str:
    """The file of the source folder in which a line has its effect, and takes none from others."""
    return GITIGNORE if rules is not None and not rules.aml else AMLIGNORE


def read(path: str) -> bytes | None:
    """An ignore file; None for one that is a link or no file at all, as in git. Raises OSError but where it is gone."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        with open(path, "rb") as file:  # noqa: PTH123  strings: see `scan`
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _line(path: str) -> str:
    """The line of an ignore file that names one path and no other."""
    escaped = re.sub(r"[\\*?\[]", r"\\\g<0>", path).replace("\n", "?")
    return ascii("/" + escaped) if not escaped.isprintable() else f"'/{escaped}'"
