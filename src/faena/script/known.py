"""A run as the server knows it: what is asked about it and kept with it, over the runner's socket."""

from __future__ import annotations

import os

from faena.script import values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any, Mapping, Sequence

ANSWER_S = 60.0
"""Seconds that the runner may take to answer a question."""
TRANSFER_S = 3600.0
"""Seconds that it may take to store a file or to register a model."""


class KnownRun:
    """What can be asked of any run, this process's own or another one. `id` names it."""

    __slots__ = ("id",)

    def __init__(self, run_id: str) -> None:
        self.id = run_id

    def _ask(self, verb: str, arguments: dict[str, Any], timeout: float = ANSWER_S) -> Any:
        """The runner's answer. Raises the error that it answers with."""
        raise NotImplementedError

    @property
    def number(self) -> int:
        """Its place among the runs of its experiment, from 1."""
        return int(self._known()["number"])

    @property
    def name(self) -> str | None:
        """The name that it was given when it was started; None for a submitted run."""
        name = self._known().get("name")
        return None if name is None else str(name)

    @property
    def status(self) -> str:
        return self.get_status()

    @property
    def tags(self) -> dict[str, str]:
        return self.get_tags()

    @property
    def properties(self) -> dict[str, str]:
        return self.get_properties()

    def tag(self, key: str, value: Any = None) -> None:
        """Sets a tag; what is not a str becomes one, with a warning."""
        self.set_tags({key: value})

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Sets several tags, or changes them."""
        self._ask("set_tags", {"tags": values.marks(tags, "tag")})

    def get_status(self) -> str:
        """Its state, `Running` while the script is."""
        return str(self._known()["status"])

    def get_tags(self) -> dict[str, str]:
        """Its tags as they are now."""
        return dict(self._known()["tags"])

    def get_properties(self) -> dict[str, str]:
        """The properties that were added to it, and what is known of its source: snapshot, git commit and branch."""
        return dict(self.get_details()["properties"])

    def add_properties(self, properties: Mapping[str, Any]) -> None:
        """Adds properties, all or none; what is not a str becomes one, with a warning.

        Raises Conflict naming a property that has another value already: properties never change.
        """
        self._ask("add_properties", {"properties": values.marks(properties, "property")})

    def get_details(self) -> dict[str, Any]:
        """The run in v1's keys: runId, status, target, startTimeUtc, properties, runDefinition, logFiles, …"""
        found: dict[str, Any] = self._ask("get_details", {})
        return found

    def get_details_with_logs(self) -> dict[str, Any]:
        """As `get_details`, with each log's text in place of its name."""
        details = self.get_details()
        details["logFiles"] = {name: self._text(name) for name in details["logFiles"]}
        return details

    def get_all_logs(self, destination: str | os.PathLike[str] | None = None) -> list[str]:
        """Copies all logs into `destination` (default: a folder here called as the run); their paths."""
        folder = os.fspath(destination or self.id)
        paths = []
        for name in self.get_details()["logFiles"]:
            paths.append(os.path.join(folder, name))
            self.download_file(name, paths[-1])
        return paths

    def get_metrics(
        self,
        name: str | None = None,
        recursive: bool = False,
        run_type: str | None = None,
        populate: bool = False,
    ) -> dict[str, Any]:
        """What was logged so far, by name; only `name` when given.

        `recursive`: `{run id: metrics}` of the run and all runs below it, those of `run_type` only when given.
        `populate`: the contents of confusion matrices and their kin in place of their addresses.
        """
        checked = None if name is None else values.check_name(name)
        asked = {"name": checked, "recursive": recursive, "run_type": run_type, "populate": populate}
        found: dict[str, Any] = self._ask("get_metrics", asked)
        return found

    def get_file_names(self) -> list[str]:
        """The run's files so far."""
        found: list[str] = self._ask("get_file_names", {})
        return found

    def download_file(self, name: str, output_file_path: str | os.PathLike[str] | None = None) -> None:
        """Copies one file to `output_file_path`: a file, or a folder that is there (default: here, its base name).

        Raises NotFound listing the files that there are.
        """
        if not isinstance(name, str):
            raise values.refuse("{!r} is not the name of a file. Use one of get_file_names().".format(name))
        from faena.script.uploads import without_dot

        name = without_dot(name)
        base = name.rstrip("/").rpartition("/")[2]
        path = os.path.abspath(os.path.expanduser(os.fspath(output_file_path or base)))
        if os.path.isdir(path):
            path = os.path.join(path, base)
        self._ask("download_file", {"name": name, "path": path}, TRANSFER_S)

    def download_files(
        self,
        prefix: str | None = None,
        output_directory: str | os.PathLike[str] | None = None,
        output_paths: Sequence[str | os.PathLike[str]] | None = None,
        batch_size: int = 100,
    ) -> None:
        """Copies all files whose names begin with `prefix` into `output_directory` (default: here), folders kept.

        `output_paths`, one for each file in the order of their names, says where each goes instead. `batch_size` has
        no meaning here.
        """
        from faena.script.downloads import targets

        names = [name for name in self.get_file_names() if name.startswith(prefix or "")]
        for name, target in targets(names, output_directory, output_paths).items():
            self.download_file(name, target)

    def upload_file(self, name: str, path_or_stream: str | os.PathLike[str] | IO[Any]) -> None:
        """Adds a file to the run's files as `name` (`folder/file.txt`), at once rather than when the run ends.

        Raises UserErrorException when the name leaves the run's files or the path is no file, Conflict when the run
        has a file of that name with other bytes.
        """
        from faena.script import uploads

        if isinstance(path_or_stream, (str, os.PathLike)):
            name, path = uploads.file(name, path_or_stream)
            self._upload({name: path})
            return
        name = uploads.check_file_name(name)
        with uploads.stream(name, path_or_stream) as path:
            self._upload({name: path})

    def upload_files(
        self,
        names: Sequence[str],
        paths: Sequence[str | os.PathLike[str]],
        return_artifacts: bool = False,
        timeout_seconds: float | None = None,
    ) -> dict[str, Any] | None:
        """Adds files, all or none. With `return_artifacts`: `{name: {"name": …, "size": bytes}}`.

        `timeout_seconds`: how long it may take, then ServiceException. Raises TypeError for lists of unequal length
        and what `upload_file` raises.
        """
        from faena.script import uploads

        kept = self._upload(uploads.files(names, paths), timeout_seconds)
        return kept if return_artifacts else None

    def upload_folder(self, name: str, path: str | os.PathLike[str]) -> None:
        """Adds all files below the folder `path`, as `name` and their paths below it. Raises as `upload_file`."""
        from faena.script import uploads

        self._upload(uploads.folder(name, path))

    def get_snapshot_id(self) -> str:
        """Names the captured source folder that the run was made from."""
        return str(self._known()["snapshot"])

    def take_snapshot(self, file_or_folder_path: str | os.PathLike[str]) -> str:
        """Raises UserErrorException: a submitted run was made from a snapshot, which never changes."""
        raise values.refuse(
            "{!r} cannot become the snapshot of run {}: it was made from another one when it was submitted. Use "
            "upload_folder to keep files with the run.".format(os.fspath(file_or_folder_path), self.id)
        )

    def restore_snapshot(
        self, snapshot_id: str | None = None, path: str | os.PathLike[str] | None = None
    ) -> str:
        """Writes the source folder that the run was made from, or another snapshot, as a zip archive; its path.

        `path`: a file, or a folder that is there (default: here, `<snapshot id>.zip`). Raises NotFound.
        """
        from faena.script.downloads import archive_path

        snapshot = snapshot_id or self.get_snapshot_id()
        target = archive_path(snapshot, path)
        self._ask("restore_snapshot", {"snapshot_id": snapshot, "path": target}, TRANSFER_S)
        return target

    def get_lock(self) -> dict[str, Any]:
        """What the run's environment held: interpreter, exact versions and their hashes."""
        found: dict[str, Any] = self._ask("get_environment", {})
        return found

    def get_environment(self) -> Any:
        """As `get_lock`; a handle outside of a script gives an Environment."""
        return self.get_lock()

    def _known(self) -> dict[str, Any]:
        found: dict[str, Any] = self._ask("get_run", {})
        return found

    def _upload(self, files: dict[str, str], timeout: float | None = None) -> dict[str, Any]:
        if not files:
            return {}
        kept = self._ask("upload_files", {"files": files}, TRANSFER_S if timeout is None else float(timeout))
        return {file["name"]: file for file in kept}

    def _text(self, name: str) -> str:
        import tempfile

        with tempfile.NamedTemporaryFile(prefix="faena-log-") as copy:
            self.download_file(name, copy.name)
            with open(copy.name, encoding="utf-8", errors="replace") as text:
                return text.read()
