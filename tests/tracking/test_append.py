"""Batches and offsets: everything once, whatever is sent twice, torn or out of place."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faena.db import Write
from faena.kernel.errors import UserErrorException
from faena.tracking import service
from faena.tracking.model import StreamKey
from tests.examples import examples
from tests.tracking.frames import end, event, hello, name, number
from tests.tracking.workspace import RUN, TrackedWorkspace, log, spool


class TestOffsets:
    def test_a_batch_moves_the_offset(self, workspace: TrackedWorkspace) -> None:
        data = name(0, "x") + number(1.0)
        assert workspace.append(spool(), 0, data).offset == len(data)
        assert workspace.read(lambda read: service.offsets(read, RUN, 1, 0)) == {spool().stream: len(data)}

    def test_a_batch_sent_twice_counts_once(self, workspace: TrackedWorkspace) -> None:
        data = name(0, "x") + number(1.0) + event("tag", key="k", value="v")
        first = workspace.append(spool(), 0, data)
        again = workspace.append(spool(), 0, data)
        assert again.offset == first.offset == len(data)
        assert (len(first.events), len(again.events)) == (1, 0)
        assert workspace.metrics() == {"x": 1.0}
        assert workspace.summaries()["x"].count == 1

    def test_the_new_part_of_an_overlap_is_taken(self, workspace: TrackedWorkspace) -> None:
        first = name(0, "x") + number(1.0)
        workspace.append(spool(), 0, first)
        assert workspace.append(spool(), 0, first + number(2.0)).offset == len(first) + 40
        assert workspace.metrics() == {"x": [1.0, 2.0]}

    def test_a_gap_is_refused_with_the_stored_offset(self, workspace: TrackedWorkspace) -> None:
        assert workspace.append(spool(), 40, number(1.0)).offset == 0
        assert workspace.read(lambda read: service.offsets(read, RUN, 1, 0)) == {}
        first = name(0, "x") + number(1.0)
        workspace.append(spool(), 0, first)
        assert workspace.append(spool(), len(first) + 40, number(3.0)).offset == len(first)
        assert workspace.append(log(), 7, b"late").offset == 0
        assert workspace.metrics() == {"x": 1.0}

    def test_an_incomplete_tail_is_asked_for_again(self, workspace: TrackedWorkspace) -> None:
        head, tail = name(0, "x"), number(1.0)
        assert workspace.append(spool(), 0, head + tail[:20]).offset == len(head)
        assert workspace.append(spool(), len(head), tail).offset == len(head) + 40
        assert workspace.metrics() == {"x": 1.0}

    def test_closing_counts_the_torn_tail(self, workspace: TrackedWorkspace) -> None:
        data = name(0, "x") + number(1.0) + number(2.0)[:33]
        answer = workspace.append(spool(), 0, data, closing=True)
        assert (answer.offset, answer.bad_bytes) == (len(data), 33)

    def test_what_failed_with_its_transaction_left_nothing(self, workspace: TrackedWorkspace) -> None:
        data = name(0, "x") + number(1.0)

        def fail(write: Write) -> None:
            service.append(write, spool(), 0, data, 0)
            raise RuntimeError("after the append")

        with pytest.raises(RuntimeError):
            workspace.write(fail)
        assert workspace.metrics() == {}
        assert workspace.append(spool(), 0, data).offset == len(data)
        assert workspace.metrics() == {"x": 1.0}

    def test_an_empty_log_is_there(self, workspace: TrackedWorkspace) -> None:
        assert workspace.append(log(), 0, b"").offset == 0
        assert workspace.log("logs/train.log").data == b""

    @pytest.mark.few(3)
    @pytest.mark.parametrize(
        "stream", ["", "log", "log/", "tmp/x", "log/../x", "log//etc/passwd", "log/a\0b", "log/C:/x"]
    )
    def test_streams_with_unusable_names(self, workspace: TrackedWorkspace, stream: str) -> None:
        with pytest.raises(UserErrorException):
            workspace.append(StreamKey(RUN, 1, 0, stream), 0, b"x")


class TestWriters:
    def test_ids_belong_to_their_writer(self, workspace: TrackedWorkspace) -> None:
        one, two = spool("1-aa"), spool("2-bb", rank=1)
        workspace.send(one, hello(), name(0, "x"), number(1.0, time=1))
        workspace.send(two, hello(), name(0, "y"), name(1, "x"), number(5.0, time=2))
        workspace.send(one, number(3.0, time=3))
        workspace.send(two, number(2.0, 1, time=2), end())
        assert workspace.metrics() == {"x": [1.0, 2.0, 3.0], "y": 5.0}

    def test_ties_are_in_the_order_of_arrival(self, workspace: TrackedWorkspace) -> None:
        workspace.send(spool("1-aa"), name(0, "x"), number(1.0, time=5))
        workspace.send(spool("2-bb"), name(0, "x"), number(2.0, time=5))
        workspace.send(spool("3-cc"), name(0, "x"), number(0.0, time=4))
        workspace.send(spool("1-aa"), number(3.0, time=5))
        assert workspace.metrics("x") == {"x": [0.0, 1.0, 2.0, 3.0]}

    def test_the_runners_samples_are_apart(self, workspace: TrackedWorkspace) -> None:
        workspace.send(spool("system"), name(0, "cpu"), number(99.0))
        workspace.send(spool(), name(0, "cpu"), number(1.0))
        assert workspace.metrics() == {"cpu": 1.0}
        assert workspace.metrics(source="system") == {"cpu": 99.0}
        assert {row.source for row in workspace.read(lambda r: service.metric_summaries(r, RUN))} == {
            "script",
            "system",
        }


class TestAttempts:
    def test_the_latest_is_shown(self, workspace: TrackedWorkspace) -> None:
        workspace.send(spool("1-aa", attempt=1), name(0, "x"), number(1.0), name(1, "old"), number(7, 1))
        workspace.send(spool("2-bb", attempt=2), name(0, "x"), number(2.0))
        assert workspace.metrics() == {"x": 2.0}
        assert workspace.metrics(attempt=1) == {"x": 1.0, "old": 7}
        assert set(workspace.summaries()) == {"x"}

    def test_a_late_batch_of_an_old_attempt(self, workspace: TrackedWorkspace) -> None:
        workspace.send(spool("2-bb", attempt=2), hello())
        workspace.send(spool("1-aa", attempt=1), name(0, "x"), number(1.0))
        assert workspace.metrics() == {}
        assert workspace.summaries() == {}
        assert workspace.metrics(attempt=1) == {"x": 1.0}
        workspace.send(spool("2-bb", attempt=2), name(0, "x"), number(2.0))
        assert workspace.metrics() == {"x": 2.0}


def test_topics_ring_after_the_commit(workspace: TrackedWorkspace) -> None:
    def topics(write: Write) -> set[str]:
        service.append(write, spool(), 0, name(0, "x") + number(1.0), 0)
        service.append(write, log(), 0, b"line\n", 0)
        return write.topics

    assert workspace.write(topics) == {service.metrics_topic(RUN), service.logs_topic(RUN)}


@settings(
    max_examples=examples(8),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(st.floats(allow_nan=False) | st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=400),
    st.lists(st.integers(1, 2000), min_size=1, max_size=30),
    st.integers(0, 10**9),
)
def test_any_cuts_give_the_same_metrics_once(
    workspace: TrackedWorkspace, values: list[float], cuts: list[int], unique: int
) -> None:
    example = f"run_{unique}_{len(values)}_{sum(cuts)}_{len(workspace.reached)}"
    workspace.reached[spool(example)] = 0
    key = StreamKey(example, 1, 0, "spool/1-aa")
    stream = name(0, "x") + b"".join(number(value, time=place) for place, value in enumerate(values))
    at, turn = 0, 0
    while at < len(stream):
        stop = at + cuts[turn % len(cuts)] + 40 * (turn // len(cuts))
        answer = workspace.append(key, at, stream[at:stop])
        assert workspace.append(key, at, stream[at:stop]).offset == answer.offset
        at, turn = answer.offset, turn + 1
    found = workspace.read(lambda read: service.metrics(read, None, example))["x"]
    assert found == (values if len(values) > 1 else values[0])
    (summary,) = workspace.read(lambda read: service.metric_summaries(read, example))
    assert (summary.count, summary.last) == (len(values), float(values[-1]))
    assert (summary.min, summary.max) == (min(map(float, values)), max(map(float, values)))
