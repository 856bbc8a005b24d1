"""The errors that the names in `faena.script` raise.

A script runs on Python 3.6 with nothing installed, where `faena.kernel` cannot be imported: there the classes below
are all there is. Where Faena itself is installed they *are* the kernel's classes, so that `except` catches an error
whichever of the two modules the user took the name from.

    FaenaError
    ├── UserErrorException               what was given cannot be used
    │   ├── WebserviceException          v1's word for what is wrong with a model or a service
    │   │   └── ModelNotFoundException
    │   ├── DatasetTimestampMissingError  a time filter, and no column of times was named
    │   ├── NotFound                     names something that is not there
    │   └── Conflict                     clashes with what is there
    ├── RunEnvironmentException          not inside a run
    │   ├── OutsideRun                   an attribute that only a submitted run has (also an AttributeError)
    │   └── ClientMissing                a verb of Faena's client, which this interpreter cannot load (the same)
    ├── ModelPathNotFoundException
    └── ServiceException                 the runner could not do its part
        └── ServerUnreachable
"""

from __future__ import annotations

import importlib
import sys

TYPE_CHECKING = False  # `typing` takes milliseconds to import on Python 3.8

if TYPE_CHECKING:
    from types import ModuleType


class FaenaError(Exception):
    """Root of all errors of Faena. `message` says what was given and what to do next."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def code(self) -> str:
        return type(self).__name__


class UserErrorException(FaenaError):
    """What was given cannot be used."""


class WebserviceException(UserErrorException):
    """A model or a service cannot be what was asked."""


class ModelNotFoundException(WebserviceException):
    """No model of that name or version is registered."""


class NotFound(UserErrorException):
    """The name or id given refers to nothing."""


class DatasetTimestampMissingError(UserErrorException):
    """A time filter on a dataset that has no timestamp."""


class Conflict(UserErrorException):
    """What was asked clashes with what is there already."""


class RunEnvironmentException(FaenaError):
    """The call needs a run around it and there is none."""


class ModelPathNotFoundException(FaenaError):
    """The path to register is not among the run's files."""


class ServiceException(FaenaError):
    """The runner could not do its part."""


class ServerUnreachable(ServiceException):
    """Nobody answers at the other end."""


def _kernel() -> ModuleType | None:
    # By name at run time: this room imports nothing of Faena that it could not do without.
    try:
        return importlib.import_module("faena.kernel.errors")
    except (ImportError, SyntaxError):  # SyntaxError: found, and written for a newer Python than this one
        return None


_shared = _kernel()
if _shared is not None and not TYPE_CHECKING:
    FaenaError = _shared.FaenaError
    UserErrorException = _shared.UserErrorException
    WebserviceException = _shared.WebserviceException
    ModelNotFoundException = _shared.ModelNotFoundException
    NotFound = _shared.NotFound
    Conflict = _shared.Conflict
    DatasetTimestampMissingError = _shared.DatasetTimestampMissingError
    RunEnvironmentException = _shared.RunEnvironmentException
    ModelPathNotFoundException = _shared.ModelPathNotFoundException
    ServiceException = _shared.ServiceException
    ServerUnreachable = _shared.ServerUnreachable


class OutsideRun(RunEnvironmentException, AttributeError):
    """An offline run has no such attribute. Also an AttributeError, so that `hasattr(run, "experiment")` answers."""


class ClientMissing(RunEnvironmentException, AttributeError):
    """Needs Faena's client, and this interpreter cannot load it. Also an AttributeError, so that `hasattr` answers."""


def from_wire(code: str, message: str) -> FaenaError:
    """The error that the runner's answer names; a `ServiceException` when no class here has that name."""
    for module in (_shared, sys.modules[__name__]):
        cls = getattr(module, code, None)
        if isinstance(cls, type) and issubclass(cls, FaenaError):
            return cls(message)
    return ServiceException("{}: {}".format(code, message))
