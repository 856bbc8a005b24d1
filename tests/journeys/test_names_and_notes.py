"""What people say of runs: names, notes, and which they want to see no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena import Experiment, Workspace
from faena.client.runs.run import Run
from faena.kernel.errors import NotFound, UserErrorException
from tests.cli.test_commands import faena


def shown(experiment: Experiment) -> list[str]:
    return [run.id for run in experiment.get_runs()]


@pytest.mark.long
def test_a_run_is_named_described_archived_and_deleted(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    workspace.write_config(workspace.folder)
    workspace.api.version()
    mark = workspace.files.path / "tidied"
    mark.touch()  # today's tidying is done: on a slow machine it would come in between
    experiment = Experiment(workspace, "noted")
    runs = [experiment.start_logging(snapshot_directory=None) for _ in range(3)]
    for number, run in enumerate(runs):
        run.log("loss", number)
        run.complete()
    first, second, third = (Run(experiment, run.id) for run in runs)

    first.display_name, first.description = "baseline", "lower rate, see ticket"
    assert (first.display_name, first.description) == ("baseline", "lower rate, see ticket")
    assert [run.id for run in workspace.find_runs("name = 'baseline'")] == [first.id]
    assert "baseline" in faena(workspace, "runs").stdout
    assert "lower rate" in faena(workspace, "show", first.id).stdout
    for name in ("x" * 256, "a\nb", "a\x1b[31mb"):
        with pytest.raises(UserErrorException, match="cannot be a name"):
            first.display_name = name
    first.display_name = None
    assert first.display_name is None

    faena(workspace, "archive", second.id)
    assert shown(experiment) == [third.id, first.id]
    assert second.get_metrics() == {"loss": 1}
    assert [run.id for run in workspace.find_runs("not archived is null")] == [second.id]
    assert second.id in faena(workspace, "runs", "--archived").stdout
    second.restore()
    assert second.id in shown(experiment)

    experiment.archive()
    assert Experiment.list(workspace) == []
    assert list(workspace.find_runs()) == []
    assert [each.name for each in Experiment.list(workspace, view_type="ArchivedOnly")] == ["noted"]
    experiment.reactivate()
    assert len(shown(experiment)) == 3

    preview = faena(workspace, "delete", "--filter", "metrics.loss >= 1", "--dry-run").stdout
    assert preview.startswith("Would be deleted: 2 runs where metrics.loss >= 1")
    done = faena(workspace, "delete", "--filter", "metrics.loss >= 1", "--yes").stdout
    assert "`faena undelete 1` brings it back until" in done
    assert shown(experiment) == [first.id]
    with pytest.raises(NotFound, match=r"was deleted. `faena undelete 1` brings it back"):
        third.get_metrics()
    assert "2 runs where" in faena(workspace, "deletions").stdout
    faena(workspace, "undelete", "1")
    assert len(shown(experiment)) == 3
    assert third.get_metrics() == {"loss": 2}

    kept = faena(workspace, "keep", "runs", "--days", "1").stdout
    assert "runs for 1 day after their end" in kept
    assert "Nothing would go now" in kept
    faena(workspace, "tidy", "--dry-run")
    assert len(shown(experiment)) == 3
    faena(workspace, "delete", "--experiment", "noted", "--yes")
    faena(workspace, "tidy", "--now")
    assert shown(experiment) == []
    assert faena(workspace, "deletions").stdout == "Nothing that could be undone.\n"
    assert "noted" in faena(workspace, "du").stdout or "database" in faena(workspace, "du").stdout
