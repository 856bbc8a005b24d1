"""Whose files artifacts are: each way reads and writes what is ours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from faena.db import Read, Write
from faena.kernel.clock import Micros
from faena.mlflow import found
from faena.mlflow.errors import MlflowError
from faena.models import service as versions
from faena.models.logged import service as logged_models
from faena.models.logged import store as logged_store
from faena.models.model import ModelFile, files_by_name
from faena.traces import service as traces
from faena.traces import store as trace_store
from faena.traces.model import TraceFile
from faena.tracking import files as run_files
from faena.tracking.model import StoredFile


class Tree(Protocol):
    """Files by name, `/` between folders. Each method raises MlflowError or NotFound where there is no such owner."""

    def files(self, read: Read, prefix: str) -> dict[str, StoredFile]:
        """Those whose name begins so, by name."""

    def in_the_way(self, read: Read, name: str) -> str | None:
        """A file of which `name` would be a folder, or which would be a folder of `name`."""

    def check_writable(self, read: Read) -> None:
        """Raises MlflowError where nothing may be added."""

    def put(self, write: Write, name: str, file: StoredFile, now: Micros) -> None:
        """Add a file, or replace the one of this name."""

    def remove(self, write: Write, names: Iterable[str]) -> None: ...


@dataclass(frozen=True, slots=True)
class RunFiles:
    run_id: str

    def files(self, read: Read, prefix: str) -> dict[str, StoredFile]:
        found.run(read, self.run_id)
        return {
            each.name: StoredFile(each.digest, each.size)
            for each in run_files.files(read, self.run_id, prefix)
        }

    def in_the_way(self, read: Read, name: str) -> str | None:
        return run_files.in_the_way(read, self.run_id, name)

    def check_writable(self, read: Read) -> None:
        found.active_run(read, self.run_id)

    def put(self, write: Write, name: str, file: StoredFile, now: Micros) -> None:
        run_files.put_files(write, self.run_id, {name: file}, now)

    def remove(self, write: Write, names: Iterable[str]) -> None:
        run_files.remove_files(write, self.run_id, names)


@dataclass(frozen=True, slots=True)
class LoggedModelFiles:
    model_id: str

    def files(self, read: Read, prefix: str) -> dict[str, StoredFile]:
        logged_models.get(read, self.model_id)
        return {
            each.path: StoredFile(each.digest, each.size)
            for each in logged_store.files_of(read, self.model_id)
            if each.path.startswith(prefix)
        }

    def in_the_way(self, read: Read, name: str) -> str | None:
        return _in_the_way(name, self.files(read, ""))

    def check_writable(self, read: Read) -> None:
        logged_models.get(read, self.model_id)

    def put(self, write: Write, name: str, file: StoredFile, now: Micros) -> None:
        logged_models.put_file(write, self.model_id, ModelFile(name, file.digest, file.size), now)

    def remove(self, write: Write, names: Iterable[str]) -> None:
        logged_store.remove_files(write, self.model_id, names)


@dataclass(frozen=True, slots=True)
class RegisteredFiles:
    """Of a version, which never changes."""

    name: str
    version: int

    def files(self, read: Read, prefix: str) -> dict[str, StoredFile]:
        version = versions.get(read, self.name, self.version)
        return {
            name: StoredFile(each.digest, each.size)
            for name, each in files_by_name(version).items()
            if name.startswith(prefix)
        }

    def in_the_way(self, read: Read, name: str) -> str | None:
        return _in_the_way(name, self.files(read, ""))

    def check_writable(self, read: Read) -> None:
        versions.get(read, self.name, self.version)
        raise MlflowError(f"Files of {self.name}:{self.version} never change. Register another version.")

    def put(self, write: Write, name: str, file: StoredFile, now: Micros) -> None:
        self.check_writable(write)

    def remove(self, write: Write, names: Iterable[str]) -> None:
        self.check_writable(write)


@dataclass(frozen=True, slots=True)
class TraceFiles:
    trace_id: str

    def files(self, read: Read, prefix: str) -> dict[str, StoredFile]:
        traces.get(read, self.trace_id)
        return {
            each.path: StoredFile(each.digest, each.size)
            for each in trace_store.files_of(read, self.trace_id)
            if each.path.startswith(prefix)
        }

    def in_the_way(self, read: Read, name: str) -> str | None:
        return _in_the_way(name, self.files(read, ""))

    def check_writable(self, read: Read) -> None:
        traces.get(read, self.trace_id)

    def put(self, write: Write, name: str, file: StoredFile, now: Micros) -> None:
        traces.put_file(write, self.trace_id, TraceFile(name, file.digest, file.size), now)

    def remove(self, write: Write, names: Iterable[str]) -> None:
        trace_store.remove_files(write, self.trace_id, names)


def _in_the_way(name: str, there: Iterable[str]) -> str | None:
    return next((each for each in there if each.startswith(f"{name}/") or name.startswith(f"{each}/")), None)
