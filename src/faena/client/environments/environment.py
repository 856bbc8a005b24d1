"""Environment: the packages and variables that a script runs with, by itself or registered under a name."""

from __future__ import annotations

import builtins
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import msgspec

from faena.client.environments import curated, definition_files
from faena.client.environments.as_of import checked_names, with_defaults
from faena.client.environments.build import EnvironmentBuild
from faena.client.environments.conda_dependencies import CondaDependencies
from faena.client.environments.sections import DockerSection, PythonSection
from faena.client.environments.sources import EnvironmentSources
from faena.client.html import tables
from faena.client.not_covered import not_covered, not_covered_property
from faena.client.workspaces.session import Session, api_of
from faena.environments.schemas import (
    ArchiveRequest,
    BuildRequest,
    EnvironmentDefinition,
    EnvironmentRequest,
    EnvironmentView,
)
from faena.kernel import dates
from faena.kernel.errors import NotCovered, UserErrorException

_SHOWN_PACKAGES = 20


class Environment(EnvironmentSources):
    """Packages, Python and environment variables of a run.

    New, it holds no packages: a run gets an empty environment on the Python that the client runs on. `python`,
    `docker` and `environment_variables` may be changed. `docker` is accepted and has no effect: `ignored()` names
    what was set in vain. `version`: None until it was registered or read.

    Raises UserErrorException for a name that cannot be one.
    """

    @classmethod
    def get(
        cls,
        workspace: Session,
        name: str,
        version: str | int | None = None,
        label: str | None = None,
    ) -> Self:
        """A registered environment, its latest version unless told; or a curated one, `AzureML-…`.

        `label`: "Latest" is the only one here.
        Raises NotFound, naming those that are registered.
        """
        if name.lower().startswith(curated.PREFIX.lower()):
            return cls._curated(name)
        if label is not None and label.lower() != "latest":
            raise NotCovered.about(
                f"The label {label[:80]!r}", "labels other than 'Latest'", "Give a version."
            )
        if version is not None and not str(version).isdecimal():
            raise UserErrorException(f"{str(version)[:80]!r} is no version. Versions are numbers from 1 up.")
        return cls._of_view(api_of(workspace).environment(name, None if version is None else int(version)))

    @classmethod
    def list(cls, workspace: Session) -> dict[str, Self]:
        """The latest version of each registered environment, and the curated ones, by name."""
        found = {name: cls._curated(name) for name in curated.names()}
        registered: dict[str, Self] = {}
        for view in api_of(workspace).environments():
            registered.setdefault(view.name, cls._of_view(view))
        return found | registered

    def register(self, workspace: Session) -> Self:
        """Keep it under its name: a new version where the definition changed, else the version that holds it."""
        self.version = str(api_of(workspace).register_environment(self.name, self._definition()).version)
        return self

    get_image_details = not_covered(
        "Environment.get_image_details",
        "runs use no containers",
        "`faena env show` tells of an environment.",
    )
    spark = not_covered_property(
        "Environment.spark", "settings of Spark", "Run Spark from your script: pyspark in pip_packages."
    )
    databricks = not_covered_property(
        "Environment.databricks", "libraries of Databricks", "Name the packages: pip_packages."
    )
    r = not_covered_property(
        "Environment.r", "packages of R", "Start R from your script: subprocess.run(['Rscript', …])."
    )

    def save_to_directory(self, path: str | os.PathLike[str], overwrite: bool = False) -> None:
        """Write `azureml_environment.json` and the packages, `conda_dependencies.yml`, into a folder, made if need be.

        Raises UserErrorException where they are there already, unless `overwrite`, or cannot be written.
        """
        definition_files.save(self, Path(path).expanduser(), overwrite=overwrite)

    @classmethod
    def load_from_directory(cls, path: str | os.PathLike[str]) -> Self:
        """What `save_to_directory` wrote; changes of `conda_dependencies.yml` count. Raises UserErrorException."""
        return cls.from_dict(definition_files.load(Path(path).expanduser()))

    @staticmethod
    def add_private_pip_wheel(
        workspace: Session, file_path: str | os.PathLike[str], exist_ok: bool = False
    ) -> str:
        """Keep a wheel in the workspace's default datastore; the address that a list of packages may hold.

        Raises UserErrorException for what is no wheel, and for one of that name that is there already, unless
        `exist_ok` and its bytes are the same.
        """
        return definition_files.keep_wheel(workspace, Path(file_path).expanduser(), exist_ok=exist_ok)

    def clone(self, new_name: str) -> Self:
        """A copy under another name, not registered."""
        definition = self._definition()
        return self._of_definition(new_name, definition)._asking_as(definition.request)

    def build(self, workspace: Session, image_build_compute: Any = None) -> EnvironmentBuild:
        """Have it built now, without a run; one that failed before is tried again. Returns at once.

        `image_build_compute` has no meaning here: the server's host builds.
        """
        return EnvironmentBuild(workspace, BuildRequest(environment=with_defaults(self.request())))

    def build_local(
        self, workspace: Session, platform: str | None = None, **without_meaning: Any
    ) -> EnvironmentBuild:
        """As `build`: environments are built on this machine."""
        return self.build(workspace)

    def request(self, folder: Path | None = None) -> EnvironmentRequest:
        """What a run asks for; `folder`: where relative paths of packages are looked for first.

        Raises UserErrorException for files, paths and options that cannot be used.
        """
        if self.python.user_managed_dependencies:
            if self.as_of is not None:
                raise UserErrorException(
                    "as_of is of an environment that is built; this one's interpreter is used as it is. Leave one out."
                )
            return EnvironmentRequest(interpreter=self.python.interpreter())
        dependencies = self.python.dependencies()
        if self._registered is not None and dependencies.as_dict() == self._registered[0]:
            return msgspec.structs.replace(
                self._registered[1],
                python=self.python_version,
                framework=self.framework,
                framework_version=self.framework_version,
                client_python=EnvironmentRequest().client_python,
                as_of=dates.asked(self.as_of),
                undated=checked_names(self.undated),
            )
        conda, pip = dependencies.requested(folder)
        return EnvironmentRequest(
            python=self.python_version,
            packages=tuple(pip.packages),
            conda_packages=conda,
            index_urls=tuple(pip.indexes),
            framework=self.framework,
            framework_version=self.framework_version,
            pip=pip.options,
            archives=tuple(pip.archives),
            notes=tuple(pip.notes),
            as_of=dates.asked(self.as_of),
            undated=checked_names(self.undated),
        )

    def variables(self) -> dict[str, str]:
        """Environment variables of the script: those of a conda file, then `environment_variables`."""
        managed = self.python.user_managed_dependencies
        return {**({} if managed else self.python.dependencies().variables), **self.environment_variables}

    def shown_name(self) -> str:
        """`name:version`, or the name alone where it is not registered."""
        return self.name if self.version is None else f"{self.name}:{self.version}"

    def ignored(self) -> builtins.list[str]:
        """Settings that were made and have no effect here."""
        return self.docker.asks_for()

    def to_dict(self) -> dict[str, Any]:
        """Its definition as plain values, for a file."""
        return {"name": self.name, **msgspec.to_builtins(self._definition())}

    @classmethod
    def from_dict(cls, found: dict[str, Any]) -> Self:
        """What `to_dict` described. Raises UserErrorException for something else."""
        try:
            content = {key: value for key, value in found.items() if key != "name"}
            return cls._of_definition(str(found["name"]), msgspec.convert(content, EnvironmentDefinition))
        except (KeyError, msgspec.ValidationError) as error:
            raise UserErrorException(
                f"The description of the environment cannot be used: {error}."
            ) from error

    def _definition(self) -> EnvironmentDefinition:
        request = msgspec.structs.replace(self.request(), client_python="")
        sections: dict[str, Any] = {"python": self.python.as_dict(), "docker": self.docker.as_dict()}
        return EnvironmentDefinition(request, dict(self.environment_variables), sections)

    @classmethod
    def _of_view(cls, view: EnvironmentView) -> Self:
        made = cls._of_definition(view.name, view.definition)._asking_as(view.definition.request)
        made.version = str(view.version)
        return made

    def _asking_as(self, request: EnvironmentRequest) -> Self:
        """Until its packages are changed it asks for what it asked for then, whatever the files say now."""
        if request.interpreter is None:
            self._registered = self.python.dependencies().as_dict(), request
        return self

    @classmethod
    def _of_definition(cls, name: str, definition: EnvironmentDefinition) -> Self:
        made = cls(name)
        made.python = PythonSection.from_dict(definition.sections.get("python", {}))
        made.docker = DockerSection.from_dict(definition.sections.get("docker", {}))
        made.environment_variables = dict(definition.environment_variables)
        request = definition.request
        made.python_version = request.python
        made.framework, made.framework_version = request.framework, request.framework_version
        made.as_of, made.undated = request.as_of or None, list(request.undated)
        return made

    @classmethod
    def of_lock(cls, name: str, version: str, lock: Mapping[str, Any]) -> Self:
        """What a run had: its exact packages, and its interpreter where that was used as it is."""
        made = cls(name)
        made.version = version
        made.python_version = str(lock["interpreter"]["version"])
        if lock["built"]:
            lines = str(lock["requirements"]).splitlines()
            pinned = [line.split(" \\")[0] for line in lines if line and not line.startswith((" ", "#"))]
            pinned += [_of_archive(each) for each in lock.get("archives", ())]
            made.python.conda_dependencies = CondaDependencies.create(pip_packages=pinned)
        else:
            made.python.user_managed_dependencies = True
            made.python.interpreter_path = str(lock["interpreter"]["path"])
        return made

    @classmethod
    def _curated(cls, name: str) -> Self:
        found = curated.find(name)
        made = cls(name)
        made.python.conda_dependencies = CondaDependencies.create(pip_packages=found.packages)
        made.framework, made.framework_version = found.framework, found.framework_version
        return made

    def _repr_html_(self) -> str:
        """For a notebook's output."""
        definition = self._definition()
        packages = [*definition.request.packages, *definition.request.conda_packages]
        more = len(packages) - _SHOWN_PACKAGES
        listed = packages[:_SHOWN_PACKAGES] + ([f"and {more} more"] if more > 0 else [])
        return tables.facts(
            {
                "Environment": self.name,
                "Version": self.version,
                "Python": definition.request.python or definition.request.interpreter,
                "Packages": ", ".join(listed),
                "Variables": ", ".join(self.environment_variables),
            }
        )

    def __repr__(self) -> str:
        """Its definition, for whoever looks at it in a notebook."""
        shown = {
            "name": self.name,
            "version": self.version,
            "environmentVariables": dict(self.environment_variables),
            "python": self.python.shown(),
            "docker": self.docker.as_dict(),
        }
        if self.as_of is not None:
            shown["asOf"] = str(self.as_of)
        if self.framework is not None:
            shown["framework"] = {"name": self.framework, "version": self.framework_version}
        return f"Environment({json.dumps(shown, indent=4)})"


def _of_archive(archive: Mapping[str, Any]) -> str:
    """A line of pip for a package that was brought from a disk."""
    from faena.environments import archives

    place = archives.place(ArchiveRequest(archive["filename"], archive["digest"]))
    return f"{archive['name']} @ {place.as_uri()}"
