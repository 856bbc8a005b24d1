"""What the rules may know of the run whose script failed."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

_MOST_LOOKED_AT = 5000
_MOST_RECORDED = 50_000
"""Lines of a package's list of files."""
_NOT_SOURCE = frozenset({"outputs", "logs", "__pycache__", "node_modules"})

INPUTS = (
    "Data comes as an input (a datastore's path(…).as_mount(), a data set's as_named_input(…).as_mount()) or "
    "by an absolute "
    "path of this machine; docs/scripts.md."
)


@dataclass(frozen=True, slots=True)
class World:
    code: Path
    """The working directory, as the script left it."""
    data: Path
    python: str
    built: bool
    """Whether its environment was built for it; else an interpreter was used as it is."""
    gpu: str
    """`none`, `cpu` where GPU calls may be answered on the CPU, `gpu`."""
    run_id: str = "RUN"
    elsewhere: bool = False
    """Whether the node is on another machine than the workspace."""

    def entries(self) -> Iterator[PurePosixPath]:
        """Files and folders of the source folder, some thousands at most."""
        seen = 0
        for folder, folders, files in os.walk(self.code):
            folders[:] = sorted(
                name for name in folders if name not in _NOT_SOURCE and not name.startswith(".")
            )
            for name in [*folders, *sorted(files)]:
                seen += 1
                if seen > _MOST_LOOKED_AT:
                    return
                yield PurePosixPath(Path(folder, name).relative_to(self.code).as_posix())

    def rebuilding(self, distribution: str) -> str | None:
        """What to do about a package that is installed and yet not whole; None where it is not known to be that."""
        if not self.built or (gone := self._lost_file(distribution)) is None:
            return None
        return (
            f"It was installed, and {gone} is gone from its environment since. Have that built again: "
            f"faena env rebuild {self.run_id}."
        )

    def installing(self, distribution: str) -> str:
        """How to have a package."""
        if self.built:
            return f"Add it to the run's packages: --pip {distribution} (pip_packages=[{distribution!r}])."
        return (
            f"It is not installed in {self.python}, which is used as it is: `{self.python} -m pip install "
            f"{distribution}`, "
            f"or have an environment built with pip_packages=[{distribution!r}]."
        )

    def pinning(self, requirement: str) -> str:
        """How to have another version of a package."""
        if self.built:
            return f"--pip '{requirement}' (pip_packages=[{requirement!r}])"
        return f"`{self.python} -m pip install '{requirement}'`"

    def _lost_file(self, distribution: str) -> Path | None:
        """A file that was installed into the environment with a package and is there no more."""
        name = re.sub(r"[-_.]+", "_", distribution).lower()
        libraries = Path(self.python).parent.parent / "lib"
        for installed in libraries.glob("python3*/site-packages/*.dist-info"):
            if re.sub(r"[-_.]+", "_", installed.name.partition("-")[0]).lower() == name:
                return _first_missing(installed)
        return None


def _first_missing(installed: Path) -> Path | None:
    try:
        with (installed / "RECORD").open(encoding="utf-8", newline="") as record:
            for row in csv.reader(islice(record, _MOST_RECORDED)):
                # bytecode comes and goes
                if row and not row[0].endswith(".pyc") and not os.path.lexists(installed.parent / row[0]):
                    return installed.parent / row[0]
    except (OSError, ValueError, csv.Error):
        pass
    return None
