"""Who takes in what others did has it in their own name, unless they own the workspace."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from pathlib import Path
from typing import Any, TypeVar

import pytest

from faena.kernel.errors import Conflict
from faena.mlflow.moving import runs as moving
from faena.mlflow.moving.schemas import RunGiven
from faena.people.callers import CURRENT
from faena.people.model import Caller, Role
from faena.runs import record_store, store
from tests.databases import on_sqlite_alone
from tests.mlflow_stores.stores import BEGAN
from tests.portable.places import RUN, Place

T = TypeVar("T")


def by(person: str, role: Role, work: Callable[..., T], *given: Any) -> T:
    context = copy_context()
    context.run(CURRENT.set, Caller(person, "t", role))
    return context.run(work, *given)


def user_of(place: Place, run_id: str) -> str:
    found = place.read(lambda read: store.get(read, run_id))
    return str(found.user)


@on_sqlite_alone
@pytest.mark.parametrize(("role", "user"), [(Role.OWNER, "kim"), (Role.CONTRIBUTOR, "bob")])
def test_an_exported_run(here: Place, there: Place, tmp_path: Path, role: Role, user: str) -> None:
    here.add_run(user="kim")
    here.export(tmp_path / "run")
    assert by("bob", role, there.take, tmp_path / "run").imported == [RUN]
    assert by("bob", role, there.take, tmp_path / "run").imported == [], "it is here already"
    notes = dict(there.read(lambda read: record_store.list_notes(read, RUN)))
    told = "Where it was exported, it was kim's." if user == "bob" else None
    assert (user_of(there, RUN), notes.get("imported_of")) == (user, told)
    if user == "bob":
        with pytest.raises(Conflict, match="it differs in user"):
            there.take(tmp_path / "run")


@on_sqlite_alone
@pytest.mark.parametrize(("role", "user"), [(Role.OWNER, "kim"), (Role.CONTRIBUTOR, "bob")])
def test_a_run_of_mlflows(here: Place, role: Role, user: str) -> None:
    given = RunGiven("a" * 32, "exp", "FINISHED", BEGAN, BEGAN + 5, user="kim")

    def take() -> object:
        return moving.take(here.database, here.objects, [given], "mlruns", BEGAN * 1000, look=False)

    by("bob", role, take)
    assert user_of(here, given.id) == user
