"""A run's files and its source folder: what is copied from it and added to it."""

from __future__ import annotations

import os

from faena.script import values
from faena.script.known import TRANSFER_S, KnownRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any, Sequence


class RunWithFiles(KnownRun):
    """Names of files are paths with forward slashes, such as `outputs/model.npz`."""

    __slots__ = ()

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

    def get_file_names(self) -> list[str]:
        """The run's files so far; what its script has in `./outputs` and `./logs` as it is now."""
        found: list[str] = self._ask("get_file_names", {})
        return found

    def download_file(
        self,
        name: str,
        output_file_path: str | os.PathLike[str] | None = None,
        _validate_checksum: bool = True,
    ) -> None:
        """Copies one file to `output_file_path`: a file, or a folder that is there (default: here, its base name).

        `_validate_checksum` has no meaning here: what is kept is always verified.
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
        append_prefix: bool = True,
        timeout_seconds: float | None = None,
    ) -> None:
        """Copies all files whose names begin with `prefix` into `output_directory` (default: here), folders kept.

        `output_paths`, one for each file in the order of their names, says where each goes instead. `append_prefix`
        False: without the prefix in their paths. `timeout_seconds`: how long all of it may take before the next file
        is begun, then ServiceException. `batch_size` has no meaning here.
        """
        from time import monotonic

        from faena.script.downloads import check_time, targets, without_prefix
        from faena.script.uploads import without_dot

        start = without_dot(prefix or "")
        names = [name for name in self.get_file_names() if name.startswith(start)]
        places = output_paths if append_prefix or output_paths is not None else without_prefix(names, start)
        until = None if timeout_seconds is None else monotonic() + float(timeout_seconds)
        for name, target in targets(names, output_directory, places).items():
            check_time(until, name, timeout_seconds)
            self.download_file(name, target)

    def upload_file(
        self,
        name: str,
        path_or_stream: str | os.PathLike[str] | IO[Any],
        datastore_name: str | None = None,
    ) -> None:
        """Adds a file to the run's files as `name` (`folder/file.txt`), at once rather than when the run ends.

        `datastore_name`: a copy goes to that datastore too, below `ExperimentRun/dcid.<run id>`, where v1 kept it.
        Raises UserErrorException when the name leaves the run's files or the path is no file, Conflict when the run
        has a file of that name with other bytes.
        """
        from faena.script import uploads

        if isinstance(path_or_stream, (str, os.PathLike)):
            name, path = uploads.file(name, path_or_stream)
            self._upload({name: path}, datastore=datastore_name)
            return
        name = uploads.check_file_name(name)
        with uploads.stream(name, path_or_stream) as path:
            self._upload({name: path}, datastore=datastore_name)

    def upload_files(
        self,
        names: Sequence[str],
        paths: Sequence[str | os.PathLike[str]],
        return_artifacts: bool = False,
        timeout_seconds: float | None = None,
        datastore_name: str | None = None,
    ) -> dict[str, Any] | None:
        """Adds files, all or none. With `return_artifacts`: `{name: {"name": …, "size": bytes}}`.

        `timeout_seconds`: how long it may take, then ServiceException. Raises TypeError for lists of unequal length
        and what `upload_file` raises.
        """
        from faena.script import uploads

        kept = self._upload(uploads.files(names, paths), timeout_seconds, datastore_name)
        return kept if return_artifacts else None

    def upload_folder(
        self, name: str, path: str | os.PathLike[str], datastore_name: str | None = None
    ) -> None:
        """Adds all files below the folder `path`, as `name` and their paths below it. Raises as `upload_file`."""
        from faena.script import uploads

        self._upload(uploads.folder(name, path), datastore=datastore_name)

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
        if not snapshot:
            from faena.script.errors import NotFound

            raise NotFound("Run {} has no snapshot: its source folder was not captured.".format(self.id))
        target = archive_path(snapshot, path)
        self._ask("restore_snapshot", {"snapshot_id": snapshot, "path": target}, TRANSFER_S)
        return target

    def _upload(
        self, files: dict[str, str], timeout: float | None = None, datastore: str | None = None
    ) -> dict[str, Any]:
        if not files:
            return {}
        asked: dict[str, Any] = {"files": files}
        if datastore is not None:
            asked["datastore"] = datastore
        kept = self._ask("upload_files", asked, TRANSFER_S if timeout is None else float(timeout))
        return {file["name"]: file for file in kept}

    def _text(self, name: str) -> str:
        import tempfile

        with tempfile.NamedTemporaryFile(prefix="faena-log-") as copy:
            self.download_file(name, copy.name)
            with open(copy.name, encoding="utf-8", errors="replace") as text:
                return text.read()
