"""CondaDependencies: which conda and pip packages an environment has, in v1's words and file form."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from faena.client.environments.conda_files import check_conda, read_conda
from faena.client.environments.pip_request import PipRequest, asked
from faena.client.not_covered import not_covered
from faena.kernel.errors import UserErrorException

DEFAULT_FILE = "conda_dependencies.yml"
_DEFAULTS = ("azureml-defaults",)
"""What v1 put into each list. Faena answers its names itself and installs nothing for it."""


class CondaDependencies:
    """Packages by conda's and by pip's names, with channels and a Python version.

    `conda_dependencies_file_path`: a conda environment file to start from; default: `azureml-defaults` alone and no
    Python version, which gives the Python that the client runs on. Raises UserErrorException for a file that
    cannot be read.
    """

    def __init__(
        self,
        conda_dependencies_file_path: str | os.PathLike[str] | None = None,
        _underlying_structure: dict[str, Any] | None = None,
    ) -> None:
        if conda_dependencies_file_path is not None:
            self._content = read_conda(conda_dependencies_file_path)
        elif _underlying_structure is not None:
            self._content = copy.deepcopy(check_conda(_underlying_structure, "The given dictionary"))
        else:
            self._content = {
                "name": "project_environment",
                "dependencies": [{"pip": list(_DEFAULTS)}],
                "channels": ["conda-forge"],
            }

    @classmethod
    def create(
        cls,
        pip_indexurl: str | None = None,
        pip_packages: Sequence[str] | None = None,
        conda_packages: Sequence[str] | None = None,
        python_version: str | None = None,
        pin_sdk_version: bool = True,
    ) -> Self:
        """From lists, in which a name may stand twice: both count. Without `pip_packages`, v1's defaults are listed;
        `pin_sdk_version` means nothing here."""
        made = cls()
        if pip_packages is not None:
            made._content["dependencies"] = []
        for package in _listed(pip_packages, "pip_packages"):
            made._check(package, "pip package")
            made._pip_list().append(package)
        for package in _listed(conda_packages, "conda_packages"):
            made._check(package, "conda package")
            made._dependencies.append(package)
        if python_version is not None:
            made.set_python_version(python_version)
        if pip_indexurl is not None:
            made.set_pip_index_url(pip_indexurl)
        return made

    @classmethod
    def of(cls, pip_packages: Sequence[str] = (), conda_packages: Sequence[str] = ()) -> Self:
        """These packages and no others, not even v1's defaults."""
        return cls.create(pip_packages=list(pip_packages), conda_packages=list(conda_packages))

    @property
    def conda_packages(self) -> Iterator[str]:
        return iter([entry for entry in self._dependencies if isinstance(entry, str)])

    @property
    def pip_packages(self) -> Iterator[str]:
        return iter([line for line in self._pip if not line.lstrip().startswith("-")])

    @property
    def pip_options(self) -> Iterator[str]:
        return iter([line for line in self._pip if line.lstrip().startswith("-")])

    @property
    def conda_channels(self) -> Iterator[str]:
        return iter(list(self._content.get("channels") or []))

    def get_python_version(self) -> str | None:
        """What the entry `python=…` says; None: nothing."""
        found = next((entry for entry in self.conda_packages if _name(entry) == "python"), None)
        return None if found is None else found[len("python") :].lstrip("= ") or None

    def add_conda_package(self, conda_package: str) -> None:
        """Replaces an entry of the same name."""
        self._check(conda_package, "conda package")
        self.remove_conda_package(conda_package)
        self._dependencies.append(conda_package)

    def remove_conda_package(self, conda_package: str) -> None:
        """Silent when it is not there; a version is not looked at."""
        wanted = _name(conda_package)
        kept = [each for each in self._dependencies if not (isinstance(each, str) and _name(each) == wanted)]
        self._content["dependencies"] = kept

    def add_pip_package(self, pip_package: str) -> None:
        """Replaces an entry of the same name and marker: lines with opposite markers stay side by side."""
        self._check(pip_package, "pip package")
        wanted, marker = _name(pip_package), _marker(pip_package)
        self._set_pip([line for line in self._pip if (_name(line), _marker(line)) != (wanted, marker)])
        self._pip_list().append(pip_package)

    def remove_pip_package(self, pip_package: str) -> None:
        """Silent when it is not there; a version is not looked at."""
        wanted = _name(pip_package)
        self._set_pip([line for line in self._pip if _name(line) != wanted])

    def add_channel(self, channel: str) -> None:
        """Kept in the file; packages come from the package index whatever the channel."""
        self._check(channel, "channel")
        if channel not in self.conda_channels:
            self._content["channels"] = [*self.conda_channels, channel]

    def remove_channel(self, channel: str) -> None:
        self._content["channels"] = [each for each in self.conda_channels if each != channel]

    def set_python_version(self, version: str) -> None:
        """Such as '3.9'. One that cannot be had gives the client's, and the run says so."""
        self._check(version, "Python version")
        self.remove_conda_package("python")
        self._dependencies.insert(0, f"python={version}")

    def set_pip_index_url(self, index_url: str) -> None:
        """The index that is asked first: a URL, or the option `--index-url URL` as v1 has it."""
        self._check(index_url, "index")
        self.set_pip_option(index_url if index_url.startswith("-") else f"--index-url {index_url}")

    def set_pip_option(self, pip_option: str) -> None:
        """A line of options as requirement files have them, such as `--extra-index-url URL` or `--pre`. What cannot be
        honoured is refused by name when the environment is asked for."""
        self._check(pip_option, "pip option")
        self.remove_pip_option(pip_option)
        self._pip_list().insert(0, pip_option)

    def remove_pip_option(self, pip_option: str) -> None:
        wanted = pip_option.replace("=", " ").split()[0]
        self._set_pip([line for line in self._pip if line.replace("=", " ").split()[:1] != [wanted]])

    def set_pip_requirements(self, pip_requirements: Sequence[str]) -> None:
        """These packages in the place of those that the pip list has; its options stay."""
        wanted = list(_listed(pip_requirements, "pip_requirements"))
        for package in wanted:
            self._check(package, "pip package")
        self._set_pip([*self.pip_options, *wanted])

    def add_tensorflow_conda_package(self, core_type: str = "cpu", version: str | None = None) -> None:
        """TensorFlow, by conda's name; `core_type` is 'cpu' or 'gpu'."""
        self.add_conda_package(_tensorflow(core_type, "=", version))

    def add_tensorflow_pip_package(self, core_type: str = "cpu", version: str | None = None) -> None:
        """TensorFlow, by pip's name; `core_type` is 'cpu' or 'gpu'."""
        self.add_pip_package(_tensorflow(core_type, "==", version))

    add_cntk_package = not_covered(
        "CondaDependencies.add_cntk_package",
        "CNTK has no package for a Python of today",
        "Use another framework.",
    )

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables that a conda file sets."""
        return {name: str(value) for name, value in (self._content.get("variables") or {}).items()}

    def requested(self, folder: Path | None = None) -> tuple[tuple[str, ...], PipRequest]:
        """Conda packages, and what the lines of pip ask for. Relative paths are looked for in `folder` first.

        Raises UserErrorException naming the line that cannot be used.
        """
        return tuple(self.conda_packages), asked(self._pip, () if folder is None else (folder.absolute(),))

    def as_dict(self) -> dict[str, Any]:
        return copy.deepcopy(self._content)

    def serialize_to_string(self) -> str:
        """The conda environment file."""
        import yaml  # which scripts that hold handles need not have

        return yaml.safe_dump(self.as_dict(), sort_keys=False, default_flow_style=False, allow_unicode=True)

    def save(self, path: str | os.PathLike[str] | None = None) -> str:
        """Write the file (default: conda_dependencies.yml here); where it is."""
        place = Path(path or DEFAULT_FILE).expanduser()
        place = place / DEFAULT_FILE if place.is_dir() else place
        try:
            place.write_text(self.serialize_to_string(), encoding="utf-8")
        except OSError as error:
            raise UserErrorException(f"{place} cannot be written: {error}. Give another path.") from error
        return str(place)

    def save_to_file(
        self, base_directory: str | os.PathLike[str], conda_file_path: str | os.PathLike[str] | None = None
    ) -> str:
        """Write `conda_file_path`, relative to `base_directory`; its path as it was given."""
        name = str(conda_file_path or DEFAULT_FILE)
        self.save(Path(base_directory) / name)
        return name

    @property
    def _dependencies(self) -> list[Any]:
        found: list[Any] = self._content.setdefault("dependencies", [])
        return found

    @property
    def _pip(self) -> list[str]:
        return [line for entry in self._dependencies if isinstance(entry, dict) for line in entry["pip"]]

    def _pip_list(self) -> list[str]:
        """The list of the file's only pip entry, made when there is none."""
        self._set_pip(self._pip)
        entry = next((each for each in self._dependencies if isinstance(each, dict)), None)
        if entry is None:
            entry = {"pip": []}
            self._dependencies.append(entry)
        found: list[str] = entry["pip"]
        return found

    def _set_pip(self, lines: list[str]) -> None:
        names = [entry for entry in self._dependencies if isinstance(entry, str)]
        self._content["dependencies"] = [*names, {"pip": lines}] if lines else names

    def _check(self, value: object, what: str) -> None:
        if not isinstance(value, str) or not value.strip() or "\n" in value:
            raise UserErrorException(f"{str(value)[:80]!r} is no {what}. Give one line of text.")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CondaDependencies) and self._content == other._content

    def __hash__(self) -> int:
        raise TypeError("CondaDependencies may change, so that it is no key of a dictionary")

    def __repr__(self) -> str:
        return f"CondaDependencies({self._content!r})"


def _name(entry: str) -> str:
    """The name that an entry of either list is known by."""
    text = entry.strip().rpartition("::")[2]
    for position, character in enumerate(text):
        if character in "=<>!~[;@ ":
            text = text[:position]
            break
    return text.lower().replace("_", "-").replace(".", "-")


def _tensorflow(core_type: str, equals: str, version: str | None) -> str:
    names = {"cpu": "tensorflow", "gpu": "tensorflow-gpu"}
    if core_type not in names:
        raise UserErrorException(f"core_type is {core_type!r}. Use 'cpu' or 'gpu'.")
    return names[core_type] if version is None else f"{names[core_type]}{equals}{version}"


def _marker(entry: str) -> str:
    """What stands behind the semicolon, in one spelling."""
    return "".join(entry.partition(";")[2].split()).replace("'", '"')


def _listed(values: Sequence[str] | None, what: str) -> Sequence[str]:
    if isinstance(values, str):
        raise UserErrorException(f"{what} is the text {values!r}. Use a list: [{values!r}].")
    return values or ()
