"""The ground of the campaign: a site whose runs may have environments that are built while somebody is killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from faena.testing.kills import ground
from faena.testing.kills.ground import Case
from tests.environments.packages import make_sdist

_HELD = """
while not os.path.exists({gate!r}):
    time.sleep(0.01)
"""


class Site(ground.Site):
    """`links`: where packages for builds are found."""

    def __init__(self, folder: Path, *, links: Path, nodes: int = 1, project: Path | None = None) -> None:
        self._links = links
        super().__init__(folder, nodes=nodes, project=project)

    def estimator(
        self, case: Case, *, built: bool = False, model: bool = False, files: int = 0
    ) -> dict[str, Any]:
        """`built`: in an environment that is built while `case.gate` is missing."""
        described = super().estimator(case, model=model, files=files)
        if not built:
            return described
        make_sdist(self._links, f"faults_{case.name}", _HELD.format(gate=str(case.gate)))
        del described["interpreter"]
        return {**described, "pip_packages": [f"faults_{case.name}"]}
