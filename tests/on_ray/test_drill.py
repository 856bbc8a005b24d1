"""`faena drill --ray`: what is ours in a Ray cluster is killed from inside, and nothing of ours is left there."""

from __future__ import annotations

import json
import sys

from faena.testing.waiting import until
from tests.hosts.namespaces import Host
from tests.on_ray.ground import MARKS, commands, nothing_is_left

pytestmark = MARKS
_FAENA = (sys.executable, "-P", "-m", "faena.cli")


def test_a_drill_kills_each_kind_and_finds_everything(hosts: tuple[Host, Host]) -> None:
    server, ray = hosts
    words = ("drill", "--ray", f"http://{ray.address}:8265", "--seed", "5", "--json")
    said = server.run(*_FAENA, *words, check=False, seconds=1000)
    print(said)
    found = json.loads(said)
    assert (found["clean"], found["kills"]) == (True, 10), said
    row = next(each for each in found["victims"] if each["victim"] == "ray")
    assert row["kills"] == 4, "bridge, runner, guard and script"
    assert row["points"]["found"] == 200 * found["on_ray"] > 0
    assert row["lines"]["lost"] + row["points"]["doubled"] == 0
    nothing_is_left(ray)
    until(
        lambda: not [each for each in commands(ray).values() if "FAENA_BRIDGE_CODE" in each],
        "no bridge is left",
    )
