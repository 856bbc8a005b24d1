"""An endpoint that 32 clients ask while it is updated, replaced, and everybody who belongs to it is killed."""

from __future__ import annotations

import os
import random
import signal
import ssl
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from faena import Environment, InferenceConfig, LocalWebservice, Model, Webservice, Workspace
from faena.endpoints.folder import EndpointFolder
from faena.kernel.discovery import start_module
from faena.kernel.errors import FaenaError, StorageFull
from faena.testing.kills import processes
from faena.testing.kills.evidence import PATIENCE, after
from faena.testing.shutdown import shut_down
from faena.testing.waiting import until
from tests.faults.endpoint_table import Plan, Row
from tests.faults.full_disk import Ballast, CannotMount, mounted
from tests.scoring.fronts import counted_at
from tests.scoring.listening import certify
from tests.scoring.load import Load

_WORKERS = 2
_TIMEOUT = 4.0
"""Seconds that a request may take: who is stopped costs the one that it runs so long."""
_SCRIPT = """
import json
def init(): pass
def run(data): return [{number}, json.loads(data)]
"""


class Campaign:
    """On one endpoint with two workers, and one with a certificate."""

    def __init__(
        self, folder: Path, disk: Path | None, plan: Plan, seed: int, tell: Callable[[str], None]
    ) -> None:
        """`disk`: a small one, for the workspace; None where there is none."""
        self._plan = plan
        self._disk = disk
        self._tell = tell
        self._chance = random.Random(seed)
        self._folder = folder
        self._workspace = Workspace.create("endpoints", (disk or folder) / "project")
        (folder / "m.bin").write_text("w")
        self._model = Model.register(self._workspace, folder / "m.bin", "m")
        self._certificate, self._private = folder / "certificate.pem", folder / "key.pem"
        certify(self._certificate, self._private)
        self._revision = 0
        self._counted: Counter[int] = Counter()
        """What clients of the endpoint have got since its front's counts began."""

    def run(self) -> list[Row]:
        self._service = self._deployed("plain")
        self._key = self._service.get_keys()[0]
        plan = self._plan
        rows = [
            self._row("updated", plan.updates, self._update, 0, set(), plan.requests),
            self._row("worker killed", plan.workers, self._kill_worker, 1, {502}),
            self._row("worker stopped", plan.stops, self._stop_worker, 1, {504}),
            self._row("server killed", plan.servers, self._kill_server, 0, set()),
            self._row("front replaced", plan.replaced, self._replace, 0, set()),
            self._row("disk full", plan.disks if self._disk else 0, self._fill_disk, 1, {502}),
            # A front that is killed loses what each client had on its way, and its counts.
            self._row("front killed", plan.fronts, self._kill_front, plan.clients, set(), counts=False),
        ]
        self._service.delete()
        self._service = self._deployed("secret", self._certificate, self._private)
        self._key = self._service.get_keys()[0]
        self._counted.clear()
        tls = ssl.create_default_context(cafile=str(self._certificate))
        rows.append(self._row("front replaced (TLS)", plan.replaced, self._replace, 0, set(), tls=tls))
        shut_down(self._workspace)
        return [row for row in rows if row.times or row.wrong]

    def _deployed(self, name: str, certificate: Path | None = None, key: Path | None = None) -> Webservice:
        how = LocalWebservice.deploy_configuration(
            workers=_WORKERS, timeout_seconds=_TIMEOUT, ssl_cert_pem_file=certificate, ssl_key_pem_file=key
        )
        service = Model.deploy(self._workspace, name, [self._model], self._script(), how)
        service.wait_for_deployment()
        return service

    def _script(self) -> InferenceConfig:
        self._revision += 1
        source = self._folder / "source"
        source.mkdir(exist_ok=True)
        (source / "score.py").write_text(_SCRIPT.replace("{number}", str(self._revision)))
        environment = Environment("own")
        environment.python.user_managed_dependencies = True
        environment.python.interpreter_path = sys.executable
        return InferenceConfig("score.py", source_directory=source, environment=environment)

    def _row(
        self,
        what: str,
        times: int,
        happen: Callable[[Load], None],
        costs: int,
        statuses: set[int],
        requests: int = 0,
        *,
        counts: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> Row:
        """Have it happen so often under load, each of which may cost so many requests."""
        row, began = Row(what, allowed=costs * times), time.monotonic()
        if not times:
            return row
        with self._load(tls) as load:
            try:
                load.more(self._plan.clients)
                for _ in range(times):
                    happen(load)
                    row.times += 1
                until(lambda: load.asked >= requests, f"{requests} requests", seconds=1800)
                load.more(self._plan.clients)
            except (AssertionError, FaenaError, OSError) as error:
                row.wrong.append(f"{type(error).__name__}: {error}")
        row.take(load, statuses)
        if counts:
            row.wrong += self._uncounted(load, tls)
        self._tell(f"{time.monotonic() - began:.1f} s: {row}")
        return row

    @contextmanager
    def _load(self, tls: ssl.SSLContext | None) -> Iterator[Load]:
        half = self._plan.clients // 2
        how = {"lasting": self._plan.clients - half, "fresh": half}
        with Load(self._port, **how, key=self._key, tls=tls, echoes=True, pause=self._plan.pause) as load:
            yield load

    def _uncounted(self, load: Load, tls: ssl.SSLContext | None) -> Iterator[str]:
        """Do /metrics say what the clients say?"""
        self._counted += load.statuses
        try:
            until(
                lambda: counted_at(self._port, self._key, tls) == self._counted,
                "the counts are equal",
                seconds=10,
            )
        except AssertionError:
            yield f"/metrics: {counted_at(self._port, self._key, tls)}, clients: {self._counted}"

    # What happens

    def _update(self, load: Load) -> None:
        self._service.update(inference_config=self._script())
        self._service.wait_for_deployment(timeout_sec=PATIENCE)
        wanted = b"%d" % self._revision
        until(lambda: load.bodies[wanted], f"revision {wanted!r} answers")

    def _kill_worker(self, load: Load) -> None:
        load.more(self._plan.clients, despite=True)
        self._rest(load)
        pid = until(lambda: self._chance.choice(self._workers() or [0]), "there is a worker")
        processes.kill(pid)

    def _stop_worker(self, load: Load) -> None:
        self._rest(load)
        until(lambda: len(self._workers()) == _WORKERS, "all are ready")
        pid = self._chance.choice(self._workers())
        os.kill(pid, signal.SIGSTOP)
        until(lambda: pid not in self._workers(), "it is replaced", seconds=PATIENCE)

    def _kill_server(self, load: Load) -> None:
        self._rest(load)
        server = processes.server_of(self._workspace.files.path)
        assert server is not None
        processes.kill(server)
        self._rest(load)
        self._service.update_deployment_state()

    def _kill_front(self, load: Load) -> None:
        self._rest(load)
        front = self._front_pid()
        processes.kill(front)
        until(lambda: self._front.front_pid() not in (None, front), "another one is there", seconds=PATIENCE)
        load.more(self._plan.clients, despite=True)
        until(after(self._plan.front_rest), "it has lasted")

    def _fill_disk(self, load: Load) -> None:
        """A worker is killed meanwhile, and nothing can be deployed."""
        assert self._disk is not None
        ballast = Ballast(self._disk / "ballast")
        try:
            ballast.grow()
            load.more(self._plan.clients)
            self._kill_worker(load)
            load.more(self._plan.clients, despite=True)
            ballast.grow()
            try:
                Model.deploy(self._workspace, "other", [self._model], self._script())
            except StorageFull:
                pass
            else:
                raise AssertionError("something was deployed on a full disk")
        finally:
            ballast.drop()
        until(lambda: len(self._workers()) == _WORKERS, "status.json tells of all", seconds=PATIENCE)
        self._service.update_deployment_state()
        assert self._service.state == "Healthy", self._service.error

    def _replace(self, load: Load) -> None:
        self._rest(load)
        before = self._front_pid()
        log = self._front.logs / "front.log"
        new = start_module("faena.scoring", [str(self._front.path), "--replace"], log=log)
        until(lambda: self._front.front_pid() == new.pid, "it has taken over", seconds=PATIENCE)
        until(lambda: not processes.runs(before), "the one before has left", seconds=PATIENCE + 60)

    def _rest(self, load: Load) -> None:
        """A moment, chosen by chance, in which requests are answered."""
        waited = after(self._chance.uniform(0.0, 0.2))
        until(waited, "a moment")

    def _front_pid(self) -> int:
        return until(lambda: self._front.front_pid() or 0, "there is a front")

    @property
    def _front(self) -> EndpointFolder:
        return EndpointFolder.of(self._workspace.files.path, self._service.name)

    @property
    def _port(self) -> int:
        assert self._service.view.port is not None
        return self._service.view.port

    def _workers(self) -> list[int]:
        """Process ids of those that are ready."""
        status = self._front.status()
        found = [] if status is None else [each for one in status.revisions.values() for each in one.workers]
        return [each.pid for each in found if each.pid and each.state in ("Ready", "Busy")]


def endured(folder: Path, plan: Plan, seed: int, tell: Callable[[str], None]) -> list[Row]:
    began = time.monotonic()
    folder.mkdir(parents=True)
    try:
        with mounted(folder / "small") as disk:
            rows = Campaign(folder, disk, plan, seed, tell).run()
    except CannotMount as error:
        tell(f"no small file system could be mounted: {error}")
        rows = Campaign(folder, None, plan, seed, tell).run()
    tell(f"endpoints: {time.monotonic() - began:.0f} s")
    return rows
