from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from faena.testing.kills import processes
from faena.testing.waiting import until
from tests.faults.surroundings import Surroundings
from tests.team.ground import keys


@pytest.fixture
def around(
    surroundings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interpreters_asked: Path
) -> Iterator[Surroundings]:
    """A state folder of this test's own; afterwards nobody may be left."""
    made = Surroundings(tmp_path, runtime=surroundings)
    shutil.copy(interpreters_asked, made.home)
    for name, value in {**made.variables(), **keys()}.items():
        monkeypatch.setenv(name, value)
    yield made
    until(lambda: not processes.of_runtime(surroundings), "all processes have left")
