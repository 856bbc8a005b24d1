"""The end of a log as a view shows it: the last lines, no colours, a progress bar as the one line that it is."""

from __future__ import annotations

import re

from faena.notebook.views.words import plain

LINES = 30
LONGEST = 400
"""Characters of a line that are shown."""
_MOST = 32_000
"""Characters of a part that are looked at: more than all the lines that are shown."""
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]"  # colours and moves of the cursor
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x80-\x9f]{0,4096}(?:\x07|\x1b\\|\x9c)"  # links, titles
    r"|\x1b[ -/]{0,8}[0-Z\\^-~]"
)


class Tail:
    """Gets a log in parts, cut anywhere."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._open = ""
        self._before = 0

    @property
    def start(self) -> int:
        """Characters of shown lines that were left out since."""
        return self._before

    @property
    def text(self) -> str:
        shown = _shown(self._open)
        return "".join(f"{line}\n" for line in self._lines) + shown

    def feed(self, text: str) -> None:
        """What has come."""
        *ended, self._open = (self._open[-_MOST:] + text[-_MOST:]).replace("\r\n", "\n").split("\n")
        self._lines += [_shown(line) for line in ended[-LINES:]]
        left = self._lines[:-LINES]
        self._lines = self._lines[-LINES:]
        self._before += sum(len(line) + 1 for line in left)


def _shown(line: str) -> str:
    """What stands behind the last carriage return, as long as something does."""
    line = line[-_MOST:].rstrip("\r").rpartition("\r")[2]
    line = plain(_ESCAPES.sub("", line))
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}… ({len(line):,} characters)"
