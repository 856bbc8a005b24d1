"""What the rules may know of the run whose script failed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_MOST_LOOKED_AT = 5000
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
