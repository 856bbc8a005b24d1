"""What people say of runs is theirs."""

from __future__ import annotations

import pytest

from faena.kernel.errors import Conflict, NotAllowed, NotFound, UserErrorException
from faena.people.model import Role
from faena.runs.comments.schemas import LONGEST
from tests.people.shared import Shared

ID = "0123456789abcdef" * 2


@pytest.fixture(scope="module")
def run_id(shared: Shared) -> str:
    made = shared.owner.ask("POST", "/api/2.0/mlflow/runs/create", {"experiment_id": "0", "start_time": 1})
    found: str = made.json["run"]["info"]["run_id"]
    return found


def test_each_changes_their_own_and_owners_delete_those_of_others(shared: Shared, run_id: str) -> None:
    uma, vic = (shared.person(name, Role.CONTRIBUTOR).api.comments for name in ("uma", "vic"))
    said = uma.add(run_id, "  the loss is odd  ", "somebody else")
    assert (said.author, said.text) == ("uma", "the loss is odd"), "in nobody else's name"
    with pytest.raises(NotAllowed, match="is for uma to change"):
        vic.change(run_id, said.id, "it is not")
    with pytest.raises(NotAllowed, match="is for uma and for owners"):
        vic.delete(run_id, said.id)
    changed = uma.change(run_id, said.id, "it was the data")
    assert changed.changed_at is not None and changed.created_at == said.created_at
    assert [each.text for each in vic.list(run_id)] == ["it was the data"]
    with pytest.raises(NotAllowed, match="is for uma to change"):
        shared.owner.api.comments.change(run_id, said.id, "x")
    shared.owner.api.comments.delete(run_id, said.id)
    with pytest.raises(NotFound, match="may have been deleted"):
        uma.delete(run_id, said.id)


def test_a_reader_reads_them(shared: Shared, run_id: str) -> None:
    reader = shared.person("rea", Role.READER).api.comments
    assert isinstance(reader.list(run_id), list)
    with pytest.raises(NotAllowed, match="needs the role contributor"):
        reader.add(run_id, "hm", "")


def test_the_same_again_is_one(shared: Shared, run_id: str) -> None:
    path = f"/runs/{run_id}/comments"
    first, again = (shared.owner.ask("POST", path, {"text": "twice?", "id": ID}) for _ in range(2))
    assert first.json == again.json
    listed = shared.owner.api.comments.list(run_id)
    assert [each.text for each in listed if each.id == ID] == ["twice?"]
    with pytest.raises(Conflict, match="has another comment"):
        shared.owner.api.transport.request("POST", path, b'{"text": "other", "id": "%s"}' % ID.encode())


@pytest.mark.parametrize("text", ["", " \n ", "x" * (LONGEST + 1)])
def test_what_is_no_comment(shared: Shared, run_id: str, text: str) -> None:
    with pytest.raises(UserErrorException, match="A comment cannot have"):
        shared.owner.api.comments.add(run_id, text, "")
    with pytest.raises(NotFound):
        shared.owner.api.comments.add("nowhere", "x", "")
