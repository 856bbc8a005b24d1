"""Reads conda and pip files: text of a sane size, no tags that make objects, no options but those of indexes."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from faena.kernel.errors import UserErrorException

_MAX_BYTES = 256 << 10
_INDEX_OPTION = re.compile(r"(?:--extra-index-url|--index-url|--pypi-url|-i)(?:\s*=\s*|\s+)(\S+)")


class PipLines(NamedTuple):
    packages: list[str]
    indexes: list[str]
    """URLs, as the options `--index-url` and `--extra-index-url` named them."""


def read_conda(path: str | os.PathLike[str]) -> dict[str, Any]:
    """A conda environment file as a dictionary. Raises UserErrorException saying what about it cannot be used."""
    import yaml  # which scripts that hold handles need not have

    text = _read(path, "conda file")
    try:
        # Aliases are kept as references, so that a file of a few lines that means a billion items stays small.
        # Not the faster CSafeLoader: it dies, with the whole process, of lists nested 100,000 deep.
        found = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        where = getattr(error, "problem", None) or type(error).__name__
        raise UserErrorException(
            f"The conda file {path} cannot be read: {str(where)[:200]}. It must be plain YAML: a 'dependencies' list."
        ) from error
    return check_conda(found, str(path))


def check_conda(found: Any, what: str) -> dict[str, Any]:
    """The parts that mean something here, each of the kind that it must be."""
    if not isinstance(found, dict) or not isinstance(found.get("dependencies", []), list):
        raise UserErrorException(
            f"{what} is no conda file: it needs a list 'dependencies', such as [python=3.9, numpy, {{pip: [six]}}]."
        )
    for entry in found.get("dependencies", []):
        inner = entry.get("pip") if isinstance(entry, dict) and list(entry) == ["pip"] else None
        if not (
            isinstance(entry, str) or (isinstance(inner, list) and all(isinstance(x, str) for x in inner))
        ):
            raise UserErrorException(
                f"{what} has a dependency that is no text and no pip list. Write 'numpy=1.19' or 'pip: [six]'."
            )
    channels = found.get("channels") or []
    if not isinstance(channels, list) or not all(isinstance(channel, str) for channel in channels):
        raise UserErrorException(f"The channels of {what} are no list of names. Write [conda-forge].")
    return found


def read_pip(path: str | os.PathLike[str]) -> list[str]:
    """The lines of a requirements file that say something: comments and line ends with a backslash are resolved."""
    text = re.sub(r"\\\r?\n", " ", _read(path, "requirements file"))
    lines = [re.sub(r"(^|\s)#.*$", "", line).strip() for line in text.splitlines()]
    return [line for line in lines if line]


def split_pip(lines: list[str]) -> PipLines:
    """Packages and indexes apart. Other options stay among the packages: the server refuses them by name."""
    packages: list[str] = []
    indexes: list[str] = []
    for line in lines:
        found = _INDEX_OPTION.fullmatch(line.strip())
        if found:
            indexes.append(found[1])
        elif "--hash" in line:
            raise UserErrorException(
                f"{line[:60]!r} gives a hash. Leave it out: an environment's lock holds hashes of its own."
            )
        else:
            packages.append(line)
    return PipLines(packages, indexes)


def _read(path: str | os.PathLike[str], what: str) -> str:
    place = Path(path).expanduser()
    if not place.is_file():
        state = "is no file" if place.exists() else "is not there"
        raise UserErrorException(f"The {what} {place} {state}. Give the path of a text file.")
    try:
        with place.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise UserErrorException(f"The {what} {place} has more than 256 KiB. Give a list of packages.")
        return data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserErrorException(f"The {what} {place} cannot be read: {error}.") from error
