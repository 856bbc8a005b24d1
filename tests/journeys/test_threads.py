"""How many threads a script gets: by what runs beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena import Cluster, Workspace
from faena.client.runs.run import Run
from faena.compute.cores import machine_cores
from faena.testing.waiting import until
from tests.journeys.scripts import Project

SAY = """
    import os
    from faena import Run
    Run.get_context().tag("threads" + os.environ["FAENA_RANK"], os.environ["OMP_NUM_THREADS"])
"""
CORES = machine_cores()


@pytest.fixture
def workspace(lasting_workspace: Workspace) -> Workspace:
    return lasting_workspace


def threads(run: Run, rank: int = 0) -> int:
    return int(run.get_tags()[f"threads{rank}"])


@pytest.mark.long
def test_all_cores_for_one_that_runs_alone_and_a_share_for_the_next(project: Project, tmp_path: Path) -> None:
    go_on = tmp_path / "go-on"
    first = project.submit(
        f"{SAY}    import time\n    while not os.path.exists({str(go_on)!r}): time.sleep(0.02)\n"
    )
    until(lambda: "threads0" in first.get_tags(), "the first one runs")
    second = project.run(SAY)
    go_on.touch()
    first.wait_for_completion()
    assert (threads(first), threads(second)) == (CORES, max(1, CORES // 2))
    assert first.refresh().threads == f"{CORES} of {CORES} cores"
    assert first.get_details()["runDefinition"]["threads"] == f"{CORES} of {CORES} cores"


@pytest.mark.long
def test_the_nodes_of_one_run_share(project: Project) -> None:
    run = project.run(SAY, node_count=2)
    assert threads(run, 0) == threads(run, 1) == max(1, CORES // 2)


@pytest.mark.long
def test_a_cluster_may_say_how_many(project: Project) -> None:
    project.cluster = Cluster.create(project.workspace, "narrow", max_nodes=2, cores_per_node=1)
    assert threads(project.run(SAY)) == 1
    assert Cluster.create(project.workspace, "narrow", max_nodes=2).cores_per_node == 1
    project.cluster.update(max_nodes=3)
    assert threads(project.run(SAY)) == 1


def test_a_cluster_that_shares_goes_on_to(project: Project) -> None:
    project.cluster = Cluster.create(project.workspace, "sharing", max_nodes=1)
    project.cluster.update(max_nodes=5)
    assert threads(project.run(SAY)) == CORES


def test_who_gives_a_number_has_it(project: Project) -> None:
    assert threads(project.run(SAY, environment_variables={"OMP_NUM_THREADS": "7"})) == 7
