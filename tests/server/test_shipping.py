"""How seldom runs on other machines send what they write, by how many of them do."""

from __future__ import annotations

from faena.server.node_listener.shipping import Shipping
from faena.testing.clock import ManualClock


def test_few_send_as_often_as_they_beat_and_many_forty_times_a_second_in_all() -> None:
    shipping = Shipping(ManualClock(), used=lambda: 0.0)
    assert shipping.pace("only/1/0", 2.0) == 2.0
    paces = [shipping.pace(f"run{number}/1/0", 2.0) for number in range(199)]
    assert paces[0] == 2.0
    assert paces[-1] == 5.0
    assert max(shipping.pace(f"more{number}/1/0", 2.0) for number in range(1000)) == 10.0


def test_those_that_have_ended_count_no_more_after_a_while() -> None:
    clock = ManualClock()
    shipping = Shipping(clock, used=lambda: 0.0)
    for number in range(200):
        shipping.pace(f"run{number}/1/0", 2.0)
    clock.advance(16)
    assert shipping.pace("other/1/0", 2.0) > 5.0
    clock.advance(16)
    assert shipping.pace("other/1/0", 2.0) == 2.0


def test_a_busy_server_has_them_send_half_as_often_at_most_and_as_before_when_it_has_time_again() -> None:
    clock, used = ManualClock(), 0.0

    def paces(share: float, looks: int) -> list[float]:
        """The last run's pace at each look of a server that uses so much of a processor."""
        nonlocal used
        found = []
        for _ in range(looks):
            clock.advance(5.1)
            used += 5.1 * share
            found.append([shipping.pace(f"run{number}/1/0", 2.0) for number in range(200)][-1])
        return found

    shipping = Shipping(clock, used=lambda: used)
    assert paces(0.3, 3) == [5.0, 5.0, 5.0]
    busy = paces(0.9, 8)
    assert busy == sorted(busy), "a little seldomer at each look"
    assert busy[-1] == 10.0
    assert paces(0.5, 3) == [10.0] * 3, "neither busy nor idle: it stays"
    assert paces(0.2, 12)[-1] == 5.0
