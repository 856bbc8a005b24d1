"""The ground on which trials run: a workspace with a cluster, and what one trial needs of files."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faena.client.compute.cluster import Cluster
from faena.client.runs.experiment import Experiment
from faena.client.runs.run import Run
from faena.client.submission.estimator import Estimator
from faena.client.workspace import Workspace
from faena.testing.kills.records import Confirmed
from faena.testing.shutdown import shut_down

HERE = Path(__file__).resolve().parent
EXPERIMENT = "kills"
MODEL_BYTES = 3_000_000


@dataclass(frozen=True, slots=True)
class Case:
    """The files of one trial, outside the workspace."""

    name: str
    folder: Path

    @property
    def confirm(self) -> Path:
        return self.folder / "confirmed"

    @property
    def release(self) -> Path:
        """While it is missing the script goes on numbering."""
        return self.folder / "release"

    @property
    def gate(self) -> Path:
        """While it is missing the environment's build waits."""
        return self.folder / "gate"

    @property
    def accepted(self) -> Path:
        """The run's id, written by the client when submit returned."""
        return self.folder / "accepted"

    @property
    def ready(self) -> Path:
        """Written by the client just before it submits."""
        return self.folder / "ready"

    @property
    def output(self) -> Path:
        """What the client printed."""
        return self.folder / "client.out"

    def confirmed(self) -> Confirmed:
        return Confirmed.read(self.confirm)


class Site:
    """A workspace of its own, with `nodes` nodes at most, whose runs have this very interpreter."""

    def __init__(self, folder: Path, *, nodes: int = 1, project: Path | None = None) -> None:
        self.folder = folder
        self._cases = 0
        folder.mkdir(parents=True)
        self.source = folder / "source"
        self.source.mkdir()
        shutil.copy(HERE / "numbered.py", self.source / "train.py")
        shutil.copy(HERE / "tried.py", self.source)
        self.project = project or folder / "project"
        self.workspace = Workspace.create(folder.name, self.project, exist_ok=True)
        self.cluster = Cluster.create(
            self.workspace, "cpu", max_nodes=nodes, idle_seconds_before_scaledown=300, cores_per_node=1
        )

    @property
    def path(self) -> Path:
        return self.workspace.files.path

    def case(self) -> Case:
        self._cases += 1
        name = f"{self.folder.name}x{self._cases}"
        case = Case(name, self.folder / "cases" / name)
        case.folder.mkdir(parents=True)
        return case

    def estimator(self, case: Case, *, model: bool = False, files: int = 0) -> dict[str, Any]:
        """The description of a numbered run. `model`: it registers a model from inside; `files`: small files that it
        leaves."""
        variables = {
            "KILLS_CONFIRM": case.confirm,
            "KILLS_RELEASE": case.release,
            "KILLS_MODEL_BYTES": MODEL_BYTES,
            "KILLS_FILES": files,
            "KILLS_MODEL": f"inside-{case.name}" if model else "",
        }
        return {
            "source_directory": str(self.source),
            "entry_script": "train.py",
            "compute_target": "cpu",
            "environment_variables": {name: str(value) for name, value in variables.items()},
            "interpreter": sys.executable,
        }

    def submit(self, case: Case, **options: Any) -> Run:
        description = self.estimator(case, **options)
        return Experiment(self.workspace, EXPERIMENT).submit(
            Estimator(**description), tags={"case": case.name}
        )

    def start_client(self, case: Case, **options: Any) -> subprocess.Popen[bytes]:
        """A process that submits and waits."""
        request = {
            "workspace": str(self.project),
            "experiment": EXPERIMENT,
            "tags": {"case": case.name},
            "estimator": self.estimator(case, **options),
            "ready": str(case.ready),
            "accepted": str(case.accepted),
        }
        path = case.folder / "request.json"
        path.write_text(json.dumps(request))
        with case.output.open("wb") as output:
            return subprocess.Popen(
                [sys.executable, str(HERE / "client.py"), str(path)], stdout=output, stderr=output
            )

    def find(self, case: Case) -> Run | None:
        """The run that a client submitted, if the server has it."""
        rows = self.workspace.api.runs(experiment=EXPERIMENT, limit=20)
        ids = [row.id for row in rows if row.tags.get("case") == case.name]
        return self.workspace.get_run(ids[0]) if ids else None

    def close(self) -> None:
        """Stop what runs. Raises AssertionError when something stays."""
        shut_down(self.workspace)
