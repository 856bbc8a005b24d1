"""Interpreters that cannot load Faena's handles, outside any run, with a Python that can beside them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import faena_azureml
from tests.script.conftest import RunHere, here  # noqa: F401  the fixture

NAMES = str(Path(faena_azureml.__file__).parents[1])


@pytest.fixture
def old(here: RunHere, lasting_surroundings: Path) -> RunHere:  # noqa: F811  likewise
    """As a kernel or a script of the user's own has it."""
    here.extra = {
        "FAENA_RUN_ID": "",
        "FAENA_SPOOL": "",
        "FAENA_PYTHON": sys.executable,
        "FAENA_AZUREML": NAMES,
        "FAENA_HOME": os.environ["FAENA_HOME"],
        "FAENA_RUNTIME": os.environ["FAENA_RUNTIME"],
        "PYTHONWARNINGS": "error::ResourceWarning",
    }
    return here
