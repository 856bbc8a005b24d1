"""Holds the endpoints of this machine: asks the server which they are to be, tends them, and says how they are.

What the server does not name stays as it is: it may be away, or have been started a moment ago. Fronts are processes of
their own, which outlive this one; whoever runs here next finds them by their locks.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from faena.attempts.api import ServerApi
from faena.endpoints.front_folder import FrontFolder
from faena.endpoints.fronts import Fronts
from faena.endpoints.pace import Pace
from faena.kernel.errors import FaenaError
from faena.kernel.transport import Transport, segment
from faena.node.joined.cache import Cache
from faena.node.joined.endpoints.held import Held
from faena.node.joined.endpoints.preparing import Preparing
from faena.node.joined.endpoints.questions import answer
from faena.node.joined.machine import Machine

FOLDER = "endpoints"
_WAIT = 25.0
"""Seconds for which the server may hold the question what there is to do."""
_AWAY = 1.0
"""Seconds between tries to reach a server that is away."""
_PAUSE = 0.2
"""Seconds for which a report may be on its way."""


def _folders(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (each for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))


class Holder:
    """One for a runner. It has two threads: one listens to the server, one tends."""

    def __init__(self, machine: Machine, cache: Cache) -> None:
        self._folder = machine.folder / FOLDER
        self._api = ServerApi(Transport(machine.address, patience=0.0))
        self._preparing = Preparing(self._api, cache, machine.folder / "endpoint-builds", machine.name)
        self._fronts = Fronts()
        self._pace = Pace()
        self._node = ""
        self._has_begun = False
        self._held: dict[str, Held] = {}
        self._told: dict[str, Any] | None = None
        """What the server said last."""
        self._is_new = False
        self._is_over = False
        self._reported: dict[str, Any] | None = None
        self._complaint = ""
        self._changed = threading.Event()
        self._called = threading.Event()
        self._turn = threading.Lock()

    def serve_as(self, node: str) -> None:
        """The server has something for it. `node`: the runner by which it knows this machine from now on."""
        first, is_other = not self._has_begun, node != self._node
        self._node = node
        if is_other:
            self._reported = None
        self._called.set()
        if first:
            self._has_begun = True
            self._folder.mkdir(mode=0o700, exist_ok=True)
            for path in _folders(self._folder):
                self._hold(path.name)
            for work in (self._listen, self._tend):
                threading.Thread(target=work, name=f"endpoints{work.__name__}", daemon=True).start()

    def end_all(self) -> None:
        """Nobody will ask for them any more."""
        self._is_over = True
        self._changed.set()

    @property
    def names(self) -> list[str]:
        return sorted(name.rpartition(".")[0] for name in self._held)

    @property
    def is_empty(self) -> bool:
        return not self._held

    def _hold(self, name: str) -> Held:
        folder = FrontFolder(self._folder / name)
        make = self._preparing.make
        made = Held(folder, self._fronts, lambda number, go_on: make(self._node, name, number, folder, go_on))
        self._held[name] = made
        return made

    # The server

    def _listen(self) -> None:
        have = ""
        while not self._is_over:
            try:
                at = f"/nodes/{segment(self._node)}/endpoints?wait={_WAIT:g}&have={have}"
                told: dict[str, Any] = self._api.ask_soon(at, _WAIT)
            except FaenaError:  # the lease tells of a server that is away
                time.sleep(_AWAY)
                continue
            have = told["version"]
            with self._turn:
                self._told, self._is_new = told, True
                if told["report"]:
                    self._reported = None
            self._changed.set()
            for question in told["questions"]:
                threading.Thread(target=self._answer, args=(question,), name="answer", daemon=True).start()
            if told["report"]:
                time.sleep(_PAUSE)  # it is on its way
            if not told["endpoints"] and not told["end"] and self.is_empty:
                self._called.clear()
                self._called.wait()

    def _answer(self, question: dict[str, Any]) -> None:
        held = self._held.get(question["endpoint"])
        if held is None:
            return
        try:
            at = f"/nodes/{segment(self._node)}/endpoint-answers/{segment(question['id'])}"
            self._api.bring(at, answer(question, held.folder))
        except FaenaError as error:
            print(f"the server did not take an answer about {held.id}: {error.message}", flush=True)

    # What is here

    def _tend(self) -> None:
        pause = 0.0
        while True:
            self._changed.wait(pause)
            self._changed.clear()
            try:
                pause = self._step()
            except Exception:  # noqa: BLE001  whatever it is, endpoints are looked after
                traceback.print_exc()
                pause = _AWAY

    def _step(self) -> float:
        with self._turn:
            told, is_new = self._told, self._is_new
            self._is_new = False
        if told is not None and is_new:
            for wanted in told["endpoints"]:
                (self._held.get(wanted["id"]) or self._hold(wanted["id"])).want(wanted)
        ending = set() if told is None else set(told["end"])
        if self._is_over:
            ending = set(self._held)
        is_busy = False
        for name, held in list(self._held.items()):
            try:
                if name in ending:
                    is_busy = True
                    if held.end():
                        self._held.pop(name)
                else:
                    held.tend()
                    is_busy = is_busy or held.is_coming
            except OSError as error:
                self._complain(name, error)
        self._report()
        return self._pace.until_next("all", 1 if is_busy else None)

    def _report(self) -> None:
        found = {"endpoints": {name: held.said() for name, held in list(self._held.items())}}
        with self._turn:
            if found == self._reported:
                return
            self._reported = found
        try:
            self._api.call("PUT", f"/nodes/{segment(self._node)}/endpoints", found)
        except FaenaError:
            with self._turn:
                self._reported = None

    def _complain(self, name: str, error: OSError) -> None:
        """Once while it is the same."""
        words = f"the endpoint {name} cannot be looked after: {error}"
        if words != self._complaint:
            print(words, flush=True)
        self._complaint = words
