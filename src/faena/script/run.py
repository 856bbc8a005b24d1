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
from faena.script.charted import ChartedRun
from faena.script.handles import Experiment, RegisteredModel
from faena.script.known import ANSWER_S, TRANSFER_S, KnownRun
from faena.script.offline import Printer
from faena.script.spool import NO_STEP, PACKERS, POINT_FRAME, SpoolWriter, pack_point, writer_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable, Iterator, Mapping

    from faena.script.rpc import RunnerClient


class Run(ChartedRun):
    """The run that this process belongs to. Get it by `Run.get_context()`.

    The `log` calls return once the record is in the kernel: killing the process does not lose it. They are safe from
    threads and in forked and spawned children.
    """

    __slots__ = ("__weakref__", "_experiment", "_runner", "_sink")

    type = "azureml.scriptrun"

    def __init__(self, run_id: str, experiment: str, sink: SpoolWriter | Printer, socket: str | None) -> None:
        """For `get_context`. `socket` is the runner's; a missing one is an error at the first question only."""
        super().__init__(run_id)
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

    def _record(self, name: str, value: str) -> None:
        self._sink.emit("scalar", {"name": name, "value": value})

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Sets several tags."""
        for key, value in values.marks(tags, "tag").items():
            self._sink.emit("tag", {"key": key, "value": value})

    @staticmethod
    def list(
        experiment: Experiment,
        type: str | None = None,  # noqa: A002  v1's word
        tags: Any = None,
        properties: Any = None,
        status: str | None = None,
        include_children: bool = False,
    ) -> Iterator[KnownRun]:
        """Runs of an experiment, newest first; see `faena.client.run.Run.list`."""
        from faena.script.other import listed

        return listed(Run.get_context(), experiment.name, type, tags, properties, status, include_children)

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
        from faena.script.uploads import check_file_name

        path = None if model_path is None else _plain(os.fspath(model_path))
        arguments = {
            "model_name": values.check_name(model_name, "model name"),
            "model_path": None if path is None else check_file_name(path, folder=True),
            "tags": {str(key): str(value) for key, value in dict(tags or {}).items()},
            "properties": {str(key): str(value) for key, value in dict(properties or {}).items()},
            "description": description,
            "framework": None if model_framework is None else str(model_framework),
            "framework_version": None if model_framework_version is None else str(model_framework_version),
            "datasets": dataset_uses(datasets),
            "request_id": os.urandom(16).hex(),
        }
        return RegisteredModel(self._ask("register_model", arguments, TRANSFER_S))

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

    def _ask(self, verb: str, arguments: dict[str, Any], timeout: float = ANSWER_S) -> Any:
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

    def add_properties(self, properties: Mapping[str, Any]) -> None:
        for key, value in values.marks(properties, "property").items():
            print("Attempted to add the property {}:\n{}".format(key, value))

    def _upload(self, files: dict[str, str], timeout: float | None = None) -> dict[str, Any]:
        for name, path in files.items():
            print("Attempted to upload file {}:\n{}".format(name, path))
        return {}

    def _log_file(self, kind: str, name: str, file_name: str, source: Any) -> None:
        shown = source if isinstance(source, (str, os.PathLike)) else file_name
        print("Attempted to log {} metric {}:\n{}".format(kind, name, shown))

    def flush(self, timeout_seconds: float = 300) -> None:
        """Nothing waits to be sent."""

    def fail(self, error_details: Any = None, error_code: Any = None, _set_status: bool = True) -> None:
        """Nothing to fail."""

    def cancel(self) -> None:
        """Nothing to cancel."""

    def _ask(self, verb: str, arguments: dict[str, Any], timeout: float = ANSWER_S) -> Any:
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
