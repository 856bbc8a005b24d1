"""What a kernel's environment is asked to be: options of `faena submit` that are about packages."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faena.cli.script_options import OPTIONS, file_of

if TYPE_CHECKING:
    from faena.client.environments.environment import Environment
    from faena.client.workspace import Workspace

_FROM_SUBMIT = (
    "as_of",
    "undated",
    "python",
    "framework",
    "framework_version",
    "packages",
    "conda_packages",
    "requirements",
    "conda_file",
    "environment",
    "interpreter",
)


def kernel_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command all of them, as its argument `options`."""

    @wraps(function)
    def gathered(**given: Any) -> Any:
        options = {name: given.pop(name) for name in _FROM_SUBMIT}
        return function(options=options, **given)

    for name in reversed(_FROM_SUBMIT):
        OPTIONS[name](gathered)
    return gathered


def asks_for_something(options: dict[str, Any]) -> bool:
    return any(options.values())


def environment_of(current: Workspace, options: dict[str, Any]) -> Environment:
    """Raises UserErrorException and TrainingException for options that contradict each other."""
    from faena.cli.script_options import environment_named
    from faena.client.submission.estimator_environment import EnvironmentParameters

    interpreter: Path | None = options["interpreter"]
    asked = EnvironmentParameters(
        environment_named(current, options["environment"], options["framework"]),
        {
            "pip_packages": list(options["packages"]) or None,
            "conda_packages": list(options["conda_packages"]) or None,
            "pip_requirements_file": file_of("--requirements", options["requirements"]),
            "conda_dependencies_file": file_of("--conda-file", options["conda_file"]),
        },
        options["framework"],
        options["framework_version"],
        options["python"],
        user_managed=False,
        interpreter=None if interpreter is None else str(interpreter.absolute()),
        use_gpu=False,
        as_of=options["as_of"],
        undated=options["undated"],
    )
    return asked.environment("kernel", Path.cwd(), ())
