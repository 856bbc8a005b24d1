"""How seldom runs on other machines send what they write, by how many of them do."""

from __future__ import annotations

from faena.server.node_listener.shipping import Shipping
from faena.testing.clock import ManualClock


def test_few_send_as_often_as_they_beat_and_many_forty_times_a_second_in_all() -> None:
    shipping = Shipping(ManualClock())
    assert shipping.pace("only/1/0", 2.0) == 2.0
    paces = [shipping.pace(f"run{number}/1/0", 2.0) for number in range(199)]
    assert paces[0] == 2.0
    assert paces[-1] == 5.0
    assert max(shipping.pace(f"more{number}/1/0", 2.0) for number in range(1000)) == 10.0


def test_those_that_have_ended_count_no_more_after_a_while() -> None:
    clock = ManualClock()
    shipping = Shipping(clock)
    for number in range(200):
        shipping.pace(f"run{number}/1/0", 2.0)
    clock.advance(16)
    assert shipping.pace("other/1/0", 2.0) > 5.0
    clock.advance(16)
    assert shipping.pace("other/1/0", 2.0) == 2.0
