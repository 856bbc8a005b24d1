"""Lines of pip, from a file, a list or a conda file, to what an environment is asked for.

Each option is honoured or refused by name. Values of variables (`${TOKEN}`) are put in as pip does it, and where they
would be kept with the run they are refused.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

import msgspec

from faena.client.environments import local_packages, pip_file
from faena.client.environments.pip_lines import Line, Option, parse, refuse, split
from faena.environments.schemas import ArchiveRequest, IndexRequest, PipOptions

_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)
_EGG = re.compile(r"(?:^|&)egg=([A-Za-z0-9][\w.-]*)", re.ASCII)
_WHEEL = re.compile(r"([A-Za-z0-9][\w.]*)-\d[^-/]*(?:-\d[^-/]*)?-[^-/]+-[^-/]+-[^-/]+\.whl", re.ASCII)
_SDIST = re.compile(r"([A-Za-z0-9][\w.-]*)-\d[\w.+!]*\.(?:tar\.gz|tgz|zip|tar\.bz2|tar\.xz)", re.ASCII)
_MAX_LINES = 20_000


class PipRequest(msgspec.Struct):
    """What lines of pip ask for."""

    packages: list[str] = []
    constraints: list[str] = []
    indexes: list[IndexRequest] = []
    archives: list[ArchiveRequest] = []
    find_links: list[str] = []
    no_binary: list[str] = []
    only_binary: list[str] = []
    trusted_hosts: list[str] = []
    hashes: dict[str, list[str]] = {}
    flags: set[str] = set()
    notes: list[str] = []
    reading: list[str] = []
    """Files of constraints that are being read."""
    lines: int = 0

    @property
    def options(self) -> PipOptions:
        return PipOptions(
            constraints=tuple(dict.fromkeys(self.constraints)),
            find_links=tuple(dict.fromkeys(self.find_links)),
            no_index="--no-index" in self.flags,
            pre="--pre" in self.flags,
            no_binary=_names(self.no_binary),
            only_binary=_names(self.only_binary),
            trusted_hosts=tuple(dict.fromkeys(self.trusted_hosts)),
            hashes={name: tuple(dict.fromkeys(found)) for name, found in self.hashes.items()},
            require_hashes="--require-hashes" in self.flags,
        )


def asked(lines: Iterable[str], folders: tuple[Path, ...] = ()) -> PipRequest:
    """What the lines ask for. Relative paths are looked for in `folders`, or in the current folder where there is none.

    Raises UserErrorException naming the line and what to do.
    """
    request = PipRequest()
    for given in lines:
        for text in pip_file.placed(given, folders or (Path.cwd(),)):
            _take(text, request, request.packages)
    request.packages = list(dict.fromkeys(request.packages))
    return request


def _take(text: str, request: PipRequest, packages: list[str]) -> None:
    if "\n" in text or "\r" in text:
        packages.append(text)  # refused by the server, by name
        return
    request.lines += 1
    if request.lines > _MAX_LINES:
        refuse(text, f"with all that the files name, it is the {_MAX_LINES + 1}th")
    line = parse(text)
    for option in line.options:
        if option.name != "--hash":
            _take_option(option, text, request)
    if line.requirement:
        _take_requirement(line, text, request, packages)


def _take_option(option: Option, text: str, request: PipRequest) -> None:
    if option.name == "--index-url":
        request.indexes = [each for each in request.indexes if not each.default]
        request.indexes.append(IndexRequest(_url(option.value, text), default=True))
    elif option.name == "--extra-index-url":
        index = IndexRequest(_url(option.value, text))
        request.indexes += [] if index in request.indexes else [index]
    elif option.name == "--find-links":
        request.find_links.append(_url(option.value, text))
    elif option.name == "--trusted-host":
        request.trusted_hosts.append(_filled(option.value, text))
    elif option.name == "--no-binary":
        request.no_binary += option.value.split(",")
    elif option.name == "--only-binary":
        request.only_binary += option.value.split(",")
    elif option.name == "--constraint":
        if option.value in request.reading:
            refuse(text, "the file names itself. Take -c out of it")
        request.reading.append(option.value)
        for each in pip_file.read(Path(option.value)):
            _take(each, request, request.constraints)
        request.reading.pop()
    elif option.name == "--editable":
        request.notes.append(
            f"{option.value} is installed as it was when the run was submitted (-e has no other meaning)."
        )
        _take_requirement(Line(option.value, ()), text, request, request.packages)
    elif option.name == "--prefer-binary":
        request.notes.append(
            "--prefer-binary: of one version a wheel is taken where there is one, of two the newer."
        )
    else:
        request.flags.add(option.name)


def _take_requirement(line: Line, text: str, request: PipRequest, packages: list[str]) -> None:
    if pip_file.is_version_control(line.requirement):
        pip_file.refuse_version_control(text)
    if _VARIABLE.search(line.requirement) and "://" in line.requirement:
        refuse(text, "a variable in a package's URL would be kept with the run. Put a password into ~/.netrc")
    requirement = _filled(line.requirement, text)
    local = local_packages.parse(requirement)
    if local is not None:
        if packages is request.constraints:
            refuse(text, "a constraint names a package and versions, no place")
        request.archives.append(_brought(local, line, text))
        return
    requirement = _named(requirement)
    packages.append(requirement)
    if line.hashes and (name := _NAME.match(requirement)):
        request.hashes.setdefault(name[0].lower().replace("_", "-").replace(".", "-"), []).extend(line.hashes)


def _brought(local: local_packages.Local, line: Line, text: str) -> ArchiveRequest:
    from faena.environments import packing

    given = f"{local.name} @ {local.path}" if local.name else local.path
    kept = packing.keep(local_packages.find(local, [Path.cwd()], text), given)
    if line.hashes and f"sha256:{kept.digest}" not in line.hashes:
        refuse(text, f"its hash is sha256:{kept.digest}, and another one was given")
    return msgspec.structs.replace(kept, name=local.name, extras=local.extras, marker=local.marker)


def _named(requirement: str) -> str:
    """A bare URL becomes `name @ URL`, where its end says the name."""
    if not requirement.startswith(("https://", "http://")):
        return requirement
    url, _, marker = requirement.partition(" ; ")
    parts = split(url, requirement)
    file = parts.path.rpartition("/")[2]
    name = _EGG.search(parts.fragment) or _WHEEL.fullmatch(file) or _SDIST.fullmatch(file)
    if name is None:
        return requirement
    clean = re.sub(r"(^|&)egg=[^&]*", "", parts.fragment).strip("&")
    whole = parts._replace(fragment=clean).geturl()
    return f"{name[1]} @ {whole}" + (f" ; {marker}" if marker else "")


def _url(value: str, text: str) -> str:
    """A URL with its variables filled in, which may stand for all of it, for its host, and for user and password."""
    if _VARIABLE.fullmatch(value):
        return _filled(value, text)
    if "${" not in value:
        return value
    scheme, slashes, rest = value.partition("://")
    place, slash, path = rest.partition("/")
    if "${" in path or "${" in scheme:
        refuse(
            text, "a variable there would be kept with the run. Write it out, or give it as user or password"
        )
    user, at, host = place.rpartition("@")
    return f"{scheme}{slashes}{_filled(user, text, quoted=True)}{at}{_filled(host, text)}{slash}{path}"


def _filled(value: str, text: str, *, quoted: bool = False) -> str:
    def filled(found: re.Match[str]) -> str:
        value = os.environ.get(found[1])
        if not value:
            refuse(text, f"the variable {found[1]} is not set where it is read. Set it, and submit again")
        return quote(value, safe="%") if quoted else value

    return _VARIABLE.sub(filled, value)


def _names(given: Iterable[str]) -> tuple[str, ...]:
    """Those of pip's lists; `:none:` takes back what stood before it."""
    found: list[str] = []
    for name in given:
        found = [] if name.strip() == ":none:" else [*found, name.strip()]
    return tuple(dict.fromkeys(name for name in found if name))
