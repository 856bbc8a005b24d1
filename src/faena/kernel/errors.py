"""Every error that Faena raises on purpose. Names are the v1 SDK's where it had one.

    FaenaError
    ├── UserErrorException               what was given cannot be used
    │   ├── NotFound                     names something that is not there
    │   ├── Conflict                     clashes with what is there
    │   ├── AuthenticationException
    │   ├── DatasetTimestampMissingError a time filter, and no column of times was named
    │   └── WebserviceException          v1's word for what is wrong with a model or a service
    │       └── ModelNotFoundException
    ├── NotCovered                       v1 has it; here it comes later or not at all
    ├── WorkspaceException
    │   ├── NoFolder                     needs the workspace's folder, which is elsewhere
    │   └── DatabaseDamaged              missing, damaged, or older than what it acknowledged
    ├── ExperimentExecutionException
    ├── ComputeTargetException
    ├── TrainingException                an estimator's description is inconsistent
    ├── RunConfigurationException        a run configuration names something that is unknown
    ├── SnapshotException
    │   └── SnapshotMissing              it has to be sent first
    ├── EnvironmentBuildException        packages could not be resolved or installed
    ├── RunEnvironmentException          not inside a run
    ├── ActivityFailedException          the run that was waited for failed
    ├── ModelPathNotFoundException
    └── ServiceException                 the server could not do its part
        ├── ServerUnreachable
        │   └── AnswerBroken             an answer broke off before its end
        ├── ProtocolMismatch             client and server speak different wire versions
        ├── ObjectDamaged                kept bytes are not what they were
        ├── WorkspaceGone                the server's workspace was moved or removed
        │   └── WriterStopped            the server cannot write any more, and leaves
        ├── QueryTimedOut                reading took too long
        └── StorageFull
            └── StoreUnavailable     the bucket that has the bytes does not answer, or refuses

The HTTP status belongs to the class; `faena.server` maps errors to responses and `faena.client` maps them
back, both by the class's name (`code`).
"""

from __future__ import annotations

from typing import ClassVar


class FaenaError(Exception):
    """Root of all errors of Faena. `message` says what was given and what to do next."""

    status: ClassVar[int] = 400

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def code(self) -> str:
        return type(self).__name__


class UserErrorException(FaenaError):
    """What was given cannot be used."""


class DatasetTimestampMissingError(UserErrorException):
    """A time filter on a dataset that has no timestamp."""


class NotFound(UserErrorException):
    """The name or id given refers to nothing."""

    status = 404


class Conflict(UserErrorException):
    """What was asked clashes with what is there already."""

    status = 409


class AuthenticationException(UserErrorException):
    """The caller did not show a valid token."""

    status = 401


class NotAllowed(AuthenticationException):
    """Whoever asks is known, and may not do this."""

    status = 403


class NotCovered(FaenaError, ImportError):
    """v1 has it; here it comes later or not at all. The message says which, and what to use instead.

    `subject`: the name; `what` it is; `planned`: for when, or empty where it is not; `instead`: what to do. They are
    empty where the error came from a server. Also an ImportError: scripts look for optional parts of the v1 SDK by
    importing them.
    """

    status = 501

    def __init__(
        self, message: str, *, subject: str = "", what: str = "", planned: str = "", instead: str = ""
    ) -> None:
        super().__init__(message)
        self.subject, self.what, self.planned, self.instead = subject, what, planned, instead

    @classmethod
    def about(cls, subject: str, what: str, instead: str, planned: str = "") -> NotCovered:
        """`what`: a phrase that follows a colon; `instead`: a sentence."""
        plan = f"It is planned for {planned}." if planned else "It is not planned."
        message = f"{subject} is not covered: {what}. {plan} {instead}"
        return cls(message, subject=subject, what=what, planned=planned, instead=instead)


class WebserviceException(UserErrorException):
    """A model or a service cannot be what was asked."""


class ModelNotFoundException(WebserviceException):
    """No model of that name or version is registered."""

    status = 404


class WorkspaceException(FaenaError):
    """The workspace cannot be opened, found or created."""


class NoFolder(WorkspaceException):
    """What was asked for needs the workspace's folder, which is on another machine."""


class DatabaseDamaged(WorkspaceException):
    """The workspace's database is missing, damaged, or older than what it acknowledged."""

    status = 500


class ExperimentExecutionException(FaenaError):
    """A run cannot be submitted or followed."""


class ComputeTargetException(FaenaError):
    """A compute target is missing or its configuration is invalid."""


class TrainingException(FaenaError):
    """An estimator describes something that cannot run."""


class RunConfigurationException(FaenaError):
    """A run configuration names something that is unknown."""


class SnapshotException(FaenaError):
    """The source folder cannot be captured."""


class SnapshotMissing(SnapshotException):
    """The workspace does not have a snapshot, or not all of its bytes any more: they have to be sent."""

    status = 409


class EnvironmentBuildException(FaenaError):
    """The packages of a run cannot be resolved or installed, or no interpreter suits."""


class RunEnvironmentException(FaenaError):
    """The call needs a run around it and there is none."""


class ActivityFailedException(FaenaError):
    """The run that was waited for failed."""


class ModelPathNotFoundException(FaenaError):
    """The path to register is not among the run's files."""

    status = 404


class ServiceException(FaenaError):
    """The server could not do its part."""

    status = 500


class ServerUnreachable(ServiceException):
    """No server answers and none could be started."""

    status = 503


class DatabaseAway(ServerUnreachable):
    """The server's database does not answer, and the server has waited for it. Clients ask again for some minutes."""


class AnswerBroken(ServerUnreachable):
    """An answer broke off before its end."""


class ProtocolMismatch(ServiceException):
    """Client and server speak different wire versions."""

    status = 426


class ObjectDamaged(ServiceException):
    """Bytes that were kept are not what they were, or are gone. Nothing of them is handed out as good."""


class WorkspaceGone(ServiceException):
    """The workspace that this server had was moved or removed; clients ask the one that is where they look."""

    status = 421


class WriterStopped(WorkspaceGone):
    """The server cannot write to its database any more and leaves; clients ask the next one."""


class QueryTimedOut(ServiceException):
    """Reading the database took longer than a server allows."""

    status = 504


class StorageFull(ServiceException):
    """The disk that holds the workspace is full; nothing that was acknowledged is lost."""

    status = 507


class StoreUnavailable(StorageFull):
    """The store of objects does not answer, or refuses: nothing can be kept for now, as on a full disk."""

    status = 503


def is_refusal(error: FaenaError) -> bool:
    """Whether it is about what was sent, as far as is known: not the server's absence, its disk or its workspace."""
    elsewhere = (
        ServerUnreachable,
        StorageFull,
        WorkspaceGone,
        WorkspaceException,
        ProtocolMismatch,
        NotFound,
    )
    return not isinstance(error, elsewhere)


def _tree(cls: type[FaenaError]) -> dict[str, type[FaenaError]]:
    found = {cls.__name__: cls}
    for child in cls.__subclasses__():
        found |= _tree(child)
    return found


def from_wire(code: str, message: str) -> FaenaError:
    """The error that a server's answer names; a `ServiceException` when this version does not know it."""
    cls = _tree(FaenaError).get(code)
    return cls(message) if cls else ServiceException(f"{code}: {message}")
