"""Writes a folder store as MLflow's clients of 2.x and 3.x read it."""

from __future__ import annotations

import hashlib
import posixpath
import shutil
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faena.client.mlflow_stores.found import Files
from faena.client.mlflow_stores.reading import META
from faena.kernel.errors import UserErrorException
from faena.mlflow.moving.schemas import (
    DatasetGiven,
    ExperimentGiven,
    LoggedModelGiven,
    ModelGiven,
    Points,
    RunGiven,
    TraceGiven,
    VersionGiven,
)

_STATES = {"RUNNING": 1, "SCHEDULED": 2, "FINISHED": 3, "FAILED": 4, "KILLED": 5}
_LOGGED_STATES = {"LOGGED_MODEL_PENDING": 1, "LOGGED_MODEL_READY": 2, "LOGGED_MODEL_UPLOAD_FAILED": 3}
_LOCAL = 4
"""Of a run's source: it was started on somebody's machine."""
_NO_FOLDER = frozenset("/\\%:")
"""What no folder store takes in the name of a model."""


class FolderWriter:
    """`final`: where the folder will lie."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: dict[str, Path] = {}
        self.notes: list[tuple[str, str]] = []
        """(what it is about, what is not there as it was here)"""

    def experiment(self, given: ExperimentGiven) -> None:
        folder = self._root / (".trash" if given.archived else ".") / given.id
        self._folders[given.id] = folder
        created = (given.created_at or 0) // 1000
        meta = {
            "artifact_location": (self._root / given.id).as_uri(),
            "creation_time": created,
            "experiment_id": given.id,
            "last_update_time": (given.changed_at or 0) // 1000 or created,
            "lifecycle_stage": "deleted" if given.archived else "active",
            "name": given.name,
        }
        self._meta(folder, meta)
        self._texts(folder / "tags", given.tags, f"experiment {given.name[:80]}")

    def run(self, given: RunGiven, files: Files) -> None:
        folder = self._folders[given.experiment] / given.id
        about = f"run {given.id}"
        meta: dict[str, Any] = {
            "artifact_uri": self.address(given.experiment, given.id),
            "deleted_time": given.archived_ms,
            "end_time": given.ended_ms,
            "entry_point_name": "",
            "experiment_id": given.experiment,
            "lifecycle_stage": "active" if given.archived_ms is None else "deleted",
            "run_id": given.id,
            "run_name": given.name or "",
            "run_uuid": given.id,
            "source_name": "",
            "source_type": _LOCAL,
            "source_version": "",
            "start_time": given.started_ms,
            "status": _STATES.get(given.status, 1),
            "tags": [],
            "user_id": given.user,
        }
        self._meta(folder, meta)
        for kind in ("metrics", "params", "tags"):
            (folder / kind).mkdir(exist_ok=True)
        self._texts(folder / "params", given.params, about)
        self._texts(folder / "tags", given.tags, about)
        for name, points in given.metrics.items():
            self._put(folder / "metrics", name, _lines(points), about)
        for dataset in given.datasets:
            self._dataset(folder, given.id, dataset)
        for model_id in given.read:
            self._use(folder / "inputs" / _mixed(model_id, given.id), "MODEL", "RUN", model_id)
        for model_id, step in given.made.items():
            place = folder / "outputs" / model_id
            self._use(place, "RUN_OUTPUT", "MODEL_OUTPUT", model_id, step=step)
        self._artifacts(folder, files, about)

    def logged_model(self, given: LoggedModelGiven, files: Files) -> None:
        folder = self._folders[given.experiment] / "models" / given.id
        meta = {
            "artifact_location": self.address(f"{given.experiment}/models", given.id),
            "creation_timestamp": given.created_ms,
            "experiment_id": given.experiment,
            "last_updated_timestamp": given.changed_ms,
            "model_id": given.id,
            "model_type": given.kind or None,
            "name": given.name,
            "source_run_id": given.run_id,
            "status": _LOGGED_STATES.get(given.status, 1),
            "status_message": given.message or None,
        }
        about = f"logged model {given.id}"
        self._meta(folder, meta)
        for kind in ("metrics", "params", "tags"):
            (folder / kind).mkdir(exist_ok=True)
        self._texts(folder / "params", given.params, about)
        self._texts(folder / "tags", given.tags, about)
        lines: dict[str, str] = {}
        for each in given.metrics:
            of = f" {each.dataset} {each.dataset_digest}" if each.dataset and each.dataset_digest else ""
            line = f"{each.time_ms} {each.value!r} {each.step} {each.run_id}{of}\n"
            lines[each.name] = lines.get(each.name, "") + line
        for name, text in lines.items():
            self._put(folder / "metrics", name, text, about)
        self._artifacts(folder, files, about)

    def model(self, given: ModelGiven) -> None:
        if set(given.name) & _NO_FOLDER or given.name in (".", ".."):
            self.notes.append((f"model {given.name[:80]}", "no folder can be called so: it is left out"))
            return
        folder = self._root / "models" / given.name
        meta = {
            "aliases": {alias: str(version) for alias, version in given.aliases.items()},
            "creation_timestamp": given.created_ms,
            "description": given.description or None,
            "last_updated_timestamp": given.changed_ms,
            "name": given.name,
        }
        self._meta(folder, meta)
        about = f"model {given.name}"
        self._texts(folder / "tags", given.tags, about)
        self._texts(
            folder / "aliases", {alias: str(version) for alias, version in given.aliases.items()}, about
        )
        for version in given.versions:
            self._version(folder, given.name, version)

    def files_of_version(self, name: str, version: int, files: Files) -> str:
        """Those that are no run's and no logged model's; their address."""
        folder = self._root / "models-files" / name / str(version)
        self._copy(folder, files, f"version {name}:{version}")
        return folder.as_uri()

    def trace(self, given: TraceGiven, files: Files) -> None:
        folder = self._folders[given.experiment] / "traces" / given.id
        about = f"trace {given.id}"
        meta = {
            "execution_time_ms": given.took_ms,
            "experiment_id": given.experiment,
            "request_id": given.id,
            "status": given.status,
            "timestamp_ms": given.began_ms,
        }
        self._meta(folder, meta, "trace_info.yaml")
        (folder / "tags").mkdir(exist_ok=True)
        (folder / "request_metadata").mkdir(exist_ok=True)
        tags = {
            **given.tags,
            "mlflow.artifactLocation": self.address(f"{given.experiment}/traces", given.id),
        }
        self._texts(folder / "tags", tags, about)
        self._texts(folder / "request_metadata", given.metadata, about)
        self._artifacts(folder, files, about)

    def _version(self, folder: Path, name: str, given: VersionGiven) -> None:
        meta = {
            "creation_timestamp": given.created_ms,
            "current_stage": given.stage or "None",
            "description": given.description or None,
            "last_updated_timestamp": given.changed_ms,
            "name": name,
            "run_id": given.run_id,
            "run_link": given.run_link or None,
            "source": given.source,
            "status": given.status,
            "status_message": None,
            "storage_location": given.storage or None,
            "user_id": None,
            "version": given.version,
        }
        if given.model_id:
            meta["model_id"] = given.model_id
        place = folder / f"version-{given.version}"
        self._meta(place, meta)
        self._texts(place / "tags", given.tags, f"version {name}:{given.version}")

    def _dataset(self, folder: Path, run_id: str, given: DatasetGiven) -> None:
        number = _mixed(given.name, given.digest)
        place = folder.parent / "datasets" / number
        if not (place / META).exists():
            told = ("name", "digest", "source_type", "source", "schema", "profile")
            self._meta(place, {name: getattr(given, name) for name in told})
        self._use(folder / "inputs" / _mixed(number, run_id), "DATASET", "RUN", number, tags=given.tags)

    def _use(self, place: Path, source: str, destination: str, number: str, **more: Any) -> None:
        meta = {"source_type": source, "source_id": number, "destination_type": destination}
        self._meta(place, {**meta, "destination_id": number, "tags": {}, **more})

    def address(self, above: str, name: str) -> str:
        """Of the files of a run or logged model."""
        return (self._root / above / name / "artifacts").as_uri()

    def _meta(self, folder: Path, values: Mapping[str, Any], name: str = META) -> None:
        import yaml

        folder.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(dict(values), allow_unicode=True, default_flow_style=False)
        (folder / name).write_text(text, encoding="utf-8")

    def _texts(self, folder: Path, texts: Mapping[str, str], about: str) -> None:
        for name, text in texts.items():
            self._put(folder, name, text, about)

    def _put(self, folder: Path, name: str, text: str, about: str) -> None:
        """Under its name, which may have slashes."""
        normal = posixpath.normpath(name)
        if normal != name or name.startswith(("/", "..")) or name == ".":
            self.notes.append((about, f"no file can be called {name[:80]!a}: it is left out"))
            return
        try:
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("x", encoding="utf-8", newline="") as file:
                file.write(text)
        except (FileExistsError, NotADirectoryError, IsADirectoryError, ValueError) as error:
            self.notes.append((about, f"{name[:80]!a} cannot be a file here ({error}): it is left out"))
        except OSError as error:
            if error.errno not in _NAMES:
                raise
            self.notes.append((about, f"{name[:80]!a} is too long for a file's name: it is left out"))

    def _artifacts(self, folder: Path, files: Files, about: str) -> None:
        (folder / "artifacts").mkdir(exist_ok=True)
        self._copy(folder / "artifacts", files, about)

    def _copy(self, folder: Path, files: Files, about: str) -> None:
        self.notes += [(about, each) for each in files.left_out]
        for name, source in files.places.items():
            place = folder / name
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                if place.exists():
                    raise UserErrorException("there is one that this file system takes for it")
                shutil.move(source, place)
            except (UserErrorException, FileExistsError, NotADirectoryError) as error:
                self.notes.append((about, f"its file {name[:200]!a} cannot be one here: {error}"))


_NAMES = (36,)
"""ENAMETOOLONG."""


def _lines(points: Points) -> str:
    size = f"<{points.count}"
    times = struct.unpack(f"{size}q", points.times_ms)
    steps = struct.unpack(f"{size}q", points.steps)
    values = struct.unpack(f"{size}d", points.values)
    return "".join(
        f"{time} {value!r} {step}\n" for time, value, step in zip(times, values, steps, strict=True)
    )


def _mixed(first: str, second: str) -> str:
    """The name of a folder, as MLflow makes it of two others."""
    return hashlib.md5(first.encode() + second.encode(), usedforsecurity=False).hexdigest()
