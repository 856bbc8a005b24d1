"""Lines on standard error about a server that waits for its turn: they say nothing of a command or script."""

from __future__ import annotations

import re

_LINES = r"^faena: The server (?:of .* has not answered for|at .* has not answered for|answers again).*\n"
IN_TEXT = re.compile(_LINES, re.MULTILINE)
IN_BYTES = re.compile(_LINES.encode(), re.MULTILINE)
