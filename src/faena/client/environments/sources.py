"""What an environment can be made from: lists in files, an interpreter or conda environment that is there, an image."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Self

from faena.client.environments.conda_dependencies import CondaDependencies
from faena.client.environments.pip_file import read as read_pip
from faena.client.environments.sections import DockerSection, PythonSection
from faena.client.not_covered import not_covered
from faena.client.wire import shown
from faena.environments.schemas import EnvironmentRequest
from faena.kernel import ids
from faena.kernel.errors import NotCovered, UserErrorException


class EnvironmentSources:
    """Raises UserErrorException for a name that cannot be one."""

    def __init__(self, name: str) -> None:
        self.name = ids.check_environment_name(name)
        self.version: str | None = None
        self.python = PythonSection()
        self.docker = DockerSection()
        self.environment_variables: dict[str, str] = {}
        self.inferencing_stack_version: str | None = None
        """Accepted for scripts that set it; models are deployed later."""
        self.framework: str | None = None
        """A framework of the catalogue, such as 'chainer', with what it needs beside it."""
        self.framework_version: str | None = None
        self.python_version: str | None = None
        """A version or range that must be had; None: what the framework and the packages' list say."""
        self.as_of: Any = None
        """Packages, Python and build tools as they were on that day: '2019-10-01' or a date; 'auto'; 'today' for no
        date whatever the defaults say. None: those count (docs/as-of.md)."""
        self.undated: list[str] = []
        """Names of packages whose files need not be of that date: those of an index that tells none, of find-links."""
        self._registered: tuple[dict[str, Any], EnvironmentRequest] | None = None
        """Packages as they were listed, and what they asked for then: files that they name may have changed."""

    @classmethod
    def from_conda_specification(cls, name: str, file_path: str | os.PathLike[str]) -> Self:
        """From a conda environment file. Raises UserErrorException for one that cannot be read."""
        made = cls(name)
        made.python.conda_dependencies = CondaDependencies(_path_of(file_path))
        return made

    @classmethod
    def from_pip_requirements(
        cls, name: str, file_path: str | os.PathLike[str], pip_version: str | None = None
    ) -> Self:
        """From a requirements file, with the files that it names. Options are honoured, or refused by name when the
        environment is asked for. `pip_version` means nothing here: uv installs."""
        made = cls(name)
        made.python.conda_dependencies = CondaDependencies(
            _underlying_structure={"dependencies": [{"pip": read_pip(Path(_path_of(file_path)))}]}
        )
        return made

    @classmethod
    def from_existing_conda_environment(cls, name: str, conda_environment_name: str) -> Self:
        """One of this machine's conda environments, used as it is. Raises UserErrorException when it is not found."""
        # Imported here, since it costs what no other use of this handle needs.
        from faena.environments.interpreters import conda_environments

        found = conda_environments()
        if conda_environment_name not in found:
            others = f"There is: {', '.join(sorted(found))}." if found else "Nor is there any other."
            raise UserErrorException(
                f"There is no conda environment {conda_environment_name[:80]!r} on this machine. {others} "
                "Environment.from_conda_specification builds one from its file (conda env export)."
            )
        return cls.from_existing_interpreter(name, str(found[conda_environment_name]))

    @classmethod
    def from_existing_interpreter(cls, name: str, path: str | os.PathLike[str]) -> Self:
        """An interpreter with what is installed in it; nothing is built."""
        made = cls(name)
        made.python.user_managed_dependencies = True
        made.python.interpreter_path = str(path)
        return made

    @classmethod
    def from_docker_image(
        cls,
        name: str,
        image: str,
        container_registry: Any = None,
        conda_specification: str | os.PathLike[str] | None = None,
        pip_requirements: str | os.PathLike[str] | None = None,
    ) -> Self:
        """The packages of a conda environment file or a requirements file; the image has no effect, which is told.

        Raises NotCovered without such a file: what an image holds cannot be had.
        """
        made = cls._of_image(name, f"image {image[:80]!r}", conda_specification, pip_requirements)
        made.docker.base_image = image
        return made

    @classmethod
    def from_dockerfile(
        cls,
        name: str,
        dockerfile: str | os.PathLike[str],
        conda_specification: str | os.PathLike[str] | None = None,
        pip_requirements: str | os.PathLike[str] | None = None,
    ) -> Self:
        """As `from_docker_image`."""
        made = cls._of_image(
            name, f"Dockerfile {os.fspath(dockerfile)[:80]!r}", conda_specification, pip_requirements
        )
        made.docker.base_dockerfile = os.fspath(dockerfile)
        return made

    @classmethod
    def _of_image(cls, name: str, source: str, conda: Any, pip: Any) -> Self:
        if (conda is None) == (pip is None):
            raise NotCovered.about(
                f"The {source} by itself",
                "runs use no containers",
                "Give one of conda_specification and pip_requirements, a file that lists the packages.",
            )
        made = cls(name)
        made.docker.enabled = True
        if conda is not None:
            made.python.conda_dependencies = cls.from_conda_specification(name, conda).python.dependencies()
        else:
            made.python.conda_dependencies = cls.from_pip_requirements(name, pip).python.dependencies()
        return made

    from_docker_build_context: Any = classmethod(
        not_covered(
            "Environment.from_docker_build_context",
            "runs use no containers",
            "List the packages: from_conda_specification, from_pip_requirements.",
        )
    )


def _path_of(given: object) -> str | os.PathLike[str]:
    if isinstance(given, (str, os.PathLike)):
        return given
    raise UserErrorException(
        f"file_path is {shown(given)}. Give the path of the file that lists the packages."
    )
