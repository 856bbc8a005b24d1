"""Writes experiments of a workspace as a folder store of MLflow's, and reads it back to see that all of it is there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Sequence
from itertools import groupby
from pathlib import Path

import msgspec
from msgspec import Struct, field

from faena.client.mlflow_stores import folder_evaluation
from faena.client.mlflow_stores.folder import FolderStore
from faena.client.mlflow_stores.found import Files, Progress
from faena.client.mlflow_stores.report import Note
from faena.client.mlflow_stores.requests import OwnRequests
from faena.client.mlflow_stores.server import ServerStore
from faena.client.mlflow_stores.writing import FolderWriter
from faena.client.workspaces.session import Session
from faena.kernel.errors import NotFound
from faena.mlflow.moving.schemas import ExperimentGiven, RunGiven, VersionGiven


class ExportReport(Struct):
    folder: str
    experiments: int = 0
    runs: int = 0
    logged_models: int = 0
    models: int = 0
    versions: int = 0
    traces: int = 0
    evaluation_sets: int = 0
    """In a file each beside the store, whose clients read none of them there."""
    records: int = 0
    """Of evaluation sets."""
    points: int = 0
    files: int = 0
    size: int = 0
    """Bytes of these files."""
    notes: list[Note] = field(default_factory=list)
    """What is not there as it is here."""


def _silent(what: str, done: int, of: int) -> None:
    pass


def export_mlflow(
    session: Session,
    folder: str | os.PathLike[str],
    *,
    experiments: Sequence[str] = (),
    progress: Progress = _silent,
) -> ExportReport:
    """Write experiments, by their names (none: all), with their runs and models into a new or empty folder.

    MLflow's clients open it by `mlflow.set_tracking_uri(folder)`, those of 3.x with MLFLOW_ALLOW_FILE_STORE=true.
    Each run is read back from the folder and compared. When it fails, nothing is left there.

    Raises NotFound for an experiment that there is not, UserErrorException for a folder that holds something.
    """
    from faena.portable import places

    target = Path(folder).expanduser().absolute()
    requests = OwnRequests(session.api.transport, "the workspace")
    with (
        contextlib.closing(ServerStore(requests)) as store,
        places.for_export(str(target), session.files.path if not session.url else None) as root,
    ):
        return _Export(store, root, progress).all(_chosen(store.experiments(), experiments))


def _chosen(there: list[ExperimentGiven], wanted: Collection[str]) -> list[ExperimentGiven]:
    known = {each.name for each in there}
    for name in wanted:
        if name not in known:
            raise NotFound(f"There is no experiment {name[:80]!r} in this workspace.")
    return [each for each in there if not wanted or each.name in wanted]


class _Export:
    def __init__(self, store: ServerStore, root: Path, progress: Progress) -> None:
        self._store = store
        self._root = root
        self._writer = FolderWriter(root)
        self._progress = progress
        self._owners: dict[str, str] = {}
        """Where the files of runs and logged models that were written lie, by their ids."""
        self._digests: dict[str, bytes] = {}
        """Of each run as it was read here, by its id."""
        self.report = ExportReport(str(root))

    def all(self, experiments: list[ExperimentGiven]) -> ExportReport:
        report = self.report
        for given in experiments:
            self._writer.experiment(given)
        report.experiments = len(experiments)
        chosen = {given.id for given in experiments}
        heads = [head for head in self._store.heads() if head.experiment in chosen]
        for done, head in enumerate(heads, 1):
            found = self._store.run(head)
            with self._store.files(found.artifacts, head.id) as files:
                self._count(files)
                self._writer.run(found.run, files)
            report.points += sum(points.count for points in found.run.metrics.values())
            self._owners[head.id] = self._writer.address(head.experiment, head.id)
            self._digests[head.id] = _digest(found.run)
            self._progress("runs", done, len(heads))
        report.runs = len(heads)
        self._logged_models(chosen)
        self._models(everything=len(experiments) == len(self._store.experiments()))
        self._traces(chosen)
        self._evaluation_sets(chosen, everything=len(experiments) == len(self._store.experiments()))
        report.notes = [Note(*each) for each in self._writer.notes]
        self._compare()
        return report

    def _logged_models(self, chosen: Collection[str]) -> None:
        for given, address in self._store.logged_models():
            if given.experiment in chosen:
                with self._store.files(address, given.id) as files:
                    self._count(files)
                    self._writer.logged_model(given, files)
                self._owners[given.id] = self._writer.address(f"{given.experiment}/models", given.id)
                self.report.logged_models += 1

    def _models(self, *, everything: bool) -> None:
        """All, or those that have a version of what was written."""
        for given in self._store.models():
            versions = [each for each in given.versions if everything or self._is_of_ours(each)]
            if not versions and not everything:
                continue
            kept = {each.version for each in versions}
            aliases = {alias: version for alias, version in given.aliases.items() if version in kept}
            placed = [self._placed(given.name, each) for each in versions]
            self._writer.model(msgspec.structs.replace(given, versions=placed, aliases=aliases))
            self.report.models += 1
            self.report.versions += len(versions)

    def _is_of_ours(self, version: VersionGiven) -> bool:
        return version.run_id in self._owners or version.model_id in self._owners

    def _placed(self, name: str, version: VersionGiven) -> VersionGiven:
        """With the address at which a client finds its files, which is one in the folder."""
        from faena.client.mlflow_stores.model_sources import in_folder

        address = self._store.version_address(name, version.version)
        if place := in_folder(address, self._owners):
            return msgspec.structs.replace(version, storage=place)
        with self._store.files(address, "") as files:
            if not files.places:
                return version
            self._count(files)
            return msgspec.structs.replace(
                version, storage=self._writer.files_of_version(name, version.version, files)
            )

    def _traces(self, chosen: Collection[str]) -> None:
        for given, address in self._store.traces():
            if given.experiment in chosen:
                with self._store.files(address, given.id) as files:
                    self._count(files)
                    self._writer.trace(given, files)
                self.report.traces += 1

    def _evaluation_sets(self, chosen: Collection[str], *, everything: bool) -> None:
        """All, or those of the experiments that are written."""
        for _, some in groupby(self._store.evaluation_sets(), key=lambda each: each.id):
            first, *others = some
            kept = [number for number in first.experiments if number in chosen]
            if everything or kept:
                records = [record for part in (first, *others) for record in part.records]
                folder_evaluation.write(
                    self._root, msgspec.structs.replace(first, experiments=kept, records=records)
                )
                self.report.evaluation_sets += 1
                self.report.records += len(records)

    def _count(self, files: Files) -> None:
        self.report.files += len(files.places)
        self.report.size += sum(place.stat().st_size for place in files.places.values())

    def _compare(self) -> None:
        """Read the folder as an import would, run by run."""
        there = FolderStore(self._root)
        about = {note.about for note in self.report.notes}
        for head in there.heads():
            expected = self._digests.pop(head.id, None)
            if _digest(there.run(head).run) != expected and f"run {head.id}" not in about:
                self.report.notes.append(Note(f"run {head.id}", "what was written is not what was read"))
        for run_id in self._digests:
            self.report.notes.append(Note(f"run {run_id}", "it is not in the folder"))
        if (found := len(list(there.models()))) != self.report.models:
            self.report.notes.append(Note("models", f"{found} of {self.report.models} are in the folder"))
        read = sum(len(part.records) for part in there.evaluation_sets())
        if read != self.report.records:
            said = f"{read} of {self.report.records} records are in the folder"
            self.report.notes.append(Note("evaluation sets", said))


def _digest(run: RunGiven) -> bytes:
    """The same for the same run, whichever store it was read from."""
    import hashlib

    plain = msgspec.structs.replace(
        run,
        archived_ms=None if run.archived_ms is None else 0,
        params=dict(sorted(run.params.items())),
        tags=dict(sorted(run.tags.items())),
        metrics=dict(sorted(run.metrics.items())),
        datasets=sorted(run.datasets, key=lambda each: (each.name, each.digest)),
        read=sorted(run.read),
        made=dict(sorted(run.made.items())),
    )
    return hashlib.sha256(msgspec.msgpack.encode(plain)).digest()
