"""What an environment is asked to be (`EnvironmentSpec`) and what it turned out to be (`Lock`)."""

from __future__ import annotations

import re
from typing import Any, Self, TypeVar
from urllib.parse import unquote

import msgspec

from faena.environments import archives, conda, pip_options
from faena.environments.requirements import (
    MAX_LENGTH,
    check_locked,
    check_requirement,
    name_of,
    parse_version,
    python_specifier,
    shown,
    split_url,
)
from faena.environments.schemas import ArchiveRequest, PipOptions
from faena.kernel import dates, digests
from faena.kernel.errors import UserErrorException

LAYOUT = 1
"""Part of every lock's digest: raised when what is built around the packages changes."""

T = TypeVar("T")
_MAX_PACKAGES = 1000
_MAX_NOTES = 50
_INDEX_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}")
_FRAMEWORK = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,63}")


class IndexUrl(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A package index that is asked before the default one."""

    url: str
    """https, http or file URL of a simple index. Credentials in it serve the build and are kept nowhere."""
    name: str = ""
    """Names its credentials in the environment: `UV_INDEX_<NAME>_USERNAME` and `UV_INDEX_<NAME>_PASSWORD`."""
    default: bool = False
    """It stands in the default one's place."""

    def __post_init__(self) -> None:
        parts = split_url(self.url) if len(self.url) <= MAX_LENGTH else None
        clean = parts is not None and not re.search(r"[\s\x00-\x1f\x7f$`\\|]", self.url)
        if parts is None or not clean or parts.scheme not in ("https", "http", "file"):
            raise UserErrorException(f"{shown(self.url)} is not an index. Give its https, http or file URL.")
        if parts.scheme != "file" and not parts.hostname:
            raise UserErrorException(
                f"{shown(self.url)} names no host. Give an index such as https://host/simple."
            )
        if self.name and not _INDEX_NAME.fullmatch(self.name):
            raise UserErrorException(
                f"{shown(self.name)} is not a name of an index. Use letters, digits, '-' and '_', at most 64."
            )

    def __repr__(self) -> str:
        return f"IndexUrl(url={self.kept().url!r}, name={self.name!r})"

    def kept(self) -> IndexUrl:
        """The same index without its credentials."""
        parts = split_url(self.url)
        if parts is None or "@" not in parts.netloc:
            return self
        return IndexUrl(
            parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(), self.name, self.default
        )


class EnvironmentSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a run's environment is asked to be. Checked when made: raises `UserErrorException`."""

    python: str | None = None
    """Version or PEP 440 range. Default: the framework's range, else the Python that runs Faena."""
    packages: tuple[str, ...] = ()
    """PEP 508 requirements, in any order."""
    framework: str | None = None
    """A name in `catalogue.FRAMEWORKS`, such as 'chainer'."""
    framework_version: str | None = None
    """Default: the catalogue's."""
    interpreter: str | None = None
    """Absolute path of an interpreter to use as it is. Nothing is built; all other fields stay empty."""
    index_urls: tuple[IndexUrl, ...] = ()
    conda_packages: tuple[str, ...] = ()
    """Entries of a conda list, such as 'pytorch=1.2' or 'python=3.8'; `conda.translate` says what becomes of them."""
    client_python: str = ""
    """Minor version that the asker runs on: taken where nothing asks for another. Default: Faena's own."""
    pip: PipOptions = msgspec.field(
        default_factory=lambda: pip_options.NONE
    )  # it holds a dict: no default of a schema
    archives: tuple[ArchiveRequest, ...] = ()
    """Packages that the asker had on disk."""
    notes: tuple[str, ...] = ()
    """For the build log: what the asker's side left out, and why. No part of the digest."""
    as_of: str = ""
    """Packages as they were at the end of that day (UTC): an ISO date, or `auto`; `today`: as they are now. Empty: so,
    too, unless what is asked for means a date."""
    undated: tuple[str, ...] = ()
    """Names of packages whose files need not be of that date."""
    script_date: str = ""
    """When the script was last changed, for `auto`; empty: not known."""

    def __post_init__(self) -> None:
        if self.interpreter is not None:
            self._check_interpreter(self.interpreter)
        if self.python is not None:
            python_specifier(self.python)
        if (count := len(self.packages) + len(self.conda_packages) + len(self.archives)) > _MAX_PACKAGES:
            raise UserErrorException(f"{count} packages were given; at most {_MAX_PACKAGES} can be.")
        for package in self.packages:
            check_requirement(package)
        conda.check(self.conda_packages)
        pip_options.check(self.pip)
        for archive in self.archives:
            archives.check(archive)
            archive_requirement(archive)
        if len(self.notes) > _MAX_NOTES or any(
            len(note) > MAX_LENGTH or not note.isprintable() for note in self.notes
        ):
            raise UserErrorException(f"The notes are more than {_MAX_NOTES} lines, or none of text.")
        if sum(index.default for index in self.index_urls) > 1:
            raise UserErrorException("Two indexes stand in the default one's place. Give one --index-url.")
        if self.client_python and not re.fullmatch(r"3\.\d{1,2}", self.client_python):
            raise UserErrorException(
                f"client_python is {shown(self.client_python)}. Use a minor version such as '3.11'."
            )
        if self.framework is not None and not _FRAMEWORK.fullmatch(self.framework):
            raise UserErrorException(
                f"{shown(self.framework)} is not the name of a framework. Use one such as 'chainer'."
            )
        if self.framework_version is not None:
            if self.framework is None:
                raise UserErrorException(
                    f"framework_version {shown(self.framework_version)} was given without a framework. Give both."
                )
            parse_version(self.framework_version, self.framework)
        self._check_dates()
        names = [index_name(i, index) for i, index in enumerate(self.index_urls)]
        if len(set(names)) < len(names):
            raise UserErrorException(f"Two indexes have one name among {names}. Give each its own.")

    def _check_dates(self) -> None:
        if self.as_of not in ("", dates.AUTO, dates.TODAY):
            dates.check_date(self.as_of)
        if self.script_date and dates.parsed(self.script_date) is None:
            raise UserErrorException(f"script_date is {shown(self.script_date)}. Use a date: 2019-10-01.")
        for name in self.undated:
            if check_requirement(name) != name_of(name):
                raise UserErrorException(f"{shown(name)} is not a package's name. Give undated=['numpy'].")

    def _check_interpreter(self, path: str) -> None:
        if not path.startswith("/") or re.search(r"[\x00-\x1f\x7f]", path) or len(path) > 4096:
            raise UserErrorException(
                f"{shown(path)} is not an absolute path. Give the interpreter's full path."
            )
        if (
            self.packages
            or self.conda_packages
            or self.framework
            or self.python
            or self.index_urls
            or self.archives
            or self.as_of not in ("", dates.TODAY)
        ):
            raise UserErrorException(
                f"The interpreter {shown(path)} is used as it is: packages, framework, python, index_urls and "
                "as_of cannot be given with it. Install what is missing into it, or leave the interpreter out."
            )

    @property
    def digest(self) -> str:
        """Equal for specs that ask for the same, whatever the order and spelling of their packages."""
        content = {
            "python": str(python_specifier(self.python)) if self.python is not None else None,
            "packages": sorted({check_requirement(package) for package in self.packages}),
            "framework": self.framework.lower() if self.framework else None,
            "framework_version": self.framework_version,
            "interpreter": self.interpreter,
            "index_urls": [index.kept().url for index in self.index_urls],
            "conda_packages": sorted({entry.strip() for entry in self.conda_packages}),
            "client_python": self.client_python if self.python is None and self.interpreter is None else "",
        }
        # What came later counts where it says something, so that older digests stay what they were.
        added = {
            "default_index": next((index.kept().url for index in self.index_urls if index.default), None),
            "pip": pip_options.canonical(self.pip),
            "archives": sorted([each.digest, archive_requirement(each)] for each in self.archives),
            "as_of": self.as_of,
            "undated": sorted({name_of(name) for name in self.undated}),
            "script_date": self.script_date if self.as_of == dates.AUTO else "",
        }
        return digests.of_value(content | {name: value for name, value in added.items() if value})

    def kept(self) -> EnvironmentSpec:
        """The same spec without credentials: what may be stored and shown."""
        return msgspec.structs.replace(self, index_urls=tuple(index.kept() for index in self.index_urls))

    def credentials(self) -> dict[str, str]:
        """Environment variables that hand the indexes' credentials to uv. Never stored, never logged."""
        found: dict[str, str] = {}
        for position, index in enumerate(self.index_urls):
            parts = split_url(index.url)
            prefix = f"UV_INDEX_{index_name(position, index)}"
            if parts is not None and parts.username:
                found[f"{prefix}_USERNAME"] = unquote(parts.username)
            if parts is not None and parts.password:
                found[f"{prefix}_PASSWORD"] = unquote(parts.password)
        return found

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        return _decode(cls, data, "environment")


class Interpreter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A Python that environments are made of."""

    path: str
    """Real path, links resolved; for an interpreter that is used as it is, the path as given."""
    version: str
    """`3.11.7`"""
    implementation: str
    """`CPython`"""

    @property
    def kind(self) -> tuple[str, str]:
        """What packages are built for: implementation and minor version."""
        return self.implementation, ".".join(self.version.split(".")[:2])


class Lock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that decides what an environment holds. Two equal digests are one folder on disk."""

    interpreter: Interpreter
    platform: str
    """Machine and C library: `linux-x86_64-glibc2.36`."""
    requirements: str
    """Exact versions with hashes, in the form of a requirements file."""
    build_constraints: tuple[str, ...]
    """What the builds of source distributions may use."""
    spec_digest: str
    """The spec that it answers. Not part of the digest: two specs may come to the same."""
    index_urls: tuple[IndexUrl, ...] = ()
    built: bool = True
    """False: the interpreter is used as it is."""
    pip: PipOptions = msgspec.field(
        default_factory=lambda: pip_options.NONE
    )  # it holds a dict: no default of a schema
    """Where files come from and of which kind they are."""
    archives: tuple[ArchiveRequest, ...] = ()
    """Packages from the submitter's disk, each with its name; they are not among the requirements."""
    as_of: str = ""
    """The date whose packages these are, for the builds of source distributions. Not part of the digest: what was the
    same on two dates is one environment."""
    undated: tuple[str, ...] = ()
    """Packages whose files have no date. Not part of the digest, since their hashes are."""

    def __post_init__(self) -> None:
        check_locked(self.requirements)
        for constraint in self.build_constraints:
            check_requirement(constraint)
        digests.check(self.spec_digest)
        pip_options.check(self.pip)
        for archive in self.archives:
            archives.check(archive)
            check_requirement(archive.name)
        if self.as_of:
            dates.check_date(self.as_of)
        for name in self.undated:
            check_requirement(name)
        if not self.interpreter.path.startswith("/") or "\0" in self.interpreter.path:
            raise UserErrorException(
                f"{shown(self.interpreter.path)} is not an absolute path of an interpreter."
            )

    @property
    def digest(self) -> str:
        content: dict[str, Any] = msgspec.to_builtins(self)
        for name in ("spec_digest", "as_of", "undated"):
            del content[name]
        # What came later counts where it says something, so that older environments keep their place.
        for name in ("pip", "archives"):
            if not content[name]:
                del content[name]
        for archive in content.get("archives", ()):
            del archive["given"]
        for index in content["index_urls"]:
            if not index["default"]:
                del index["default"]
        content["layout"] = LAYOUT
        return digests.of_value(content)

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        return _decode(cls, data, "lock")


def index_name(position: int, index: IndexUrl) -> str:
    """The name that uv knows an index by, in capitals: `INDEX1` where the user gave none."""
    return re.sub(r"[^A-Z0-9]", "_", (index.name or f"index{position + 1}").upper())


def archive_requirement(archive: ArchiveRequest) -> str:
    """The requirement that an archive answers, without where it lies: `[extras] ; marker`, with its name if told.

    Raises UserErrorException for what cannot be one.
    """
    extras = f"[{','.join(archive.extras)}]" if archive.extras else ""
    marker = f" ; {archive.marker}" if archive.marker else ""
    return check_requirement(f"{archive.name or 'unnamed'}{extras}{marker}")


def _decode(cls: type[T], data: bytes, what: str) -> T:
    try:
        return msgspec.json.decode(data, type=cls)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserErrorException(f"The description of the {what} cannot be read: {error}") from error
