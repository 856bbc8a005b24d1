"""Training scripts for the journeys, and how to submit them."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import Any

from faena import Cluster, Estimator, Experiment, Workspace
from faena.client.runs.run import Run


class Project:
    """A source folder with one script, and a cluster to run it on."""

    def __init__(self, workspace: Workspace, folder: Path, cluster: str = "cpu", **shape: Any) -> None:
        self.workspace = workspace
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.cluster = Cluster.get_or_create(workspace, cluster, **{"max_nodes": 2, **shape})

    def submit(self, script: str, *, experiment: str = "exp", **options: Any) -> Run:
        """Submit `script`, run by this very interpreter unless told."""
        return Experiment(self.workspace, experiment).submit(self.estimator(script, **options))

    def estimator(self, script: str, **options: Any) -> Estimator:
        """Of `script`, run by this very interpreter unless told."""
        (self.folder / "train.py").write_text(textwrap.dedent(script))
        options = {"interpreter": sys.executable, **options}
        if "python" in options or "pip_packages" in options:
            del options["interpreter"]
        return Estimator(self.folder, entry_script="train.py", compute_target=self.cluster, **options)

    def run(self, script: str, **options: Any) -> Run:
        """Submit and wait, whatever the end."""
        run = self.submit(script, **options)
        run.wait_for_completion(raise_on_error=False)
        return run
