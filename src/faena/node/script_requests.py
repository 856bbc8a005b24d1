"""Answers what the script asks over its Unix socket: the calls that need more than a spool record."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any

from faena.attempts.api import ServerApi
from faena.attempts.delivery import Delivery
from faena.attempts.folder import AttemptFolder
from faena.attempts.key import AttemptKey
from faena.attempts.output_names import remains
from faena.attempts.redaction import Redaction
from faena.attempts.upload import Shipper
from faena.kernel import data_loss
from faena.kernel.errors import FaenaError, ModelPathNotFoundException, UserErrorException
from faena.kernel.process_identity import Living
from faena.kernel.transport import segment
from faena.node import mlflow, models, sample_data
from faena.node.accepting import accept_forever, shut
from faena.node.children import ATTEMPT, Children
from faena.node.ranks import answers

_LINE = 4 << 20
_WRITING_DOWN = 2.0
"""Seconds that a guard gets for its record of the start, where others have the cores."""


class Answerer:
    """Of one attempt, from the moment it is made until `close`."""

    def __init__(
        self,
        path: Path,
        api: ServerApi,
        key: AttemptKey,
        folder: AttemptFolder,
        shipper: Shipper,
        open_object: Callable[[str], IO[bytes]],
        redaction: Redaction,
        children: Children | None = None,
    ) -> None:
        """`children`: who keeps runs below this one, where the server cannot."""
        self._children = children
        self._api = api
        self._key = key
        self._folder = folder
        self._shipper = shipper
        self._open_object = open_object
        self._redaction = redaction
        self._mlflow = mlflow.Door(api, key, redaction)
        self._is_started = False
        self._started: dict[str, Delivery] = {}
        """The runs that the script has started below its own, by their ids."""
        self._verbs: dict[str, Callable[[dict[str, Any]], Any]] = {
            "flush": self._flush,
            "dropped": self._dropped,
            "start_runs": self._start_runs,
            "end_run": self._end_run,
            "register_model": self._register_model,
            "ensure_dataset": self._ensure_dataset,
            "get_model": self._get_model,
            "open_mlflow": self._open_mlflow,
            **answers.verbs(api, key),
            **{verb: partial(self._ask, verb) for verb in api.questions.verbs},
        }
        # a server of the same host removes folders that nobody has something in, as that of a joined node between runs
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        path.chmod(0o600)
        self._listener.listen(64)
        self._path = path
        accept_forever(self._listener, self._serve, "answer")

    def close(self) -> None:
        self._path.unlink(missing_ok=True)
        shut(self._listener)
        self._mlflow.close()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as lines:
            try:
                while line := lines.readline(_LINE):
                    lines.write(json.dumps(self._answer(line)).encode() + b"\n")
                    lines.flush()
            except OSError:
                return  # the process went away; what it asked for was done or will be asked again

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            asked = json.loads(line)
            verb, arguments = asked["verb"], asked["arguments"]
            serve = self._verbs[verb]
        except (ValueError, KeyError, TypeError, RecursionError):
            known = ", ".join(self._verbs)
            return _error(UserErrorException(f"{line[:80]!r} is not a request. Known verbs: {known}."))
        try:
            return {"ok": serve(arguments)}
        except FaenaError as error:
            return _error(error)
        except (OSError, KeyError, TypeError, ValueError) as error:
            return _error(UserErrorException(f"{verb} failed: {type(error).__name__}: {error}"))

    def _flush(self, arguments: dict[str, Any]) -> None:
        self._bring(str(arguments.get("run_id", self._key.run_id)))

    def _dropped(self, arguments: dict[str, Any]) -> None:
        loss = data_loss.dropped(str(arguments["writer"])[:80], int(arguments["records"]))
        self._api.note(self._key, loss.code, loss.message, loss.about)

    def _ask(self, verb: str, arguments: dict[str, Any]) -> Any:
        """About this run, or the run that `run_id` names; with all that was logged by now, where it is the script's."""
        run_id = str(arguments.pop("run_id", self._key.run_id))
        self._until_started()
        self._bring(run_id)
        found = self._api.ask(verb, run_id, arguments)
        if verb == "get_secrets":
            self._redaction.learn(found)  # before the script has them
        return found

    def _until_started(self) -> None:
        """Its guard writes down that the script runs, which asks already: told it, the server calls the run Running."""
        deadline = time.monotonic() + _WRITING_DOWN
        while not self._is_started and self._folder.started_at() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        self._is_started = True

    def _bring(self, run_id: str) -> None:
        if run_id == self._key.run_id:
            self._shipper.flush()
        elif run_id in self._started:
            self._started[run_id].flush()

    def _start_runs(self, arguments: dict[str, Any]) -> Any:
        arguments.pop("run_id", None)
        if self._children is not None:
            below = self._children.start(arguments["runs"])
            self._started |= {run["id"]: delivery for run, delivery in below}
            attempts = self._folder.path.parents[2]
            return [
                {"run": run, "folder": str(AttemptKey(run["id"], ATTEMPT, 0).folder(attempts))}
                for run, _ in below
            ]
        process = Living.of(int(arguments["pid"]))
        if process is None:
            raise UserErrorException(f"There is no process {arguments['pid']} that could start a run.")
        started = self._api.start_runs(process, arguments["runs"])
        for each in started:
            self._started[each["run"]["id"]] = Delivery(self._api, Path(each["folder"]))
        return started

    def _end_run(self, arguments: dict[str, Any]) -> None:
        run_id = str(arguments["run_id"])
        if self._children is not None:
            self._children.finish(run_id, arguments["outcome"], arguments["note"])
            self._started.pop(run_id, None)
            return
        if delivery := self._started.get(run_id):
            if (note := arguments["note"]) and delivery.is_open:
                delivery.note(*note)
            delivery.finish(arguments["outcome"])
            del self._started[run_id]

    def _register_model(self, arguments: dict[str, Any]) -> Any:
        """Brings the bytes to the run first, so that the model is whole when the call returns."""
        name = str(arguments["model_name"])
        wanted = str(arguments.get("model_path") or name)
        run_id = str(arguments.get("run_id", self._key.run_id))
        files = self._files_under(wanted) if run_id == self._key.run_id else {}
        if run_id != self._key.run_id:
            self._bring(run_id)
        elif files:
            self._api.ingest(self._key, files)
        elif wanted.startswith(("outputs/", "logs/")) and not self._kept_under(wanted):
            names = {*self._files_under("outputs"), *self._file_names()}
            there = ", ".join(sorted(names)) or "nothing yet"
            raise ModelPathNotFoundException(
                f"Could not locate the provided model_path {wanted} in the run's folder. There is: {there}"
            )
        request = {
            "run_id": run_id,
            "path": wanted,
            "tags": arguments.get("tags") or {},
            "properties": arguments.get("properties") or {},
            "description": arguments.get("description") or "",
            "framework": arguments.get("framework") or "",
            "framework_version": arguments.get("framework_version") or "",
            "datasets": arguments.get("datasets") or [],
            "is_kept": run_id == self._key.run_id,
        }
        path = f"/models/{segment(name)}/registrations/{segment(str(arguments['request_id']))}"
        return self._api.call("PUT", path, request)

    def _files_under(self, wanted: str) -> dict[str, Path]:
        if ".." in Path(wanted).parts or wanted.startswith("/"):
            return {}
        return remains(self._folder.code, (wanted,))[0]

    def _kept_under(self, wanted: str) -> bool:
        prefix = wanted.rstrip("/") + "/"
        return any(name == wanted or name.startswith(prefix) for name in self._file_names())

    def _file_names(self) -> list[str]:
        names: list[str] = self._api.ask("get_file_names", self._key.run_id, {})
        return names

    def _ensure_dataset(self, arguments: dict[str, Any]) -> Any:
        name = str(arguments["name"])
        if not self._api.shares_files:
            return sample_data.bring(self._api, name)
        return self._api.call("POST", f"/datasets/{segment(name)}", {})

    def _open_mlflow(self, arguments: dict[str, Any]) -> Any:
        return self._mlflow.open()

    def _get_model(self, arguments: dict[str, Any]) -> str:
        return models.bring(self._api, self._open_object, arguments)


def _error(error: FaenaError) -> dict[str, Any]:
    return {"error": {"code": error.code, "message": error.message}}
