"""On which machine an endpoint is, and when it leaves it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from faena.compute.machines.model import Machine, Told
from faena.endpoints.elsewhere.placing import Place, choose, why_none
from faena.endpoints.model import Endpoint
from faena.endpoints.schemas import Settings

LOST = 60.0


def place(name: str, *, cores: int = 2, draining: bool = False, away: float = 0.0) -> Place:
    return Place(Machine(f"id-{name}", "shop", name, "", None, Told(cores), draining, 1, 1), away)


def endpoint(machine: str = "", node: str = "") -> Endpoint:
    return Endpoint(
        name="digits",
        created_at=1,
        updated_at=1,
        version=1,
        settings=Settings(cluster="shop", node=node),
        latest=1,
        traffic={1: 100},
        wanted=None,
        shadow=None,
        state="Healthy",
        failure=None,
        port=None,
        deleted_at=None,
        machine=machine,
    )


@pytest.mark.parametrize(
    ("on", "places", "taken", "chosen"),
    [
        ("", [place("a"), place("b", cores=4)], {}, "b"),
        ("", [place("a"), place("b", cores=4)], {"id-b": 1}, "a"),
        ("", [place("a", away=1.0), place("b", draining=True)], {}, None),
        ("a", [place("a"), place("b", cores=64)], {"id-a": 9}, "a"),
        ("a", [place("a", away=LOST - 1), place("b")], {}, "a"),
        ("a", [place("a", away=LOST), place("b")], {}, "b"),
        ("a", [place("a", away=LOST)], {}, "a"),
        ("a", [place("a", away=LOST), place("b", away=0.1)], {}, "a"),
        ("a", [place("a", draining=True), place("b")], {}, "b"),
        ("a", [place("a", draining=True)], {}, "a"),
        ("gone", [place("b")], {}, "b"),
    ],
)
def test_an_endpoint_stays_until_its_machine_is_of_no_use_and_another_one_is(
    on: str, places: list[Place], taken: dict[str, int], chosen: str | None
) -> None:
    found = choose(endpoint(f"id-{on}" if on else ""), places, taken, LOST)
    assert (found.machine.name if found else None) == chosen


def test_one_that_is_bound_to_a_machine_never_leaves_it() -> None:
    bound = endpoint("id-a", node="a")
    found = choose(bound, [place("a", away=LOST), place("b")], {}, LOST)
    assert found is not None and found.machine.name == "a"
    moved = replace(bound, machine="id-b")
    found = choose(moved, [place("a"), place("b")], {}, LOST)
    assert found is not None and found.machine.name == "a"


def test_what_is_on_its_way_goes_on_to_the_same_machine() -> None:
    places = [place("a", draining=True), place("b", cores=8), place("c")]
    found = choose(endpoint("id-a"), places, {"id-c": 5}, LOST, coming="id-c")
    assert found is not None and found.machine.name == "c"


def test_why_one_waits_names_what_to_do() -> None:
    assert "faena node token shop" in why_none(endpoint(), [])
    assert "'shed' of 'shop' is away or drained" in why_none(endpoint(node="shed"), [place("shed", away=1.0)])
