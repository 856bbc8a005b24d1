"""What is asked of a machine that shares neither disk nor network with the server: files of a run that goes on, and an
endpoint there.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from faena.testing.waiting import until
from tests.hosts.ground import CLUSTER, Lease, Site
from tests.hosts.namespaces import unavailable

pytestmark = [
    pytest.mark.skipif(bool(unavailable()), reason=unavailable()),
    pytest.mark.campaign,
]

WRITES = """
import os, time
open("outputs/made", "w").write("so far")
while not os.path.exists("/tmp/release"):
    time.sleep(0.1)
"""
SCORES = """
from azureml.core.model import Model
def init():
    global weights
    weights = open(Model.get_model_path("far")).read()
def run(data):
    return weights + " " + open("/tmp/whose").read()
"""
ASK = """
import sys, urllib.request
asked = urllib.request.Request(sys.argv[1], b"{}", {"Content-Type": "application/json"})
asked.add_header("Authorization", "Bearer " + sys.argv[2])
print(urllib.request.urlopen(asked, timeout=30).read().decode())
"""


def test_files_of_a_run_and_an_endpoint_are_asked_for_across_hosts(tmp_path: Path) -> None:
    with Site(tmp_path, Lease(), 2) as site:
        source = site.server.path("/tmp/source")
        (source / "train.py").write_text(WRITES)
        (source / "score.py").write_text(SCORES)
        (source / "weights").write_text("weights")
        there, client = site.nodes
        there.path("/tmp/whose").write_text("there")
        site.join(there)
        run = site.submit()
        until(lambda: "outputs/made" in names(site, run), "the script has written", seconds=90)
        assert site.ask(f"/runs/{run}/files/outputs/made") == "so far"

        site.do("deploy", "far", CLUSTER, "/tmp/source", "score.py", "weights")
        until(lambda: site.ask("/endpoints/far")["state"] == "Healthy", "the endpoint answers", seconds=120)
        address = site.ask("/endpoints/far")["scoring_uri"]
        assert there.address in address
        key = site.ask("/endpoints/far/keys")["primary"]
        assert client.run(sys.executable, "-c", ASK, address, key).strip() == '"weights there"'
        with there.away():
            assert "weights there" not in client.run(sys.executable, "-c", ASK, address, key, check=False)
        until(
            lambda: "weights there" in client.run(sys.executable, "-c", ASK, address, key, check=False),
            "it is back",
        )

        site.release()
        site.until_status(run, "Completed", seconds=90)


def names(site: Site, run: str) -> list[str]:
    return [each["name"] for each in site.ask(f"/runs/{run}/files")]
