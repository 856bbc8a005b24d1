"""A Ray cluster that `ray up` starts: the program is a test's, which notes what it was asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from faena import RayCluster, Workspace
from faena.compute.machines.schemas import ListenerRequest
from faena.kernel.errors import ComputeTargetException, UserErrorException
from tests.cli.terminal import within
from tests.server.test_ray_clusters import TOKEN, Dashboard
from tests.server.test_ray_clusters import ray as ray  # a fixture

CONFIG = {"cluster_name": "own", "provider": {"type": "local", "head_ip": "10.0.0.7"}}
MakeRay = Callable[..., str]


@pytest.fixture
def make_ray(tmp_path: Path) -> MakeRay:
    """A program `ray` that notes its words, prints `says`, and ends with `code`."""

    def make(code: int = 0, says: str = "New status: up-to-date") -> str:
        program = tmp_path / "bin" / "ray"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\necho "$@" >> "{tmp_path}/asked"\necho "{says}"\nexit {code}\n')
        program.chmod(0o755)
        return str(program)

    return make


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (path := tmp_path / "cluster.yaml").write_text(json.dumps(CONFIG))
    return path


@pytest.fixture
def open_workspace(lasting_workspace: Workspace) -> Workspace:
    lasting_workspace.api.nodes.listen(ListenerRequest())
    return lasting_workspace


def names(workspace: Workspace) -> list[str]:
    return [view.name for view in workspace.api.clusters()]


def test_a_cluster_is_started_and_attached_and_one_that_ray_down_did_not_end_is_told(
    open_workspace: Workspace,
    ray: Dashboard,
    config: Path,
    make_ray: MakeRay,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`ray down` is content where its `ray stop` was not found."""
    monkeypatch.setattr("faena.client.compute.ray_cluster._END_SECONDS", 0.0)
    program = make_ray()
    made = RayCluster.create(
        open_workspace, "own", config=config, ray_command=program, address=ray.address, token=TOKEN
    )
    assert "New status: up-to-date" in capsys.readouterr().out
    asked = config.with_name("asked")
    assert asked.read_text() == f"up -y {config}\n"
    RayCluster.attach(open_workspace, "own", address=ray.address, cpus_per_node=2)
    made = RayCluster(open_workspace, "own")
    with pytest.raises(ComputeTargetException, match=f"Ray still answers at {ray.address}"):
        made.delete(down=True)
    assert asked.read_text().splitlines()[-1] == f"down -y {config}"
    assert "own" not in names(open_workspace)


def test_what_is_given_as_a_dict_is_kept_for_its_end_which_ends_it(
    open_workspace: Workspace, ray: Dashboard, config: Path, make_ray: MakeRay
) -> None:
    program = make_ray()
    made = RayCluster.create(
        open_workspace,
        "told",
        config=CONFIG,
        ray_command=program,
        address=ray.address,
        token=TOKEN,
        show_output=False,
    )
    ray.shutdown()
    ray.server_close()
    made.delete(down=True, show_output=False)
    up, down = (line.split() for line in config.with_name("asked").read_text().splitlines())
    assert (up[0], down[0], up[2]) == ("up", "down", down[2])
    assert json.loads(Path(up[2]).read_text()) == CONFIG
    assert Path(up[2]).stat().st_mode & 0o077 == 0


def test_a_start_that_fails_says_what_ray_said_last(
    open_workspace: Workspace, config: Path, make_ray: MakeRay
) -> None:
    program = make_ray(1, "Failed to setup head node.")
    with pytest.raises(ComputeTargetException, match=r"exit code 1:\nFailed to setup head node"):
        RayCluster.create(open_workspace, "no", config=config, ray_command=program)
    done = within(
        open_workspace.folder, "cluster", "create", "no", "--ray-config", str(config), "--ray", program
    )
    assert done.returncode == 1
    assert b"Failed to setup head node." in done.stderr
    assert "no" not in names(open_workspace)


def test_a_head_whose_dashboard_nobody_reaches_is_named(
    open_workspace: Workspace, config: Path, make_ray: MakeRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faena.client.compute.ray_cluster._DASHBOARD_SECONDS", 0.0)
    with pytest.raises(ComputeTargetException, match=r"is up, and nobody answers.*ray down"):
        RayCluster.create(
            open_workspace, "no", config=config, ray_command=make_ray(), address="http://127.0.0.1:1"
        )
    with pytest.raises(ComputeTargetException, match="which is no address"):
        RayCluster.create(open_workspace, "no", config=config, ray_command=make_ray(says="not this one"))


def test_nothing_is_started_for_what_cannot_be(
    open_workspace: Workspace, config: Path, make_ray: MakeRay, ray: Dashboard
) -> None:
    program = make_ray()
    with pytest.raises(UserErrorException, match="no program"):
        RayCluster.create(open_workspace, "no", config=config, ray_command="/nowhere/ray")
    with pytest.raises(UserErrorException, match="has no `provider`"):
        RayCluster.create(open_workspace, "no", config={}, ray_command=program)
    with pytest.raises(UserErrorException, match="cannot be read"):
        RayCluster.create(open_workspace, "no", config=config.with_name("none"), ray_command=program)
    (wrong := config.with_name("wrong.yaml")).write_text("a: [")
    with pytest.raises(UserErrorException, match="is no YAML"):
        RayCluster.create(open_workspace, "no", config=wrong, ray_command=program)
    with pytest.raises(ComputeTargetException, match="cpus_per_node"):
        RayCluster.create(open_workspace, "no", config=config, ray_command=program, cpus_per_node=-1)
    attached = RayCluster.attach(open_workspace, "other", address=ray.address, token=TOKEN)
    with pytest.raises(UserErrorException, match="was attached"):
        attached.delete(down=True)
    assert "other" in names(open_workspace)
    attached.delete()
    assert not config.with_name("asked").exists()
