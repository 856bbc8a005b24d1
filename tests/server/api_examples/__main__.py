from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import msgspec

from faena.testing.clock import ManualClock
from tests.people.shared import Shared
from tests.server.api_examples import record
from tests.server.api_examples.session import Session
from tests.server.house import running


def main(to: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FAENA_HOME"] = str(Path(folder, "home"))  # where nothing is built
        Path(folder, "team").mkdir()
        clock = ManualClock()
        with running(Path(folder, "team"), clock, settings=Shared.settings()) as server:
            shared = Shared(server, clock)
            found = record(Session(shared))
            shared.close()
    to.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
