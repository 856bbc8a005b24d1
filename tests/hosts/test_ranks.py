"""Scripts of several processes on hosts that share neither disk nor network; tests/journeys has them on one host."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import uv

from tests.hosts.ground import Lease, Site
from tests.hosts.namespaces import unavailable
from tests.journeys.test_ranks import MPI, RENDEZVOUS

pytestmark = pytest.mark.skipif(bool(unavailable()), reason=unavailable())

_OUTPUT = "outputs/model.npz"


@pytest.fixture
def interpreter() -> Iterator[str]:
    """A Python with MPI that all hosts have in one place; there are no packages to be had in a namespace."""
    folder = Path(tempfile.mkdtemp(prefix="faena-mpi-", dir="/var/tmp"))
    python = folder / "bin" / "python"
    subprocess.run(
        [uv.find_uv_bin(), "venv", "--quiet", "--python", sys.executable, folder, "--clear"], check=True
    )
    packages = ["mpich>=4.2,<6", "mpi4py>=4,<5"]
    subprocess.run([uv.find_uv_bin(), "pip", "install", "--quiet", "--python", python, *packages], check=True)
    yield str(python)
    shutil.rmtree(folder)


def run(site: Site, script: str, **options: object) -> str:
    for host in site.nodes:
        site.join(host)
    (site.server.path("/tmp/source") / "train.py").write_text(script)
    submitted = site.submit(node_count=2, **options)
    site.until_status(submitted, "Completed", "Failed", seconds=120)
    assert site.status(submitted) == "Completed", site.ask(f"/runs/{submitted}")["error"]
    return submitted


def log(site: Site, submitted: str, rank: int) -> str:
    return str(site.ask(f"/runs/{submitted}/files/azureml-logs/70_driver_log_{rank}.txt"))


@pytest.mark.long
def test_ranks_of_torch_meet_at_the_address_of_the_first_host(tmp_path: Path) -> None:
    script = f"{RENDEZVOUS}\nprint(place[0], os.environ['GLOO_SOCKET_IFNAME'], flush=True)\n"
    with Site(tmp_path, Lease()) as site:
        submitted = run(site, script, distributed_backend="gloo")
        addresses = {host.address for host in site.nodes}
        for rank in (0, 1):
            assert log(site, submitted, rank).split()[-2] in addresses
            assert log(site, submitted, rank).split()[-1] == "eth0"


@pytest.mark.campaign
def test_ranks_of_mpi_speak_to_each_other_over_the_network(tmp_path: Path, interpreter: str) -> None:
    with Site(tmp_path, Lease()) as site:
        tcp = {"UCX_TLS": "tcp,self"}  # else what they say goes through memory that the hosts share
        submitted = run(
            site, MPI, distributed_backend="mpi", interpreter=interpreter, environment_variables=tcp
        )
        assert log(site, submitted, 0).startswith("0 of 2, sum 1")
        assert log(site, submitted, 1).startswith("1 of 2, sum 1")
        assert _OUTPUT in {file["name"] for file in site.ask(f"/runs/{submitted}/files")}
