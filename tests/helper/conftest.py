"""Interpreters that cannot load Faena's handles, with one that can beside them; and this one as if it were such."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import faena_azureml
from faena.script.proxies import asking, names, session
from faena.script.proxies.session import Session
from tests.script.conftest import RunHere, here  # noqa: F401  the fixture

NAMES = str(Path(faena_azureml.__file__).parents[1])


class Outside(RunHere):
    """Outside of any run."""

    @property
    def env(self) -> dict[str, str]:
        inside = ("FAENA_RUN_ID", "FAENA_EXPERIMENT", "FAENA_SPOOL", "FAENA_SOCKET")
        return {name: value for name, value in super().env.items() if name not in inside}


@pytest.fixture
def old(here: RunHere, lasting_surroundings: Path) -> RunHere:  # noqa: F811  likewise
    """As a kernel or a script of the user's own has it."""
    extra = {
        "FAENA_PYTHON": sys.executable,
        "FAENA_AZUREML": NAMES,
        "FAENA_HOME": os.environ["FAENA_HOME"],
        "FAENA_RUNTIME": os.environ["FAENA_RUNTIME"],
        "PYTHONWARNINGS": "error::ResourceWarning",
    }
    return Outside(here.python, here.folder, extra)


@pytest.fixture(scope="module")
def helper(lasting_surroundings: Path) -> Iterator[Session]:
    """A helper of this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAENA_PYTHON", sys.executable)
        before = asking._current
        yield session.current()
        found = asking.if_started()
        if found is not None:
            found.leave()
        asking._current = before


@pytest.fixture(scope="module")
def run_there(helper: Session) -> Callable[..., Any]:
    """Runs lines of Python in the helper, which find what is given by name, and gives what they leave as `found`."""

    def run(code: str, **given: Any) -> Any:
        both = "(exec(code, space), space.get('found'))[1]"
        return names.find("builtins", "eval")(both, {"code": code, "space": given})

    return run
