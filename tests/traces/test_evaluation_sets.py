"""Evaluation sets in our own words: handles and commands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from faena.client.traces.evaluation_set import EvaluationSet
from faena.client.workspace import Workspace
from faena.db import Write
from faena.kernel.errors import NotFound, UserErrorException
from faena.traces.evaluation_sets import service
from faena.traces.evaluation_sets.model import Told
from faena.workspaces import store as workspaces
from tests.cli.terminal import within
from tests.server.house import Running, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("sets")) as found:

        def work(write: Write) -> None:
            workspaces.create_experiment(write, "chat", 1, 5)
            for number, (name, of) in enumerate((("capitals", 5), ("twice", 5), ("twice", 77), ("gone", 77))):
                made = service.create(write, name, {"team": "a"}, [of], number, "ann")
                told = [Told({"q": each}, expectations={"answer": each * 2}) for each in range(1, 1203)]
                service.add_records(write, made.id, told if name == "capitals" else [], number, "ann")

        found.house.database.submit_write(work).result()
        yield found


@pytest.fixture(scope="module")
def given(server: Running) -> dict[str, str]:
    visitor = server.client()
    token = visitor.headers["Authorization"].removeprefix("Bearer ")
    return {"FAENA_WORKSPACE": f"http://127.0.0.1:{visitor.port}", "FAENA_TOKEN": token}


@pytest.fixture(scope="module")
def ws(given: dict[str, str]) -> Workspace:
    return Workspace.connect(given["FAENA_WORKSPACE"], given["FAENA_TOKEN"])


def test_a_set_is_found_by_its_name_or_its_id_with_all_its_records(ws: Workspace) -> None:
    found = EvaluationSet(ws, "capitals")
    assert (len(found), found.tags, found.experiment_names) == (1202, {"team": "a"}, ["chat"])
    records = list(found.records)
    assert sorted(each.inputs["q"] for each in records) == list(range(1, 1203)), "of two pages"
    assert all(each.expectations == {"answer": 2 * each.inputs["q"]} for each in records)
    assert EvaluationSet(ws, found.id).view == found.view
    with pytest.raises(NotFound, match="There is 'capitals'"):
        EvaluationSet(ws, "captals")
    with pytest.raises(UserErrorException, match="2 evaluation sets are called 'twice'"):
        EvaluationSet(ws, "twice")


def test_they_are_listed_by_experiment_and_deleted_for_good(ws: Workspace) -> None:
    assert [each.name for each in EvaluationSet.list(ws, "chat")] == ["twice", "capitals"]
    with pytest.raises(NotFound):
        EvaluationSet.list(ws, "none")
    gone = EvaluationSet(ws, "gone")
    gone.delete()
    with pytest.raises(NotFound):
        gone.refresh()


def test_commands_list_them_and_show_one(server: Running, given: dict[str, str]) -> None:
    folder = server.house.folder.path.parent
    listed = within(folder, "evaluation-sets", "--experiment", "chat", given=given).stdout.decode()
    assert "capitals" in listed
    shown = within(folder, "evaluation-set", "capitals", "--limit", "2", given=given)
    assert shown.stdout.decode().count("answer: ") == 2
    assert b"2 of 1,202" in shown.stderr
