"""What ranks print is followed rank by rank, and secrets in it are hidden as in any script's output."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena.attempts.folder import AttemptFolder
from faena.attempts.follow import Follower
from faena.attempts.redaction import Redaction

SECRET = "a secret value"


def followed(folder: Path, *, node: int, nodes: int, processes: int) -> Follower:
    redaction = Redaction(lambda: folder)
    redaction.learn({"key": SECRET})
    return Follower(
        AttemptFolder(folder), rank=node, node_count=nodes, redaction=redaction, processes=processes
    )


@pytest.mark.parametrize(
    ("node", "nodes", "processes", "names"),
    [
        (0, 1, 2, ["60_control_log.txt", "70_driver_log_4.txt"]),
        (1, 2, 8, ["60_control_log_1.txt", "70_driver_log_4.txt"]),
        (0, 1, 1, ["60_control_log.txt", "70_driver_log.txt"]),
    ],
)
def test_each_rank_has_a_log_by_its_number_and_the_launcher_one_of_its_own(
    tmp_path: Path, node: int, nodes: int, processes: int, names: list[str]
) -> None:
    (tmp_path / "driver.log").write_text("mpiexec says\n")
    (tmp_path / "ranks").mkdir()
    (tmp_path / "ranks" / "4.log").write_text(f"it is {SECRET}\n")
    for other in ("4.json", "x.log"):
        (tmp_path / "ranks" / other).write_text("no log of a rank")
    (tmp_path / "ranks" / "5.log").symlink_to("/etc/hostname")
    follower = followed(tmp_path, node=node, nodes=nodes, processes=processes)
    follower.discover()
    follower.ends()
    found = {part.stream: part.data for part in follower.segments(1 << 20)}
    assert sorted(found) == [f"log/azureml-logs/{name}" for name in names]
    assert found[f"log/azureml-logs/{names[1]}"] == b"it is " + b"*" * len(SECRET) + b"\n"


def test_what_was_lost_of_a_rank_is_told(tmp_path: Path) -> None:
    (tmp_path / "ranks").mkdir()
    log = tmp_path / "ranks" / "0.log"
    log.write_text("twelve bytes")
    follower = followed(tmp_path, node=0, nodes=1, processes=2)
    follower.discover()
    (part,) = follower.segments(1 << 20)
    follower.acknowledge(part.stream, 12)
    log.write_text("cut")
    (loss,) = follower.losses()
    assert "70_driver_log_0.txt" in loss.message
