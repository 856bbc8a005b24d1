"""Runs whose entry script is a notebook: what their environment must hold beside what was asked for."""

from __future__ import annotations

import msgspec

from faena.environments import interpreters
from faena.kernel.errors import UserErrorException
from faena.runs.submission_schemas import Submission

NEEDED = ("papermill", "ipykernel")
"""They run the cells and keep the notebook with its outputs; see `_faena_notebook.py`."""


def is_notebook(script: str) -> bool:
    return script.endswith(".ipynb")


def with_what_it_needs(submission: Submission) -> Submission:
    """The submission of a notebook with the packages that run it; any other one as it is.

    Raises UserErrorException where an interpreter that is used as it is lacks them.
    """
    if submission.entry != "script" or not is_notebook(submission.script):
        return submission
    environment = submission.environment
    if environment.interpreter is None:
        packages = dict.fromkeys((*environment.packages, *NEEDED))
        environment = msgspec.structs.replace(environment, packages=tuple(packages))
        return msgspec.structs.replace(submission, environment=environment)
    if missing := interpreters.lacks(environment.interpreter, NEEDED):
        raise UserErrorException(
            f"The entry script {submission.script!r} is a notebook, and {environment.interpreter} lacks "
            f"{' and '.join(missing)}. Install what is missing into it, or let Faena build the environment."
        )
    return submission
