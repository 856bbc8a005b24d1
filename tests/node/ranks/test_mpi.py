"""How MPICH is found, and what its commands are told by."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena.node.ranks import mpi
from faena.node.ranks.launching import Refused


def test_the_commands_of_many_nodes_are_told_by_one() -> None:
    commands = [f"/bin/proxy --control-port h:1 --proxy-id {node} " for node in range(3)]
    told = mpi.shortened(commands)
    assert told == ["/bin/proxy --control-port h:1 --proxy-id"]
    assert mpi.lengthened(told, 3) == [command.strip() for command in commands]
    for other in (commands[:1], ["a 0", "b 1"], ["a 1", "a 0"]):
        assert mpi.lengthened(mpi.shortened(other), len(other))[0].split() == other[0].split()


def test_the_mpich_of_the_environment_comes_before_the_one_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("mpiexec.hydra", "hydra_pmi_proxy")
    for place in ("env", "machine"):
        (tmp_path / place).mkdir()
        for name in names:
            (tmp_path / place / name).touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "machine"))
    python = tmp_path / "env" / "python"
    assert mpi.programs(str(python)) == tuple(str(tmp_path / "env" / name) for name in names)
    (tmp_path / "env" / names[0]).unlink()
    assert mpi.programs(str(python))[0] == str(tmp_path / "machine" / names[0])


def test_who_has_none_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Refused, match="Install the packages mpich and mpi4py"):
        mpi.programs(str(tmp_path / "python"))


@pytest.mark.parametrize(
    ("addresses", "names"),
    [
        (["10.0.0.7", "10.0.0.8"], ["10.0.0.7", "10.0.0.8"]),
        (["127.0.0.1", "127.0.0.1"], ["127.0.0.1", "127.0.0.2"]),
        (["fd00::7", "fd00::8"], ["127.0.0.1", "127.0.0.2"]),
    ],
)
def test_each_node_has_a_name_that_need_not_be_looked_up(addresses: list[str], names: list[str]) -> None:
    assert mpi.host_names(addresses) == names


def test_a_thousand_nodes_of_one_address_have_names_of_their_own() -> None:
    names = mpi.host_names(["127.0.0.1"] * 1000)
    assert len(set(names)) == 1000
    assert names[255] == "127.0.1.0"
