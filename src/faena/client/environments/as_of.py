"""Which date an environment is asked as of, where it names none itself: what the submitter's variables say."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from faena.client.wire import shown
from faena.environments.schemas import EnvironmentRequest
from faena.kernel import dates, uv_files
from faena.kernel.errors import UserErrorException

VARIABLE = "FAENA_AS_OF"
_OF_UV = "UV_EXCLUDE_NEWER"

_told: set[str] = set()


def checked_names(names: object) -> tuple[str, ...]:
    """What `undated` holds. Raises UserErrorException for anything but a list of texts."""
    if isinstance(names, (list, tuple, set, frozenset)) and all(isinstance(name, str) for name in names):
        return tuple(names)
    raise UserErrorException(f"undated is {shown(names)}. Use a list of packages' names, such as ['torch'].")


def with_defaults(request: EnvironmentRequest, source: Path | None = None) -> EnvironmentRequest:
    """With the date of `FAENA_AS_OF` where the request has none, and that of `UV_EXCLUDE_NEWER` for where the
    experiment and the workspace have none either, or of `exclude-newer` in the uv.toml or pyproject.toml of the folder
    `source`; the latter are told once.

    Raises UserErrorException for a `FAENA_AS_OF` that is no date; an empty one is as none.
    """
    if request.interpreter is not None or request.as_of:
        return request
    if said := dates.asked(os.environ.get(VARIABLE, "").strip() or None, VARIABLE):
        return msgspec.structs.replace(request, as_of=said)
    date, says = dates.cutoff_of_uv(os.environ.get(_OF_UV, "")), _OF_UV
    if not date and source is not None:
        date, file = uv_files.of_project(source)
        says = f"exclude-newer of {file}"
    if not date:
        return request
    if date not in _told:
        _told.add(date)
        print(
            f"faena: {says} is set, so that environments are made as of {date} where nothing else says a date. "
            "as_of='today' (--as-of today) turns that off.",
            file=sys.stderr,
        )
    return msgspec.structs.replace(request, as_of_else=date)
