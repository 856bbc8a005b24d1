"""Reads conda files: text of a sane size, no tags that make objects."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from faena.client.environments import pip_file
from faena.client.environments.text_files import text_of
from faena.kernel.errors import UserErrorException

_EXPORTED = re.compile(r"[A-Za-z0-9_][\w.-]*=[\w.!+-]+=[\w.]+", re.ASCII)


def read_conda(path: str | os.PathLike[str]) -> dict[str, Any]:
    """A conda environment file as a dictionary. Raises UserErrorException saying what about it cannot be used."""
    import yaml  # which scripts that hold handles need not have

    text = text_of(path, "conda file")
    if (listed := _listed(text, path)) is not None:
        return listed
    try:
        # Aliases are kept as references, so that a file of a few lines that means a billion items stays small.
        # Not the faster CSafeLoader: it dies, with the whole process, of lists nested 100,000 deep.
        found = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        where = getattr(error, "problem", None) or type(error).__name__
        raise UserErrorException(
            f"The conda file {path} cannot be read: {str(where)[:200]}. It must be plain YAML: a 'dependencies' list."
        ) from error
    checked = check_conda(found, str(path))
    folder = Path(path).expanduser().absolute().parent
    for entry in checked["dependencies"]:
        if isinstance(entry, dict):
            entry["pip"] = [line for each in entry["pip"] for line in _placed(each, folder, path)]
    return checked


def _placed(text: str, folder: Path, path: str | os.PathLike[str]) -> list[str]:
    try:
        return pip_file.placed(text, (folder, Path.cwd()))
    except UserErrorException as error:
        if isinstance(error.__cause__, UserErrorException):  # it names a file that `text` names
            raise
        raise UserErrorException(f"{path}: {error.message}") from error


def check_conda(found: Any, what: str) -> dict[str, Any]:
    """The parts that mean something here, each of the kind that it must be."""
    if not isinstance(found, dict) or not isinstance(found.get("dependencies") or [], list):
        raise UserErrorException(
            f"{what} is no conda file: it needs a list 'dependencies', such as [python=3.9, numpy, {{pip: [six]}}]."
        )
    dependencies: list[Any] = []
    for entry in found.get("dependencies") or []:
        inner = entry.get("pip") if isinstance(entry, dict) and list(entry) == ["pip"] else None
        if isinstance(entry, dict) and list(entry) == ["pip"] and inner is None:
            continue  # `- pip:` with nothing in it
        if not (
            isinstance(entry, str) or (isinstance(inner, list) and all(isinstance(x, str) for x in inner))
        ):
            raise UserErrorException(
                f"{what} has a dependency that is no text and no pip list. Write 'numpy=1.19' or 'pip: [six]'."
            )
        dependencies.append(entry if isinstance(entry, str) else {"pip": list(inner or [])})
    channels = found.get("channels") or []
    if not isinstance(channels, list) or not all(isinstance(channel, str) for channel in channels):
        raise UserErrorException(f"The channels of {what} are no list of names. Write [conda-forge].")
    variables = found.get("variables") or {}
    if not isinstance(variables, dict) or not all(
        isinstance(name, str) and isinstance(value, (str, int, float)) for name, value in variables.items()
    ):
        raise UserErrorException(f"The variables of {what} are no names with values. Write {{NAME: value}}.")
    return {**found, "dependencies": dependencies}


def _listed(text: str, path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """What `conda list --export` wrote, as an environment file has it; None for other files."""
    lines = [line.strip() for line in text.split("\n") if line.strip() and not line.startswith("#")]
    if "@EXPLICIT" in lines[:1]:
        raise UserErrorException(
            f"The conda file {path} lists files of one platform (@EXPLICIT). Write it with `conda env export`."
        )
    if not lines or not all(_EXPORTED.fullmatch(line) for line in lines):
        return None
    return {"dependencies": lines}
