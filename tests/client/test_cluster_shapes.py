"""What a cluster is asked to be that is there already."""

from __future__ import annotations

import pytest

from faena import Cluster, Workspace


def test_another_size_than_the_one_there_is_told_and_changes_nothing(
    common_workspace: Workspace, capfd: pytest.CaptureFixture[str]
) -> None:
    Cluster.create(common_workspace, "of-two", max_nodes=2)
    assert Cluster.get_or_create(common_workspace, "of-two", max_nodes=8).name == "of-two"
    told = capfd.readouterr().err
    assert "'of-two' is there already and keeps max_nodes=2; cluster.update(max_nodes=8) changes it" in told
    Cluster.get_or_create(common_workspace, "of-two", max_nodes=2)
    Cluster.get_or_create(common_workspace, "of-two")
    assert capfd.readouterr().err == ""
