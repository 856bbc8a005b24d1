"""`python -m faena.data.originals NAME`: see that a data set is there; its root on stdout, progress on stderr."""

from __future__ import annotations

import sys

from faena.data.originals.service import ENSURE
from faena.kernel import settings
from faena.kernel.errors import FaenaError
from faena.script.messages import report, tell


def _report(line: str) -> None:
    report(f"faena: {line}")


def main() -> int:
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if name not in ENSURE:
        sys.stderr.write(f"faena: name one of {', '.join(ENSURE)}\n")
        return 2
    try:
        root = ENSURE[name](settings.home() / "datasets", _report)
    except FaenaError as error:
        sys.stderr.write(f"faena: {error.message}\n")
        return 1
    tell(str(root))
    return 0


if __name__ == "__main__":
    sys.exit(main())
