"""Clusters whose nodes are machines that join: nobody starts one, and tokens and labels are told what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena.compute import service
from faena.compute import store as compute
from faena.compute.machines.model import told_by
from faena.compute.machines.schemas import JoinRequest, JoinTokenRequest
from faena.compute.machines.service import new_join_token
from faena.compute.model import Cluster, ClusterKind
from faena.compute.schemas import ClusterRequest
from faena.db import Database, Write
from faena.kernel.errors import ComputeTargetException, UserErrorException
from faena.node.join import main
from faena.node.joined import signals


def test_one_of_an_earlier_faena_with_min_nodes_can_be_resized(tmp_path: Path) -> None:
    database = Database(tmp_path / "faena.db")

    def story(write: Write) -> None:
        compute.put_cluster(write, Cluster("far", 2, 4, 0.0, None, 0, 0, ClusterKind.JOINED))
        service.update(write, "far", ClusterRequest(max_nodes=8, min_nodes=2), 1)  # as its handle sends it
        found = service.get(write, "far")
        assert (found.min_nodes, found.max_nodes) == (0, 8)
        for change in (service.create, service.update):
            with pytest.raises(ComputeTargetException, match="min_nodes of 'far' is 1"):
                change(write, "far", ClusterRequest(8, 1, kind=ClusterKind.JOINED), 1)
        with pytest.raises(UserErrorException, match=r"days is 0\. Use a number above 0 and up to 365"):
            new_join_token(write, JoinTokenRequest("far", 0.0), "https://10.0.0.5:1", "", 0)

    database.submit_write(story).result()
    database.close()


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({"rack": "3" * 300}, r"The label 'rack=33+' cannot be shown"),
        ({"rack": "3\n4"}, r"The label 'rack=3\\n4' cannot be shown"),
        ({str(number): "x" for number in range(65)}, "65 labels are too many: a machine has up to 64"),
    ],
)
def test_labels_that_nobody_could_read_are_named(labels: dict[str, str], said: str) -> None:
    asked = JoinRequest("shed", "0.1.0", 1, 1, "3.11", "linux-x86_64", 1, labels=labels)
    with pytest.raises(UserErrorException, match=said):
        told_by(asked, "10.0.0.5")


@pytest.mark.parametrize("given", [["rack=3", "rack=4"], ["rack"], ["=3"]])
def test_labels_of_a_command_line(
    given: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "take", lambda: None)
    words = [word for label in given for word in ("--label", label)]
    assert main(["https://127.0.0.1:9", *words]) == 1
    assert "The label '" in capsys.readouterr().err
