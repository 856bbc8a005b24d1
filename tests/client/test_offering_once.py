"""A process offers a snapshot once; where it is gone or damaged since, the next run brings it again."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena import Workspace
from faena.client.api import ServerApi
from faena.client.submission import capture
from faena.data.schemas import Snapshot
from tests.journeys.scripts import Project


@pytest.fixture
def offers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The snapshots that are offered."""
    found: list[str] = []
    offer = ServerApi.missing_objects

    def noted(api: ServerApi, snapshot: Snapshot) -> list[str]:
        found.append(snapshot.digest)
        return offer(api, snapshot)

    monkeypatch.setattr(ServerApi, "missing_objects", noted)
    return found


@pytest.mark.long
def test_what_was_offered_is_offered_again_only_where_it_went(
    workspace: Workspace, tmp_path: Path, offers: list[str]
) -> None:
    project = Project(workspace, tmp_path / "source", max_nodes=1)
    script = "print('here')"
    for _ in range(3):
        assert project.run(script).get_status() == "Completed"
    assert 1 <= len(offers) <= 2, "once, and once more when the bytes were sent"
    (file,) = capture.bring(workspace, project.folder).files
    kept = workspace.files.objects / file.digest[:2] / file.digest
    whole = kept.read_bytes()

    kept.unlink()
    offers.clear()
    assert project.run(script).get_status() == "Completed"
    assert offers
    assert kept.read_bytes() == whole

    kept.chmod(0o644)
    kept.write_bytes(whole[::-1])
    offers.clear()
    assert project.run(script).get_status() == "Completed"
    assert offers
    assert kept.read_bytes() == whole
