"""What workers are forked from: an interpreter for each environment and its variables that has its packages loaded.

The first worker of an endpoint is started by itself and tells what it has loaded, which a template then loads, too;
from then on workers are forks of it. Fronts of a workspace lend each other their templates: each listens in a folder of
the workspace. One leaves with the last revision of its own front that uses it, or when nobody has asked for long.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from faena.kernel.durable import write_whole
from faena.kernel.preloading import BREAKS
from faena.scoring import lending, template_process
from faena.scoring.launching import MODEL_DIR
from faena.scoring.template_process import Template
from faena.scoring.worker_process import Launch

_log = logging.getLogger(__name__)
FILE = "packages.json"
"""In the endpoint's folder: what workers have loaded, by interpreter."""
SETTING = "FAENA_WARM_WORKERS"
_OFF = ("off", "0", "no", "false")
_LEAST = 40
"""Modules of packages that have to be loaded for a template to be worth its memory."""
_MOST_MODULES = 5000
_MOST_INTERPRETERS = 5
_AFTER = 1.0
"""Seconds from the first worker's beginning: who deploys has the cores until then."""


class Known(Struct):
    """Of one interpreter: modules in the order in which they were loaded; those that do harm to a fork, and why."""

    modules: list[str] = []
    left_out: dict[str, str] = {}


class Templates:
    """Belongs to one event loop. `folder`: of the endpoint; `shared`: where templates are lent, None: nowhere.

    `idle`: seconds after which a template leaves that nobody has asked.
    """

    def __init__(self, folder: Path, shared: Path | None = None, idle: float = 600.0) -> None:
        self._idle = idle
        self._path = folder / FILE
        self._shared = shared
        self._own: set[object] = set()
        """Keys of which a template that another front has is not enough."""
        self._known = _read(self._path)
        self._templates: dict[object, Template] = {}
        self._held: dict[object, list[Warmth]] = {}

    def hold(self, launch: Launch, changed: Callable[[], None]) -> Warmth | None:
        """For a revision, until it is released; None where its workers are not to be forked."""
        if launch.variables.get(SETTING, "").lower() in _OFF:
            return None
        variables = {name: value for name, value in launch.variables.items() if name != MODEL_DIR}
        key = (launch.python, frozenset(variables.items()))
        made = Warmth(self, key, launch, variables, changed)
        self._held.setdefault(key, []).append(made)
        return made

    def find(self, warmth: Warmth) -> Template | None:
        """That of a revision, started where it is missing; None where there is not enough to load."""
        key = warmth.key
        found = self._templates.get(key)
        if found is not None and not found.is_of_use():
            self._close(key)
            found = None
        if found is None:
            found = self._borrowed(warmth) or self._started(warmth)
        if found is not None:
            self._templates[key] = found
        return found

    def _borrowed(self, warmth: Warmth) -> Template | None:
        key = warmth.key
        if self._shared is None or key in self._own:
            return None
        try:
            channel = lending.connected(self._shared, warmth.name)
        except OSError:
            return None
        return Template(channel, lambda: self._changed(warmth.launch, key))

    def _started(self, warmth: Warmth) -> Template | None:
        key = warmth.key
        known = self._known.get(warmth.launch.python, Known())
        wanted = [name for name in known.modules if name.partition(".")[0] not in known.left_out]
        if len(wanted) < _LEAST:
            return None
        listener = None if self._shared is None else lending.listener(self._shared, warmth.name)
        try:
            what = {"modules": known.modules, "left_out": known.left_out, "idle": self._idle}
            channel, process = template_process.start(warmth.launch.python, warmth.variables, what, listener)
        except OSError as error:
            _log.warning("no template of %s: %s", warmth.launch.python, error)
            return None
        finally:
            if listener is not None:
                listener.close()
        return Template(channel, lambda: self._changed(warmth.launch, key), process)

    def learn(self, warmth: Warmth, modules: Iterable[Any]) -> None:
        known = self._known.setdefault(warmth.launch.python, Known())
        have = set(known.modules)
        new = [
            name for name in modules if isinstance(name, str) and name not in have and _may_be_loaded(name)
        ]
        if not new:
            return
        known.modules = [*known.modules, *new][:_MOST_MODULES]
        self._write(warmth.launch.python)
        if len(new) < _LEAST:
            return
        if warmth.key in self._templates:
            self._own.add(warmth.key)
            self._close(warmth.key)  # the next one has them
        asyncio.get_running_loop().call_later(_AFTER, warmth.is_loading)

    def release(self, warmth: Warmth) -> None:
        holders = self._held.get(warmth.key, [])
        if warmth in holders:
            holders.remove(warmth)
        if not holders:
            self._held.pop(warmth.key, None)
            self._close(warmth.key)

    def _changed(self, launch: Launch, key: object) -> None:
        """A template is ready, or is none."""
        found = self._templates.get(key)
        if found is not None and found.left_out:
            known = self._known.setdefault(launch.python, Known())
            if found.left_out.keys() - known.left_out.keys():
                known.left_out |= found.left_out
                self._write(launch.python)
        for warmth in list(self._held.get(key, ())):
            warmth.changed()

    def _close(self, key: object) -> None:
        found = self._templates.pop(key, None)
        if found is not None:
            found.close()

    def _write(self, latest: str) -> None:
        """Nobody needs it: what cannot be written is learned again."""
        others = [each for each in self._known if each != latest]
        for python in others[: max(0, len(others) + 1 - _MOST_INTERPRETERS)]:
            self._known.pop(python)
        with contextlib.suppress(OSError):
            write_whole(self._path, msgspec.json.encode(self._known), mode=0o600)


class Warmth:
    """What one revision has of the templates."""

    def __init__(
        self,
        templates: Templates,
        key: object,
        launch: Launch,
        variables: Mapping[str, str],
        changed: Callable[[], None],
    ) -> None:
        self.key = key
        self.launch = launch
        self.variables = variables
        self.changed = changed
        self.name = hashlib.sha256(repr((launch.python, sorted(variables.items()))).encode()).hexdigest()[:32]
        """That of its socket."""
        self._templates = templates
        self._released = False

    def is_loading(self) -> bool:
        """Whether a worker had better wait; begins to load where that has not been begun."""
        found = None if self._released else self._templates.find(self)
        return found is not None and found.is_loading and time.monotonic() < found.patience

    def template(self) -> Template | None:
        """What a worker can be forked from now."""
        found = None if self._released else self._templates.find(self)
        if found is None or found.is_loading or found.refused:
            return None
        if found.hides(self.launch):
            self.release()  # it would never be used
            return None
        return found

    def learn(self, modules: Iterable[Any]) -> None:
        """What a worker has loaded besides."""
        if not self._released:
            self._templates.learn(self, modules)

    def release(self) -> None:
        if not self._released:
            self._released = True
            self._templates.release(self)


def _may_be_loaded(name: str) -> bool:
    parts = name.split(".")
    return all(map(str.isidentifier, parts)) and parts[-1] != "__main__" and parts[0] not in BREAKS


def _read(path: Path) -> dict[str, Known]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Known])
    except (OSError, msgspec.DecodeError):
        return {}
