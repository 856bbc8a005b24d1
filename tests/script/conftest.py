"""Runs scripts under the interpreters that a run may have, as subprocesses, inside a run's environment."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from faena.environments import interpreters
from faena.kernel.python36 import versions
from faena.node.command import pythonpath
from tests import busy_machine
from tests.examples import long_form
from tests.script.spool_reader import Spool, read_folder

VERSIONS = ("oldest", "3.13")
"""The oldest and the newest that scripts run on.

`make test` tries the former, `make long` the latter, `make faults` those in between.
"""
TODAY = ("3.8", "3.13")
"""The oldest and the newest that packages of today and what serves models run on."""
_OLDEST = ("3.6", "3.7", "3.8")
"""Which one is tried depends on the machine: the first two are brought by nobody."""
_BETWEEN = [pytest.param(version, marks=pytest.mark.campaign) for version in ("3.7", "3.8", "3.11")]


def find_interpreter(version: str) -> str | None:
    """A CPython of this version that is on this machine."""
    wanted = _OLDEST if version == "oldest" else (version,)
    found = filter(None, (interpreters.find(SpecifierSet(f"=={each}.*")) for each in wanted))
    return next((each.path for each in found), None)


@dataclass
class RunHere:
    """A run's environment variables in a temporary folder, and one interpreter to start scripts with."""

    python: str
    folder: Path
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def spool_folder(self) -> Path:
        return self.folder / "spool"

    @property
    def pythonpath(self) -> Path:
        """What a node puts on this interpreter's path."""
        return pythonpath(self.python)

    @property
    def loads_client(self) -> bool:
        """Whether Faena's client runs on it."""
        return versions.minor_of(self.python) >= (3, 11)  # type: ignore[operator]  # it has answered before

    @property
    def launcher(self) -> Path:
        return self.pythonpath / "_faena_launch.py"

    @property
    def env(self) -> dict[str, str]:
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("FAENA_", "PYTHON", "AZUREML_"))
        }
        return {
            **kept,
            "PYTHONPATH": str(self.pythonpath),
            "PYTHONWARNINGS": "error",
            "FAENA_RUN_ID": "demo_1700000000_0a1b2c3d",
            "FAENA_EXPERIMENT": "demo",
            "FAENA_SPOOL": str(self.spool_folder),
            "FAENA_SOCKET": str(self.folder / "s"),
            **self.extra,
        }

    def start(self, source: str, *args: str) -> subprocess.Popen[str]:
        script = self.folder / "train.py"
        script.write_text(source)
        return subprocess.Popen(
            [self.python, str(script), *args],
            env=self.env,
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, source: str, *args: str, rc: int = 0) -> tuple[str, str]:
        """stdout and stderr of the script, which must leave with `rc`."""
        process = self.start(source, *args)
        out, err = process.communicate(timeout=120)
        assert process.returncode == rc, err
        return out, busy_machine.IN_TEXT.sub("", err)

    def spool(self) -> Spool:
        return read_folder(self.spool_folder)


@pytest.fixture(params=[VERSIONS[0], long_form(VERSIONS[1]), *_BETWEEN])
def here(request: pytest.FixtureRequest, tmp_path: Path) -> RunHere:
    python = find_interpreter(request.param)
    if python is None:
        reason = f"no CPython {request.param} on this machine"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    (tmp_path / "spool").mkdir()
    return RunHere(python, tmp_path)


@pytest.fixture
def outside(here: RunHere) -> RunHere:
    """The same interpreter, outside any run."""
    here.extra = {"FAENA_RUN_ID": "", "FAENA_SPOOL": ""}
    return here
