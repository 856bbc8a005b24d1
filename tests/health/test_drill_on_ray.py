"""What `faena drill --ray` refuses, before anything is started; tests/on_ray/test_drill.py has the true one."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from faena.cli.drill import drill
from faena.kernel.errors import ComputeTargetException
from faena.testing.kills import on_ray


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--ray", "ray://head:10001"], "no address of a Ray cluster"),
        (["--ray", "{nobody}"], "The Ray cluster at {nobody} cannot be reached"),
    ],
)
def test_a_ray_cluster_that_is_not_there_is_told_at_once(
    given: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with socket.socket() as bound:  # nobody listens at its port
        bound.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{bound.getsockname()[1]}"
        done = CliRunner().invoke(drill, [word.format(nobody=nobody) for word in given])
    assert isinstance(done.exception, ComputeTargetException)
    assert said.format(nobody=nobody) in done.exception.message
    assert list(tmp_path.iterdir()) == [], "no sandbox was made"


@pytest.mark.parametrize("option", [["--token"], ["--address", "10.0.0.5"]])
def test_options_of_a_ray_cluster_without_one_are_refused(option: list[str]) -> None:
    done = CliRunner().invoke(drill, option)
    assert done.exit_code == 2
    assert f"{option[0]} is of --ray" in done.output


def test_nodes_reach_this_machine_as_it_is_seen_from_there() -> None:
    assert on_ray.own_address("http://127.0.0.1:8265") == "127.0.0.1"
