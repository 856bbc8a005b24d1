"""The environment of an estimator: one that is given, an interpreter as it is, or lists and files of packages."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faena.client.environments.as_of import checked_names
from faena.client.environments.conda_dependencies import CondaDependencies
from faena.client.environments.environment import Environment
from faena.client.environments.pip_file import read as read_pip
from faena.client.wire import shown
from faena.kernel import asker, dates
from faena.kernel.errors import TrainingException, UserErrorException


@dataclass(frozen=True)
class EnvironmentParameters:
    """What an estimator was given for its environment. `packages`: lists and files by their parameters' names."""

    definition: Environment | None
    packages: Mapping[str, Any]
    framework: str | None
    framework_version: str | None
    python: str | None
    user_managed: bool
    interpreter: str | None
    use_gpu: bool
    as_of: Any = None
    undated: Sequence[str] = ()

    @property
    def given(self) -> list[str]:
        """The lists and files that there are."""
        return [name for name, value in self.packages.items() if value is not None]

    def environment(self, name: str, source: Path, always: Sequence[str]) -> Environment:
        """`name`: of one that is made of packages, which `always` come beside; `source`: where their files lie.

        Raises TrainingException and UserErrorException for what contradicts itself.
        """
        if self.definition is not None:
            return self._defined(self.definition)
        if self.user_managed or self.interpreter is not None:
            return self._existing()
        return self._of_packages(name, source, always)

    def _defined(self, definition: Environment) -> Environment:
        more = self.use_gpu or self.framework_version is not None or self.as_of is not None or self.undated
        if self.given or more or self.user_managed or self.interpreter is not None:
            others = "use_gpu, framework_version, user_managed, interpreter, as_of and undated"
            raise TrainingException(
                "environment_definition says everything about the environment: leave out "
                f"{', '.join(self.given) or others}."
            )
        if not isinstance(definition, Environment):
            raise UserErrorException(f"environment_definition is {shown(definition)}. Give an Environment.")
        return definition

    def _existing(self) -> Environment:
        if self.interpreter is not None and not Path(self.interpreter).is_absolute():
            raise UserErrorException(
                f"The interpreter {self.interpreter[:80]!r} is not an absolute path. Give its full path, or use "
                "user_managed=True for the Python that runs Faena."
            )
        given = [*self.given, *(["as_of"] if self.as_of is not None else [])]
        if given:
            raise UserErrorException(
                f"user_managed uses an interpreter as it is: {', '.join(given)} cannot be given with it. "
                "Install what is missing into it, or leave user_managed out."
            )
        return Environment.from_existing_interpreter("user-managed", self.interpreter or asker.python())

    def _of_packages(self, name: str, source: Path, always: Sequence[str]) -> Environment:
        conda_file, pip_file = (
            self.packages[each] for each in ("conda_dependencies_file", "pip_requirements_file")
        )
        if conda_file is not None and len(self.given) > 1:
            raise TrainingException(
                "conda_dependencies_file lists all packages: leave out "
                f"{', '.join(each for each in self.given if each != 'conda_dependencies_file')}."
            )
        environment = Environment(name)
        if conda_file is not None:
            dependencies = CondaDependencies(_in_source(source, conda_file))
        else:
            pip = list(self.packages["pip_packages"] or ())
            if pip_file is not None:
                pip += read_pip(_in_source(source, pip_file), folders=[source.absolute()])
            dependencies = CondaDependencies.of([*pip, *always], list(self.packages["conda_packages"] or ()))
        environment.python.conda_dependencies = dependencies
        environment.python_version = self.python
        environment.as_of, environment.undated = (
            dates.asked(self.as_of) or None,
            list(checked_names(self.undated)),
        )
        environment.framework, environment.framework_version = self.framework, self.framework_version
        return environment


def _in_source(source: Path, name: str | os.PathLike[str]) -> Path:
    file = source / name
    if not file.is_file():
        raise UserErrorException(
            f"{os.fspath(name)!r} is no file in source_directory {source}. "
            "Give its path relative to that folder."
        )
    return file
