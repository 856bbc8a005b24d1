"""The sections of an environment, in v1's words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

from faena.client.environments.conda_dependencies import CondaDependencies
from faena.kernel import asker
from faena.kernel.errors import UserErrorException

_DEFAULT_INTERPRETER = "python"


class PythonSection:
    """Which Python and which packages."""

    def __init__(self) -> None:
        self.conda_dependencies: CondaDependencies | None = CondaDependencies.of()
        self.conda_dependencies_file: str | None = None
        """Read when the environment is asked for; wins over `conda_dependencies`."""
        self.user_managed_dependencies = False
        """True: `interpreter_path` is used as it is and nothing is installed."""
        self.interpreter_path = _DEFAULT_INTERPRETER
        """With `user_managed_dependencies`: a path, or a name on PATH; 'python' is the one that the client runs on."""
        self.base_conda_environment: str | None = None

    def dependencies(self) -> CondaDependencies:
        """What is to be installed. Raises UserErrorException for a file that cannot be read."""
        if self.conda_dependencies_file is not None:
            return CondaDependencies(self.conda_dependencies_file)
        return self.conda_dependencies or CondaDependencies.of()

    def interpreter(self) -> str:
        """Absolute path of the interpreter that is used as it is. Raises UserErrorException when there is none."""
        given = self.interpreter_path
        if given == _DEFAULT_INTERPRETER:
            return asker.python()
        if "/" in given:
            return str(Path(given).expanduser().absolute())
        if found := shutil.which(given):
            return str(Path(found).absolute())
        raise UserErrorException(f"There is no {given[:80]!r} on PATH. Give the interpreter's path.")

    def as_dict(self) -> dict[str, Any]:
        managed = self.user_managed_dependencies
        return {
            "user_managed_dependencies": managed,
            "interpreter_path": self.interpreter_path,
            "conda_dependencies": None if managed else self.dependencies().as_dict(),
        }

    def shown(self) -> dict[str, Any]:
        """For whoever looks at it: a file is named, not read."""
        if self.conda_dependencies_file is None or self.user_managed_dependencies:
            return self.as_dict()
        return {
            "user_managed_dependencies": False,
            "conda_dependencies_file": str(self.conda_dependencies_file),
        }

    def __repr__(self) -> str:
        return json.dumps(self.shown(), indent=4)

    @classmethod
    def from_dict(cls, found: dict[str, Any]) -> Self:
        section = cls()
        section.user_managed_dependencies = bool(found.get("user_managed_dependencies"))
        section.interpreter_path = str(found.get("interpreter_path") or _DEFAULT_INTERPRETER)
        listed = found.get("conda_dependencies")
        section.conda_dependencies = CondaDependencies(_underlying_structure=listed) if listed else None
        return section


class DockerSection:
    """Accepted for scripts that set it. Runs use no container here; the packages are what counts."""

    def __init__(self) -> None:
        self.enabled = False
        self.base_image: str | None = None
        self.base_dockerfile: str | None = None
        self.base_image_registry: Any = SimpleNamespace(address=None, username=None, password=None)
        self.shm_size: str | None = None
        self.shared_volumes = True
        self.gpu_support = False
        self.arguments: list[str] = []

    def asks_for(self) -> list[str]:
        """Names of the settings that would matter in a container."""
        found = {
            "docker.enabled": self.enabled,
            "docker.base_image": self.base_image,
            "docker.base_dockerfile": self.base_dockerfile,
            "docker.arguments": self.arguments,
        }
        return [name for name, value in found.items() if value]

    def as_dict(self) -> dict[str, Any]:
        return {
            "enabled": bool(self.enabled),
            "base_image": self.base_image,
            "base_dockerfile": self.base_dockerfile,
            "shm_size": self.shm_size,
            "arguments": list(self.arguments),
        }

    def __repr__(self) -> str:
        return json.dumps(self.as_dict(), indent=4)

    @classmethod
    def from_dict(cls, found: dict[str, Any]) -> Self:
        section = cls()
        for name in ("enabled", "base_image", "base_dockerfile", "shm_size", "arguments"):
            if name in found:
                setattr(section, name, found[name])
        return section
