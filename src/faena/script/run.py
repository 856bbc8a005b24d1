"""`Run`, as a training script sees it: metrics go to the spool, questions to the runner.

from faena import Run
run = Run.get_context()
run.log("accuracy", 0.97)
"""

from __future__ import annotations

import os
import sys
from os import write
from struct import error as PackError  # noqa: N812
from time import time_ns
from zlib import crc32

from faena.script import values
from faena.script.handles import Experiment, RegisteredModel
from faena.script.offline import Printer
from faena.script.spool import NO_STEP, PACKERS, POINT_FRAME, SpoolWriter, pack_point, writer_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any, Iterable, Mapping

    from faena.script.rpc import RunnerClient

ANSWER_S = 60.0
"""Seconds that the runner may take to answer a question."""
TRANSFER_S = 3600.0
"""Seconds that it may take to store a file or to register a model."""

_MAX_FILE_NAME = 1024


class Run:
    """The run that this process belongs to. Get it by `Run.get_context()`.

    The `log` calls return once the record is in the kernel: killing the process does not lose it. They are safe from
    threads and in forked and spawned children.
    """

    __slots__ = ("__weakref__", "_experiment", "_runner", "_sink", "id")

    type = "azureml.scriptrun"

    def __init__(self, run_id: str, experiment: str, sink: SpoolWriter | Printer, socket: str | None) -> None:
        """For `get_context`. `socket` is the runner's; a missing one is an error at the first question only."""
        self.id = run_id
        self._experiment = experiment
        self._sink = sink
        self._runner: RunnerClient | str | None = socket

    @classmethod
    def get_context(cls, allow_offline: bool = True) -> Run:
        """The run around this process, the same object each time; outside a run an offline one that only prints.

        Raises RunEnvironmentException outside a run when `allow_offline` is False.
        """
        global _current
        run_id, folder = os.environ.get("FAENA_RUN_ID"), os.environ.get("FAENA_SPOOL")
        if run_id and folder:
            if _current is None or _current.id != run_id or _current._sink.folder != folder:
                experiment = os.environ.get("FAENA_EXPERIMENT", "")
                _current = Run(run_id, experiment, writer_of(folder), os.environ.get("FAENA_SOCKET"))
            return _current
        if allow_offline:
            return _OfflineRun()
        raise _outside("Run.get_context(allow_offline=False)")

    @classmethod
    def get_submitted_run(cls) -> Run:
        """`get_context(allow_offline=False)`."""
        return cls.get_context(allow_offline=False)

    @property
    def experiment(self) -> Experiment:
        """The experiment, an object with `name`."""
        return Experiment(self._experiment)

    @property
    def input_datasets(self) -> dict[str, Any]:
        """The datasets that the run was given, by name: the path of one that is mounted or downloaded."""
        from faena.script import inputs  # few scripts ask

        return inputs.read()

    def log(self, name: str, value: Any, description: str = "", step: int | None = None) -> None:
        """One value of the metric `name`: a number, bool or str; numpy's scalars are converted, NaN and inf are kept.

        `step` is a whole number, for the horizontal axis of a chart. Any other object is stored as its repr, with a
        warning. Raises UserErrorException for a list (use `log_list`), a bad name or a bad step.
        """
        # The short way, for a name and a type seen before: its cost is that of the write. Everything else, and every
        # failure, takes the long way below, which checks, defines, converts and reports.
        sink = self._sink
        try:
            if step is None:
                step = NO_STEP
            elif step == NO_STEP:
                raise PackError  # given by the user, it would read as no step
            pack, header, seed = PACKERS[type(value)]
            payload = pack(time_ns() // 1000, step, value, sink.names[name])
            if write(sink.fd, pack_point(header, crc32(payload, seed), payload)) == POINT_FRAME:
                return
        except (KeyError, TypeError, ValueError, PackError, OSError, OverflowError):
            pass
        self._log_checked(name, value, None if step is NO_STEP else step)

    def _log_checked(self, name: str, value: Any, step: Any) -> None:
        name = values.check_name(name)
        step = values.check_step(step)
        if values.is_list(value):
            raise values.refuse(
                "run.log got a {} for {!r}. Use run.log_list for several values.".format(
                    type(value).__name__, name
                )
            )
        plain = values.scalar(value, name)
        if values.fits_point(plain):
            self._sink.point(name, plain, step)  # type: ignore[arg-type]
            return
        fields = {"name": name, "value": plain}
        if step is not None:
            fields["step"] = step
        self._sink.emit("scalar", fields)

    def log_list(self, name: str, value: Iterable[Any], description: str = "") -> None:
        """Several values at once, all of one type. Raises UserErrorException otherwise."""
        name = values.check_name(name)
        self._sink.emit("list", {"name": name, "values": values.listed(value, name)})

    def log_row(self, name: str, description: str | None = None, **columns: Any) -> None:
        """One row: a scalar a column. Raises UserErrorException for a list."""
        name = values.check_name(name)
        self._sink.emit("row", {"name": name, "columns": values.row(columns, name)})

    def log_table(self, name: str, value: Mapping[str, Iterable[Any]], description: str = "") -> None:
        """Columns of equal length, as a dict of lists. Raises UserErrorException otherwise."""
        name = values.check_name(name)
        self._sink.emit("table", {"name": name, "columns": values.table(value, name)})

    def tag(self, key: str, value: Any = None) -> None:
        """Sets a tag; what is not a str becomes one."""
        key = values.check_name(key, "tag")
        text = None if value is None else values.text_value(str(value), key)
        self._sink.emit("tag", {"key": key, "value": text})

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Sets several tags."""
        for key, value in tags.items():
            self.tag(key, value)

    def upload_file(self, name: str, path_or_stream: str | os.PathLike[str] | IO[Any]) -> None:
        """Adds a file to the run's files as `name` (`folder/file.txt`), at once rather than when the run ends.

        Raises UserErrorException when the name leaves the run's files or the path is no file.
        """
        name = _check_file_name(name)
        if not isinstance(path_or_stream, (str, os.PathLike)):
            self._upload_stream(name, path_or_stream)
            return
        path = os.path.abspath(path_or_stream)
        if not os.path.isfile(path):
            kind = "a folder: upload its files one by one" if os.path.isdir(path) else "no file that exists"
            raise values.refuse("{!r} cannot be uploaded as {!r}: it is {}.".format(path, name, kind))
        self._upload(name, path)

    def _upload_stream(self, name: str, stream: IO[Any]) -> None:
        import shutil
        import tempfile

        if not hasattr(stream, "read"):
            raise values.refuse(
                "{!r} cannot be uploaded as {!r}: give a path or an open file.".format(stream, name)
            )

        with tempfile.NamedTemporaryFile(prefix="faena-upload-") as copy:
            first = stream.read(1 << 20)
            if isinstance(first, str):
                while first:
                    copy.write(first.encode())
                    first = stream.read(1 << 20)
            else:
                copy.write(first)
                shutil.copyfileobj(stream, copy)
            copy.flush()
            self._upload(name, copy.name)

    def _upload(self, name: str, path: str) -> None:
        self._ask("upload_file", {"name": name, "path": path}, TRANSFER_S)

    def register_model(
        self,
        model_name: str,
        model_path: str | None = None,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        description: str | None = None,
        datasets: Any = None,
    ) -> RegisteredModel:
        """Registers a file or folder of the run as a new version of `model_name`.

        `model_path` is its place among the run's files, such as `outputs/model.npz` (default: `model_name`).
        `datasets`: pairs such as `("training", dataset)`, kept as the model's lineage.
        Raises ModelPathNotFoundException when no such file is there, UserErrorException for a bad name.
        """
        from faena.script.models import dataset_uses

        arguments = {
            "model_name": values.check_name(model_name, "model name"),
            "model_path": None if model_path is None else _check_file_name(_plain(os.fspath(model_path))),
            "tags": {str(key): str(value) for key, value in dict(tags or {}).items()},
            "properties": {str(key): str(value) for key, value in dict(properties or {}).items()},
            "description": description,
            "framework": None if model_framework is None else str(model_framework),
            "framework_version": None if model_framework_version is None else str(model_framework_version),
            "datasets": dataset_uses(datasets),
            "request_id": os.urandom(16).hex(),
        }
        return RegisteredModel(self._ask("register_model", arguments, TRANSFER_S))

    def get_metrics(self, name: str | None = None) -> dict[str, Any]:
        """What was logged so far, by name; only `name` when given."""
        checked = None if name is None else values.check_name(name)
        found: dict[str, Any] = self._ask("get_metrics", {"name": checked}, ANSWER_S)
        return found

    def get_file_names(self) -> list[str]:
        """The run's files so far."""
        found: list[str] = self._ask("get_file_names", {}, ANSWER_S)
        return found

    def get_details(self) -> dict[str, Any]:
        """The run as the server knows it: runId, status, target, …"""
        found: dict[str, Any] = self._ask("get_details", {}, ANSWER_S)
        return found

    def get_status(self) -> str:
        """Its state, `Running` while the script is."""
        return str(self.get_details()["status"])

    def flush(self, timeout_seconds: float = 300) -> None:
        """Waits until the server has everything that was logged. Not needed for safety.

        Raises ServiceException when that takes longer than `timeout_seconds`.
        """
        self._ask("flush", {}, float(timeout_seconds))

    def complete(self, _set_status: bool = True) -> None:
        """Does nothing inside a run: it is complete when the script ends well."""

    def fail(self, error_details: Any = None, error_code: Any = None, _set_status: bool = True) -> None:
        """Does not end the run: it fails when the script ends with an error. `error_details` are shown on stderr."""
        if error_details is not None:
            sys.stderr.write("faena: the script reports a failure: {}\n".format(error_details))

    def cancel(self) -> None:
        """Only warns: a script ends its run by ending itself."""
        sys.stderr.write("faena: run.cancel() inside a run does nothing. End the script to end the run.\n")

    def _ask(self, verb: str, arguments: dict[str, Any], timeout: float) -> Any:
        runner = self._runner
        if runner is None or isinstance(runner, str):
            from faena.script.rpc import RunnerClient  # loads json and socket, which logging does not need

            self._runner = runner = RunnerClient(runner)
        return runner.call(verb, arguments, timeout)

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if kind is None:
            self.complete()
        else:
            self.fail(error)

    def __repr__(self) -> str:
        return "Run(Experiment: {},\nId: {},\nType: {},\nStatus: Running)".format(
            self._experiment, self.id, self.type
        )


class _OfflineRun(Run):
    """A run outside Faena: it prints what would have been recorded. v1's name for it, which scripts test for."""

    __slots__ = ()

    def __init__(self) -> None:
        import uuid

        super().__init__("OfflineRun_{}".format(uuid.uuid4()), "", Printer(), None)

    @property
    def experiment(self) -> Experiment:
        raise _outside("run.experiment")

    @property
    def input_datasets(self) -> dict[str, Any]:
        raise _outside("run.input_datasets")

    def _upload(self, name: str, path: str) -> None:
        print("Attempted to upload file {}:\n{}".format(name, path))

    def flush(self, timeout_seconds: float = 300) -> None:
        """Nothing waits to be sent."""

    def fail(self, error_details: Any = None, error_code: Any = None, _set_status: bool = True) -> None:
        """Nothing to fail."""

    def cancel(self) -> None:
        """Nothing to cancel."""

    def _ask(self, verb: str, arguments: dict[str, Any], timeout: float) -> Any:
        raise _outside("run.{}".format(verb))

    def __repr__(self) -> str:
        return "Run(Id: {},\nStatus: Offline)".format(self.id)


_current: Run | None = None


def _outside(what: str) -> Exception:
    from faena.script.errors import OutsideRun

    return OutsideRun(
        "{} needs a run around it, and this process is outside one: FAENA_RUN_ID and FAENA_SPOOL are not set. "
        "Submit the script with Experiment.submit, or skip the call when run.id starts with 'OfflineRun'.".format(
            what
        )
    )


def _plain(path: str) -> str:
    """`./outputs/m.npz` as `outputs/m.npz`: scripts are told to write into `./outputs`."""
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    return path


def _check_file_name(given: object) -> str:
    name = values.check_name(given, "file name", _MAX_FILE_NAME)
    if (
        name.startswith("/")
        or "\\" in name
        or any(part in ("", ".", "..") for part in name.rstrip("/").split("/"))
    ):
        raise values.refuse(
            "{!r} is not a file name of a run. Use a relative one with forward slashes, such as "
            "'outputs/model.npz'.".format(name)
        )
    return name
