"""The true runner of a Ray node, in an actor's hands: the Jobs API is a test's, whatever else is there is ours."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faena import RayCluster, Run, Workspace
from faena.client.runs.experiment import Experiment
from faena.client.submission.estimator import Estimator
from faena.compute.backends.ray import bridge
from faena.testing.kills.processes import parent_of
from faena.testing.waiting import until
from tests.server.test_ray_clusters import Cloud, attached, served

_SIZE = 8 << 20
_PARTS = 12
_SCRIPT = f"""
import os
for part in range({_PARTS}):
    with open(f"outputs/{{part}}.bin", "wb") as file:
        file.write(os.urandom({_SIZE}))
print("written")
"""


class Actors(Cloud):
    """As of Ray: an actor's process ends with its placement group, and with it the children that it has itself."""

    def __init__(self) -> None:
        super().__init__()
        self.holders: dict[tuple[str, int], bridge.Holder] = {}

    def start(self, gang: str, rank: int, what: Any) -> str:
        holder = self.holders[gang, rank] = bridge.Holder()
        holder.start((what.url, what.token, what.name, what.cores, what.gpus, what.archive))
        return super(Cloud, self).start(gang, rank, what.name)

    def look(self, actors: dict[tuple[str, int], Any]) -> dict[tuple[str, int], tuple[str, str]]:
        holders = dict(self.holders)
        return {which: holders[which].look() if which in holders else (bridge.GONE, "") for which in actors}

    def remove(self, gang: str) -> None:
        for which in [each for each in self.holders if each[0] == gang]:
            self.end(self.holders.pop(which))
        super().remove(gang)

    @staticmethod
    def end(holder: bridge.Holder) -> None:
        child = holder._process
        assert child is not None
        assert child.stdin is not None
        child.kill()
        child.wait()
        child.stdin.close()

    @property
    def runner(self) -> int:
        """Of the one node: below the actor's child."""
        [holder] = self.holders.values()
        assert holder._process is not None
        [found] = _children(holder._process.pid)
        return found


def _children(parent: int) -> list[int]:
    everybody = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdecimal()]
    return [pid for pid in everybody if parent_of(pid) == parent]


@pytest.fixture
def actors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Actors]:
    own = bridge.environment
    short = tempfile.TemporaryDirectory(prefix="faena-test-", dir="/tmp", ignore_cleanup_errors=True)
    with short as runtime:  # sockets are there
        far = {"FAENA_HOME": str(tmp_path / "far"), "FAENA_RUNTIME": runtime}
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        monkeypatch.setattr(bridge, "environment", lambda *given: own(*given) | far)
        yield (made := Actors())
        for holder in made.holders.values():
            made.end(holder)


@pytest.fixture
def big(
    lasting_workspace: Workspace, actors: Actors, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RayCluster]:
    with served(monkeypatch, actors) as ray, attached(lasting_workspace, ray, idle=600) as made:
        yield made


def finalizing(big: RayCluster, folder: Path) -> Run:
    """Once its script has ended, and while what that wrote is on its way."""
    (folder / "train.py").write_text(_SCRIPT)
    estimator = Estimator(
        str(folder), entry_script="train.py", compute_target=big, interpreter=sys.executable
    )
    run = Experiment(big.workspace, "far").submit(estimator)
    until(
        lambda: run.get_status() in ("Finalizing", "Completed", "Failed"), "its script has ended", seconds=60
    )
    return run


def all_has_come(run: Run) -> bool:
    return {f"outputs/{part}.bin" for part in range(_PARTS)} <= set(run.get_file_names())


@pytest.mark.long
def test_a_runner_that_is_killed_while_files_are_on_their_way_brings_them_all_the_same(
    big: RayCluster, actors: Actors, tmp_path: Path
) -> None:
    run = finalizing(big, tmp_path)
    os.kill(actors.runner, signal.SIGKILL)
    until(lambda: run.get_status() == "Completed", "the run has ended", seconds=30)
    view = big.workspace.api.run(run.id)
    assert (view.attempt, [note.code for note in view.notes]) == (1, [])
    assert all_has_come(run)
    assert len(actors.starts) == 1, "Ray was asked for nothing more"
    [log] = tmp_path.glob("faena-runners-*/*.log")
    assert "was killed by signal 9: another one takes its place" in log.read_text()


@pytest.mark.long
def test_a_runner_whose_actor_ends_brings_what_it_has_and_leaves(
    big: RayCluster, actors: Actors, tmp_path: Path
) -> None:
    run = finalizing(big, tmp_path)
    runner = actors.runner
    [gang] = actors.groups
    actors.remove(gang)
    until(lambda: run.get_status() == "Completed", "the run has ended", seconds=30)
    assert not big.workspace.api.run(run.id).notes
    assert all_has_come(run)
    until(lambda: parent_of(runner) is None, "the runner has left")
