"""Requirement files, and lines that name other files: read until each line says the same wherever it stands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from faena.client.environments import local_packages
from faena.client.environments.pip_lines import Line, Option, logical, parse, refuse, shown
from faena.client.environments.text_files import text_of
from faena.kernel.errors import UserErrorException

_MAX_DEPTH = 20
_MAX_LINES = 10_000
_VERSION_CONTROL = re.compile(r"(?:[\w.-]+ ?(?:\[[\w\s,.-]*\])? ?@ ?)?(?:git|hg|svn|bzr)(?:\+|://)", re.ASCII)


def read(path: Path, *, folders: Iterable[Path] = (), _through: tuple[Path, ...] = ()) -> list[str]:
    """The lines of a requirements file, with those of the files that it names by `-r`, and whole paths.

    Paths are looked for beside the file, then in `folders`, or in the current folder where there is none.
    Raises UserErrorException for what cannot be read, files that name each other, and packages that are not there,
    naming the file and the line.
    """
    place = path.expanduser().absolute()
    real = place.resolve()
    if real in _through:
        raise UserErrorException(
            f"The requirements file {place} names itself, by way of {_through[-1]}. Take -r out."
        )
    if len(_through) >= _MAX_DEPTH:
        raise UserErrorException(
            f"The requirements file {place} is the {_MAX_DEPTH + 1}th in a row of -r. Join them."
        )
    found: list[str] = []
    around = (place.parent, *(tuple(folders) or (Path.cwd(),)))
    for number, line in logical(text_of(place, "requirements file")):
        try:
            lines = placed(line, around, _through=(*_through, real))
            _check_requirement(line)
        except UserErrorException as error:
            if isinstance(
                error.__cause__, UserErrorException
            ):  # named already, by a file that this one names
                raise
            raise UserErrorException(f"{place}, line {number}: {error.message}") from error
        found += lines
        if len(found) > _MAX_LINES:
            raise UserErrorException(
                f"The requirements file {place} has more than {_MAX_LINES} lines, with all that it names."
            )
    return found


def _check_requirement(text: str) -> None:
    """Refuses here, where its place is known, what would be refused later."""
    requirement = parse(text).requirement
    if is_version_control(requirement):
        refuse_version_control(text)
    if not requirement or "://" in requirement or "${" in requirement:
        return
    if local_packages.parse(requirement) is not None:
        return
    try:
        from faena.environments.requirements import check_requirement
    except (
        ModuleNotFoundError
    ):  # packaging, which scripts that hold handles need not have: the server refuses it
        return
    check_requirement(requirement)


def placed(text: str, folders: Sequence[Path], *, _through: tuple[Path, ...] = ()) -> list[str]:
    """A line as lines that depend on no folder: `-r` is read, paths become whole."""
    if "\n" in text or "\r" in text:
        return [text]
    line = parse(text)
    found: list[str] = []
    if line.requirement:
        found.append(_placed_requirement(line, text, folders))
    for option in line.options:
        if option.name == "--requirement":
            found += read(_file(option, text, folders), folders=folders, _through=_through)
        elif option.name != "--hash":
            found.append(_placed_option(option, text, folders))
    return found


def _placed_requirement(line: Line, text: str, folders: Sequence[Path]) -> str:
    local = None if is_version_control(line.requirement) else local_packages.parse(line.requirement)
    requirement = line.requirement
    if local is not None and "${" not in line.requirement:
        requirement = local.line(local_packages.find(local, folders, text))
    return " ".join([requirement, *(f"--hash={each}" for each in line.hashes)])


def _placed_option(option: Option, text: str, folders: Sequence[Path]) -> str:
    value = option.value
    if option.name == "--constraint":
        value = str(_file(option, text, folders))
    elif option.name == "--editable" and not is_version_control(value):
        local = local_packages.of_editable(value)
        value = local.line(local_packages.find(local, folders, text))
    elif option.name == "--find-links" and "://" not in value and "${" not in value:
        place = _first(value.removeprefix("file:"), folders)
        if place is None:
            refuse(text, f"there is no {value[:80]}. Give the path of a folder that is there")
        value = str(place)
    return f"{option.name} {shlex.quote(value)}" if value else option.name


def is_version_control(requirement: str) -> bool:
    return bool(_VERSION_CONTROL.match(requirement))


def refuse_version_control(text: str) -> NoReturn:
    refuse(
        text,
        "version control is not asked. Build a wheel (`pip wheel --no-deps 'git+https://…'`), and give its path",
    )


def _file(option: Option, text: str, folders: Sequence[Path]) -> Path:
    if "://" in option.value and not option.value.startswith("file:"):
        refuse(text, "files of other machines are not fetched. Download it, and give its path")
    place = _first(option.value.removeprefix("file://"), folders)
    if place is None or not place.is_file():
        where = ", ".join(dict.fromkeys(str(folder) for folder in folders))
        raise UserErrorException(
            f"The line {shown(text)} names a file that is not there: {option.value[:80]!r}. Looked in {where}."
        )
    return place


def _first(value: str, folders: Sequence[Path]) -> Path | None:
    given = local_packages.expanded(value)
    return next(
        (place.absolute() for folder in folders if local_packages.exists(place := folder / given)), None
    )
