"""Experiment: a name that groups runs, and the place to submit them."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from faena.client.cluster import Cluster
from faena.client.estimator import Estimator
from faena.client.run import Run
from faena.client.script_run_config import LOCAL, ScriptRunConfig
from faena.client.session import Session
from faena.data.snapshots import capture
from faena.kernel import digests, ids
from faena.kernel.errors import TrainingException

if TYPE_CHECKING:
    from faena.data.snapshots import Capture

_PAGE = 100


class Experiment:
    """A name in a workspace; made by its first run. Raises UserErrorException for a name that cannot be one."""

    def __init__(self, workspace: Session, name: str) -> None:
        self.workspace = workspace
        self.name = ids.check_experiment_name(name)

    def submit(
        self,
        config: Estimator | ScriptRunConfig,
        tags: dict[str, str] | None = None,
        *,
        parent: str | None = None,
        **overrides: Any,
    ) -> Run:
        """Capture the source folder and queue a run; returns at once. `tags` are put on the run.

        `parent`: id of the run that it is a child of. `overrides`: `script_params` or `inputs` of an estimator.

        Raises SnapshotException, ComputeTargetException and what else is wrong with the description; then
        there is no run.
        """
        if overrides:
            config = _overridden(config, overrides)
        captured = capture(config.source_directory, index=self._index(config.source_directory))
        for warning in captured.warnings:
            print(f"faena: {warning}")  # noqa: T201  seen in notebooks and terminals alike
        self._send(config.source_directory, captured)
        git = captured.snapshot.git
        submission = config.submission(
            experiment=self.name,
            snapshot=captured.snapshot.digest,
            git=None if git is None else msgspec.to_builtins(git),
            tags={str(key): str(value) for key, value in (tags or {}).items()},
            user=_user(),
            parent=parent,
        )
        if submission.cluster == LOCAL:
            Cluster.get_or_create(self.workspace, LOCAL)
        run_id = ids.new_run_id(self.name)
        return Run(self, run_id, self.workspace.api.submit(run_id, submission))

    def get_runs(self) -> Iterator[Run]:
        """Runs of this experiment, newest first."""
        before: int | None = None
        while True:
            rows = self.workspace.api.runs(experiment=self.name, before=before, limit=_PAGE)
            yield from (Run(self, row.id) for row in rows)
            if len(rows) < _PAGE:
                return
            before = rows[-1].created_at

    def _send(self, folder: Path, captured: Capture) -> None:
        """Bring to the server what it does not have yet."""
        api = self.workspace.api
        missing = set(api.missing_objects(captured.snapshot))
        if not missing:
            return
        git = captured.snapshot.git
        if captured.diff is not None and git is not None and git.diff_digest in missing:
            api.send_object(git.diff_digest, captured.diff)
        for file in captured.snapshot.files:
            if file.digest in missing:
                api.take_file(file.digest, folder.absolute() / file.path)
                missing.discard(file.digest)
        api.missing_objects(captured.snapshot)

    def _index(self, folder: Path) -> Path:
        name = digests.of_bytes(str(folder.absolute()).encode("utf-8", "surrogateescape"))[:32]
        return self.workspace.files.indexes / name

    def __repr__(self) -> str:
        return f"Experiment(Name: {self.name},\nWorkspace: {self.workspace.name})"


def _overridden(config: object, overrides: dict[str, Any]) -> ScriptRunConfig:
    if not isinstance(config, Estimator):
        raise TrainingException(f"{', '.join(overrides)} can be given at submission for an estimator only.")
    return config.override(**overrides)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
