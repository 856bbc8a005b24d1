"""Lists of packages that lie in a source folder are offered where a run asks for none; they are never used unasked.

v1 did not use them either, and a script that ran without them would change with a file that came for something else.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import msgspec

from faena.environments.schemas import EnvironmentRequest, PipOptions

_OPTIONS = {
    "requirements.txt": ("pip_requirements_file='requirements.txt'", "--requirements requirements.txt"),
    **{
        name: (f"conda_dependencies_file='{name}'", f"--conda-file {name}")
        for name in ("environment.yml", "environment.yaml", "conda.yml", "conda_dependencies.yml")
    },
    "pyproject.toml": ("pip_packages=['.']", "--pip ."),
}
_MAX_BYTES = 1 << 20

_told: set[Path] = set()


def noted(request: EnvironmentRequest, folder: Path) -> EnvironmentRequest:
    """The request, with a note for the build log where the folder has a list that it does not use; told once."""
    if not _asks_for_nothing(request):
        return request
    for name, (parameter, option) in _OPTIONS.items():
        file = folder / name
        if not file.is_file() or (name == "pyproject.toml" and not _lists_packages(file)):
            continue
        note = (
            f"{name} in the source folder is not used, since no packages were asked for: give {parameter} "
            f"({option})."
        )
        if file.absolute() not in _told:
            _told.add(file.absolute())
            print(f"faena: {note}", file=sys.stderr)
        return msgspec.structs.replace(request, notes=(*request.notes, note))
    return request


def _asks_for_nothing(request: EnvironmentRequest) -> bool:
    """v1's own packages, which each of its lists began with, count as nothing."""
    listed = [*request.packages, *request.conda_packages]
    own = [each for each in listed if not each.lower().startswith("azureml")]
    rest = (request.interpreter, request.framework, request.archives, request.index_urls)
    return not own and not any(rest) and request.pip == PipOptions()


def _lists_packages(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            found = tomllib.loads(opened.read(_MAX_BYTES).decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return False
    project = found.get("project")
    return isinstance(project, dict) and bool(project.get("dependencies"))
