"""`Run`, as a training script sees it: metrics go to the spool, questions to the runner.

from faena import Run
run = Run.get_context()
run.log("accuracy", 0.97)
"""

from __future__ import annotations

import os
import sys

from faena.script import values
from faena.script.family import Root
from faena.script.handles import Experiment
from faena.script.known import ANSWER_S, KnownRun
from faena.script.logging_run import LoggingRun
from faena.script.messages import tell, warn_once
from faena.script.offline import Printer
from faena.script.registering import RegisteringRun
from faena.script.spool import SpoolWriter, writer_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, Mapping, Sequence

    from faena.script.family import FamilyRun
    from faena.script.other import OtherRun
    from faena.script.rpc import RunnerClient


class Run(RegisteringRun, LoggingRun, Root):
    """The run that this process belongs to. Get it by `Run.get_context()`.

    The `log` calls return once the record is in the kernel: killing the process does not lose it. They are safe from
    threads and in forked and spawned children.
    """

    __slots__ = ("__weakref__", "_experiment", "_runner")

    type = "azureml.scriptrun"

    def __init__(self, run_id: str, experiment: str, sink: SpoolWriter | Printer, socket: str | None) -> None:
        """For `get_context`. `socket` is the runner's; a missing one is an error at the first question only."""
        super().__init__(run_id, sink)
        self._experiment = experiment
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
                _current = Run(run_id, _experiment(), writer_of(folder), os.environ.get("FAENA_SOCKET"))
            return _current
        if allow_offline:
            return _OfflineRun()
        raise _outside("Run.get_context(allow_offline=False)")

    @classmethod
    def get_submitted_run(cls, **_ignored: Any) -> Run:
        """`get_context(allow_offline=False)`."""
        return cls.get_context(allow_offline=False)

    @property
    def output_datasets(self) -> dict[str, Any]:
        """Empty: outputs that become datasets belong to v1's pipelines."""
        return {}

    def start(self) -> None:
        """Does nothing: a submitted run is started by its node."""

    def clean(self) -> list[str]:
        """The files that were removed on the node: none, since the node removes them itself when the run ends."""
        return []

    @property
    def experiment(self) -> Experiment:
        """The experiment, an object with `name`."""
        return Experiment(self._experiment)

    @property
    def input_datasets(self) -> dict[str, Any]:
        """The datasets that the run was given, by name: the path of one that is mounted or downloaded."""
        from faena.script import inputs  # few scripts ask

        return inputs.read()

    def _other(self, row: Mapping[str, Any]) -> OtherRun:
        from faena.script.other import OtherRun

        return OtherRun(str(row["id"]), self, self.experiment)

    def _start(self, children: Sequence[dict[str, Any]]) -> Sequence[FamilyRun]:
        return self.start_below(self.id, children)

    def start_below(self, parent: str, children: Sequence[dict[str, Any]]) -> Sequence[FamilyRun]:
        from faena.script.children import start  # few scripts have children

        return start(self, self.experiment, parent, children)

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
        """Runs of an experiment, newest first; see `faena.client.runs.run.Run.list`."""
        from faena.script.other import listed

        return listed(Run.get_context(), experiment, type, tags, properties, status, include_children)

    def flush(self, timeout_seconds: float = 300) -> None:
        """Waits until the server has everything that was logged. Not needed for safety.

        Raises ServiceException when that takes longer than `timeout_seconds`.
        """
        self._ask("flush", {}, float(timeout_seconds))

    def complete(self, _set_status: bool = True) -> None:
        """Does nothing inside a run: it is complete when the script ends well."""

    def fail(self, error_details: Any = None, error_code: Any = None, _set_status: bool = True) -> None:
        """Does not end the run: it fails when the script ends with an error.

        What is said goes to stderr, and into a note of the run, since the script may still end well.
        """
        from faena.script.reports import LONGEST, reported

        told = reported(error_details, error_code)[:LONGEST]
        sys.stderr.write("faena: the script reports a failure: {}\n".format(told))
        self._sink.emit(
            "note", {"code": "reported_failure", "message": "The script called run.fail: " + told}
        )

    def cancel(self) -> None:
        """Only warns: a script ends its run by ending itself."""
        warn_once("faena: run.cancel() inside a run does nothing. End the script to end the run.")

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

    @property
    def parent(self) -> None:
        """None: an offline run has no relatives but those that it starts."""

    def _start(self, children: Sequence[dict[str, Any]]) -> Sequence[FamilyRun]:
        return [_OfflineRun() for _ in children]

    def add_properties(self, properties: Mapping[str, Any]) -> None:
        for key, value in values.marks(properties, "property").items():
            tell("Attempted to add the property {}:\n{}".format(key, value))

    def _upload(
        self, files: dict[str, str], timeout: float | None = None, datastore: str | None = None
    ) -> dict[str, Any]:
        for name, path in files.items():
            tell("Attempted to upload file {}:\n{}".format(name, path))
        return {}

    def _log_file(self, kind: str, name: str, file_name: str, source: Any) -> None:
        shown = source if isinstance(source, (str, os.PathLike)) else file_name
        tell("Attempted to log {} metric {}:\n{}".format(kind, name, shown))

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


_current = None  # type: Run | None  # annotated, Python 3.7 would not let a function change it


def _experiment() -> str:
    """Its name, whose letters this interpreter's locale may lack."""
    given = os.environ.get("FAENA_EXPERIMENT", "")
    try:
        return os.fsencode(given).decode()
    except UnicodeError:
        return given


def _outside(what: str) -> Exception:
    from faena.script.errors import OutsideRun

    return OutsideRun(
        "{} needs a run around it, and this process is outside one: FAENA_RUN_ID and FAENA_SPOOL are not set. "
        "Submit the script with Experiment.submit, or skip the call when run.id starts with 'OfflineRun'.".format(
            what
        )
    )
