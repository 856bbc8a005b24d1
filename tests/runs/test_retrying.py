"""Whether a run goes again, by how its attempts ended."""

from __future__ import annotations

from typing import Any

import pytest

from faena.kernel.errors import UserErrorException
from faena.runs import early_signal, retrying, service
from faena.runs.model import EndReason, Outcome, combine
from faena.runs.submission_schemas import Submission

LOST = Outcome(EndReason.NODE_LOST)
MEMORY = Outcome(EndReason.OUT_OF_MEMORY, signal=9)
SEGFAULT = Outcome(EndReason.SIGNAL, signal=11)
CANCELED = Outcome(EndReason.CANCELED)
OVERDUE = Outcome(EndReason.TIME_LIMIT)


def exited(code: int) -> Outcome:
    return Outcome(EndReason.EXIT_CODE, exit_code=code)


def asked(**given: Any) -> Submission:
    return Submission(experiment="e", snapshot="0" * 64, script="train.py", cluster="cpu", **given)


@pytest.mark.parametrize(
    ("given", "ended", "again"),
    [
        ({}, [LOST], False),
        ({"max_node_losses": 3}, [LOST] * 3, True),
        ({"max_node_losses": 3}, [LOST] * 4, False),
        ({"max_node_losses": 0, "max_retries": 1}, [LOST], False),
        ({"max_retries": 1}, [LOST] * 3, True),
        ({"max_retries": 1}, [LOST] * 4, False),
        ({}, [exited(1)], False),
        ({"max_retries": 1}, [exited(1)], True),
        ({"max_retries": 1}, [exited(1), exited(1)], False),
        ({"max_retries": 1}, [exited(1), LOST, LOST, LOST], True),
        ({"max_retries": 1}, [LOST, LOST, LOST, exited(1)], True),
        ({"max_retries": 2}, [MEMORY, SEGFAULT], True),
        ({"max_retries": 2}, [MEMORY, SEGFAULT, exited(2)], False),
        ({"max_retries": 9, "retry_on_exit_codes": (3,)}, [exited(1)], False),
        ({"max_retries": 9, "retry_on_exit_codes": (3,)}, [exited(3)], True),
        ({"max_retries": 9, "retry_on_exit_codes": (3,)}, [MEMORY], False),
        ({"max_retries": 9, "retry_on_exit_codes": (137,)}, [MEMORY], True),
        ({"max_retries": 9, "retry_on_exit_codes": (139,)}, [SEGFAULT], True),
        ({"max_retries": 9, "retry_on_exit_codes": (3,)}, [LOST], True),
        ({"max_retries": 9}, [CANCELED], False),
        ({"max_retries": 9}, [OVERDUE], False),
        ({"max_retries": 9}, [Outcome(EndReason.NOT_STARTED)], False),
    ],
)
def test_a_run_goes_again(given: dict[str, Any], ended: list[Outcome], again: bool) -> None:
    assert retrying.is_tried_again(asked(**given), ended, has_checkpoint=False) is again


def test_a_machine_that_is_lost_has_the_run_go_elsewhere() -> None:
    for given, again in (({}, True), ({"max_node_losses": 0}, False)):
        tried = retrying.is_tried_again(asked(**given), [LOST], has_checkpoint=False, elsewhere=True)
        assert tried is again
    assert not retrying.is_tried_again(asked(), [LOST] * 4, has_checkpoint=False, elsewhere=True)
    assert not retrying.is_tried_again(asked(), [exited(1)], has_checkpoint=False, elsewhere=True)


def test_a_checkpoint_tells_that_a_script_may_begin_twice() -> None:
    for given, again in (({}, True), ({"max_node_losses": 0}, False)):
        assert retrying.is_tried_again(asked(**given), [LOST], has_checkpoint=True) is again
    assert not retrying.is_tried_again(asked(), [exited(1)], has_checkpoint=True)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"max_retries": -1}, "max_retries is -1"),
        ({"max_node_losses": 1001}, "max_node_losses is 1001"),
        ({"max_retries": 1, "retry_on_exit_codes": (0,)}, "holds 0"),
        ({"retry_on_exit_codes": (3,)}, "needs max_retries"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], named: str) -> None:
    with pytest.raises(UserErrorException, match=named):
        service.check_retries(asked(**given))


def test_an_early_signal_is_read() -> None:
    assert early_signal.parse("USR1@90") == (10, 90.0)
    assert early_signal.parse("SIGINT@0.5") == (2, 0.5)
    early_signal.check("", None)
    for text, limit, said in (
        ("KILL@90", 100, "Use a signal"),
        ("USR1", 100, "Use a signal"),
        ("USR1@90", None, "max_run_duration_seconds"),
        ("USR1@90", 90, "fewer seconds"),
    ):
        with pytest.raises(UserErrorException, match=said):
            early_signal.check(text, limit)


def test_each_reason_of_an_end_has_its_place_among_those_of_other_ranks() -> None:
    for reason in EndReason:
        ended = [Outcome(EndReason.COMPLETED, ""), Outcome(reason, "why")]
        assert combine(ended, canceled=False).reason is reason
