"""An environment as a folder: its definition, and its packages in a conda environment file that people may change."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Protocol

from faena.client.environments.conda_dependencies import DEFAULT_FILE, CondaDependencies
from faena.client.workspaces.session import Session
from faena.data.datastores.schemas import TakeRequest
from faena.kernel import digests
from faena.kernel.errors import UserErrorException

DEFINITION = "azureml_environment.json"
"""v1's name for it."""
_MAX_FILE = 1 << 20


class Described(Protocol):
    """What is written."""

    def to_dict(self) -> dict[str, Any]: ...


def save(environment: Described, folder: Path, *, overwrite: bool) -> None:
    """Both files, or none where one is in the way. Raises UserErrorException."""
    described = environment.to_dict()
    listed = described["sections"]["python"]["conda_dependencies"]
    files = {DEFINITION: json.dumps(described, indent=4) + "\n"}
    if listed is not None:
        files[DEFAULT_FILE] = CondaDependencies(_underlying_structure=listed).serialize_to_string()
    there = [name for name in files if os.path.lexists(folder / name)]
    if there and not overwrite:
        raise UserErrorException(f"{folder / there[0]} exists already. Use overwrite=True to replace it.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserErrorException(f"{folder} cannot be written: {error}. Give another folder.") from error


def load(folder: Path) -> dict[str, Any]:
    """The definition, with the packages that the conda environment file lists now."""
    file = folder / DEFINITION
    try:
        if file.stat().st_size > _MAX_FILE:
            raise UserErrorException(f"{file} is larger than {_MAX_FILE} bytes: no environment's definition.")
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserErrorException(
            f"{file} cannot be read: {error}. Give a folder that save_to_directory wrote."
        ) from error
    if not isinstance(found, dict):
        raise UserErrorException(
            f"{file} describes no environment. Give a folder that save_to_directory wrote."
        )
    packages = folder / DEFAULT_FILE
    if packages.exists():
        python = found.setdefault("sections", {}).setdefault("python", {})
        python["conda_dependencies"] = CondaDependencies(packages).as_dict()
    return found


def keep_wheel(workspace: Session, wheel: Path, *, exist_ok: bool) -> str:
    """The file URL of a wheel's copy in the default datastore."""
    if wheel.suffix != ".whl" or not wheel.is_file():
        raise UserErrorException(f"{os.fspath(wheel)!r} is no wheel. Give a file whose name ends in .whl.")
    if workspace.url:
        raise UserErrorException(
            f"The workspace at {workspace.url} keeps wheels where no path of this machine leads. Name {wheel.name!r} "
            "by its path among the packages: its bytes are sent."
        )
    store = workspace.api.data.datastore(_default(workspace))
    path = f"wheels/{wheel.name}"
    written = workspace.api.data.take_file(store.name, TakeRequest(path, str(wheel.absolute())))
    kept = Path(store.folder) / path
    if not written and not (exist_ok and digests.of_file(kept) == digests.of_file(wheel)):
        other = "with other bytes. Give it another version" if exist_ok else "already. Use exist_ok=True"
        raise UserErrorException(f"The workspace has a wheel {wheel.name!r} {other}.")
    return kept.as_uri()


def _default(workspace: Session) -> str:
    return next(store.name for store in workspace.api.data.datastores() if store.is_default)
