"""What is read of a store of MLflow's, whatever it is, before it is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from msgspec import Struct, field

from faena.kernel.errors import UserErrorException
from faena.mlflow.moving.schemas import (
    EvaluationSetGiven,
    ExperimentGiven,
    LoggedModelGiven,
    ModelGiven,
    RunGiven,
    TraceGiven,
)


class StoreDamaged(UserErrorException):
    """One thing of a store that cannot be read; the others can."""

    @property
    def code(self) -> str:
        return UserErrorException.__name__


class Files(Struct):
    """Those of a run, a logged model or a version."""

    places: dict[str, Path] = {}
    """Regular files of this machine by name; who reads a server has them in a folder that goes."""
    left_out: list[str] = []
    """What cannot be had, and why, a sentence each."""


class Head(Struct, frozen=True):
    """A run, before it is read."""

    id: str
    experiment: str
    """Its experiment's id there."""
    began: int = 0
    place: str = ""
    """Where a store finds it."""


class RunFound(Struct):
    run: RunGiven
    """Without its files; `experiment` is the id there."""
    artifacts: str
    """The address that the store names."""
    notes: list[str] = field(default_factory=list)


class VersionFiles(Struct, frozen=True):
    model: str
    version: int
    source: str


class Store(Protocol):
    """A store of MLflow's. Each method raises StoreDamaged for one thing that is wrong, UserErrorException for all."""

    address: str
    """For people: without what signs in."""

    def experiments(self) -> list[ExperimentGiven]: ...

    def heads(self) -> list[Head]:
        """Of all runs."""

    def run(self, head: Head) -> RunFound: ...

    def files(self, address: str, owner: str) -> AbstractContextManager[Files]:
        """Below an address of artifacts; `owner`: the run or logged model that must be named in it; empty: none."""

    def logged_models(self) -> Iterator[tuple[LoggedModelGiven, str]]:
        """Each with the address of its files; `experiment` is the id there."""

    def models(self) -> Iterator[ModelGiven]: ...

    def traces(self) -> Iterator[tuple[TraceGiven, str]]:
        """Each with the address of its files."""

    def evaluation_sets(self) -> Iterator[EvaluationSetGiven]:
        """In parts, those of one set one after the other; `experiments` are ids there."""

    def left_out(self) -> dict[str, int]:
        """How many there are of what has no counterpart here, by what it is."""

    def trouble(self) -> list[str]:
        """What could not be read while other things were, a sentence each."""

    def close(self) -> None: ...


Progress = Callable[[str, int, int], None]
"""(What is brought, how many are done, of how many)."""
