"""Which scripts a runner starts warm, and from which template."""

from __future__ import annotations

import json
import os
import sys
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from faena.attempts.folder import AttemptFolder
from faena.node.command import script_in
from faena.node.forking import ForkServerLost, NotWarm, Started
from faena.node.warm import record
from faena.node.warm.channel import NoTemplate, Template

CODE = "/faena-source-folder"
"""Stands in a template's variables for the folder of the source, as `CODE` of `_faena_warm.py`."""
_REPORT = "warm.json"
_LARGEST_REPORT = 1 << 20
_MOST_TEMPLATES = 2
_IDLE = 600.0
_OF_A_RUN = (
    "ATTEMPT",
    "CHECKPOINTS",
    "EXPERIMENT",
    "INPUTS",
    "MARK",
    "NODE_COUNT",
    "RANK",
    "RUN_ID",
    "SOCKET",
    "SOURCE_LAST",
    "SPOOL",
)
_PER_RUN = frozenset({"AZUREML_RUN_ID", *(f"FAENA_{name}" for name in _OF_A_RUN)})
"""Variables that no package reads as it is loaded."""
_SUFFIXES = (".py", ".pyc", ".so")


class _Key(NamedTuple):
    """What scripts have in common that are forked from one template."""

    python: str
    environment: str
    built: bool
    variables: frozenset[tuple[str, str]]


class WarmStarts:
    """For one thread. `folder`: where the records of environments lie. `idle`: seconds that a template is kept for."""

    def __init__(self, folder: Path, idle: float = _IDLE) -> None:
        self._folder = folder
        self._idle = idle
        self._templates: OrderedDict[_Key, Template] = OrderedDict()
        self._refused: dict[_Key, str] = {}

    def prepare(
        self,
        order: Mapping[str, Any],
        launch: dict[str, Any],
        folder: AttemptFolder,
        files: Iterable[Mapping[str, Any]],
    ) -> WarmStart:
        """Of the script of `launch`, which is told what a warm start needs. `files`: of the snapshot.

        Raises NotWarm.
        """
        if sys.platform != "linux":
            raise NotWarm("this machine does not run Linux")
        at = script_in(dict(order), folder.code)
        if at is None:
            raise NotWarm(f"{order['script']} is not started by Python alone")
        if launch["mounts"] and os.geteuid() != 0:
            raise NotWarm("its data is mounted, which needs a process of its own")
        key = _key(order, launch["env"], folder)
        if key in self._refused:
            raise NotWarm(self._refused[key])
        launch["warm"] = {"at": at, "code": str(folder.code)}
        return WarmStart(self, key, _modules_of(files, PurePosixPath(order["script"]).parent))

    def template(self, key: _Key) -> Template:
        """One that is ready. Raises NotWarm."""
        found = self._templates.get(key)
        if found is None or not found.is_of_use():
            found = self._begin(key)
        self._templates.move_to_end(key)
        try:
            found.wait_until_ready()
        except NoTemplate as error:
            self._refused[key] = f"its interpreter cannot be kept: {error}"
            self.forget(key)
            raise NotWarm(self._refused[key]) from error
        except TimeoutError as error:
            raise NotWarm(str(error)) from error
        return found

    def _begin(self, key: _Key) -> Template:
        self.forget(key)
        while len(self._templates) >= _MOST_TEMPLATES:
            self.forget(next(iter(self._templates)))
        try:
            known = record.read(self._folder, key.environment)
            begun = Template(key.python, dict(key.variables), known, built=key.built, idle=self._idle)
        except OSError as error:
            raise NotWarm(f"its interpreter could not be started: {error}") from error
        self._templates[key] = begun
        return begun

    def learn(self, key: _Key, names: Iterable[object]) -> None:
        """What a script has loaded is loaded ahead from now on."""
        template = self._templates.get(key)
        if template is None:
            return
        there = record.read(self._folder, key.environment)
        known = record.Record(there.modules, {**there.left_out, **template.record.left_out})
        learned = known.learned(names)
        if learned != there:
            record.write(self._folder, key.environment, learned)
        if learned.modules != template.record.modules:
            try:
                self._begin(key)
            except NotWarm as error:
                print(f"no warm start: {error}", flush=True)

    def forget(self, key: _Key) -> None:
        if (found := self._templates.pop(key, None)) is not None:
            found.close()

    def close(self) -> None:
        for key in list(self._templates):
            self.forget(key)


class WarmStart:
    """Of one script."""

    def __init__(self, starts: WarmStarts, key: _Key, modules: frozenset[str]) -> None:
        self._starts = starts
        self._key = key
        self._modules = modules

    def __call__(self, folder: Path, descriptors: Sequence[int]) -> Started:
        """Its guard, as `ForkServer.fork`. Raises NotWarm."""
        template = self._starts.template(self._key)
        if hidden := sorted(template.names & self._modules):
            raise NotWarm(
                f"the source folder has a module {hidden[0]}, which another one of that name would hide"
            )
        try:
            return template.start(folder, descriptors)
        except (ForkServerLost, OSError) as error:
            self._starts.forget(self._key)
            raise NotWarm(f"its interpreter is of no use: {error}") from error

    def ended(self, folder: AttemptFolder) -> list[str]:
        """Learns from what the script has left; the variables that it set too late."""
        found = _report(folder.path / _REPORT)
        if found["modules"]:
            self._starts.learn(self._key, found["modules"])
        return [name for name in found["late"] if isinstance(name, str)]


def _key(order: Mapping[str, Any], variables: Mapping[str, str], folder: AttemptFolder) -> _Key:
    own = _PER_RUN.union(order.get("data_variables", ()))
    shared = {name: _without_places(value, folder) for name, value in variables.items() if name not in own}
    environment = (order.get("environment") or {}).get("lock") or order["python"]
    return _Key(order["python"], str(environment), order["hooked"], frozenset(shared.items()))


def _without_places(value: str, folder: AttemptFolder) -> str:
    return value.replace(str(folder.code), CODE).replace(str(folder.path), CODE)


def _modules_of(files: Iterable[Mapping[str, Any]], script: PurePosixPath) -> frozenset[str]:
    """Names that the source folder could give to a module, also where a script puts a folder of it on its path."""
    paths = [PurePosixPath(str(file["path"])) for file in files]
    packages = {path.parent for path in paths if path.name.startswith("__init__.")}
    found = {folder.name for folder in packages if folder.parent not in packages}
    roots = {PurePosixPath(), script}
    for path in paths:
        if path.name.endswith(_SUFFIXES) and (path.parent not in packages or path.parent in roots):
            found.add(path.name.partition(".")[0])
    return frozenset(found | {folder.name for folder in packages if folder.parent in roots})


def _report(path: Path) -> dict[str, list[Any]]:
    """What a script's process has left there; it may be anything."""
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_LARGEST_REPORT))
        return {name: list(found[name]) for name in ("modules", "late")}
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return {"modules": [], "late": []}
