"""After sealing every query answers as before, and the database holds the bytes no more."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faena.db import Read
from faena.kernel.errors import NotFound, ServiceException
from faena.objects import store as objects
from faena.tracking import service
from tests.databases import on_sqlite_alone
from tests.examples import examples
from tests.tracking.frames import event, name, number
from tests.tracking.workspace import RUN, TrackedWorkspace, log, spool


def answers(workspace: TrackedWorkspace, run_id: str) -> Any:
    def ask(read: Read) -> Any:
        rows = service.metric_summaries(read, run_id)
        sources = sorted({row.source for row in rows})
        return (
            repr([service.metrics(read, workspace.objects, run_id, source=source) for source in sources]),
            repr(rows),
            [
                (log.name, log.size, service.log_text(read, workspace.objects, run_id, log.name).data)
                for log in service.logs(read, run_id)
            ],
        )

    return workspace.read(ask)


def inline_bytes(workspace: TrackedWorkspace) -> int:
    query = "SELECT (SELECT coalesce(sum(length(data)), 0) FROM {}) + (SELECT coalesce(sum(length(data)), 0) FROM {})"
    text = query.format("metric_chunks", "log_segments")
    return int(workspace.read(lambda read: read.connection.exec_driver_sql(text).scalar_one()))


def fill(workspace: TrackedWorkspace, *, attempt: int = 1) -> None:
    frames = [number(place**0.5, place % 3, time=place) for place in range(30_000)]
    workspace.send(spool(attempt=attempt), *(name(place, f"m{place}") for place in range(3)), *frames)
    workspace.send(spool("system", attempt=attempt), name(0, "cpu"), number(5.0))
    for part in range(5):
        workspace.send(log(attempt=attempt), f"{part} ".encode() * 60_000)


def test_bytes_move_to_one_object(workspace: TrackedWorkspace) -> None:
    fill(workspace)
    before = answers(workspace, RUN)
    workspace.seal()
    assert answers(workspace, RUN) == before
    assert inline_bytes(workspace) == 0
    (digest,) = workspace.objects.list()
    size = workspace.objects.size(digest)
    assert workspace.read(lambda read: objects.known(read, [digest])) == {digest: size}
    assert workspace.log("logs/train.log").sealed


def test_sealing_again_changes_nothing(workspace: TrackedWorkspace) -> None:
    fill(workspace)
    workspace.seal()
    before = answers(workspace, RUN)
    workspace.seal()
    assert answers(workspace, RUN) == before
    assert len(list(workspace.objects.list())) == 1


def test_what_arrives_after_the_seal(workspace: TrackedWorkspace) -> None:
    fill(workspace)
    workspace.seal()
    workspace.send(spool(), number(-5.0, time=10**9))
    workspace.send(log(), b"late")
    assert workspace.metrics("m0")["m0"][-1] == -5.0
    assert workspace.log("logs/train.log", -4).data == b"late"
    before = answers(workspace, RUN)
    workspace.seal()
    assert answers(workspace, RUN) == before


def test_a_small_attempt_stays_in_the_database(workspace: TrackedWorkspace) -> None:
    workspace.send(spool(), name(0, "x"), number(1.0))
    workspace.send(log(), b"hello\n")
    before = answers(workspace, RUN)
    workspace.seal()
    assert answers(workspace, RUN) == before
    assert list(workspace.objects.list()) == []
    assert workspace.log("logs/train.log").sealed


def test_other_attempts_are_left_alone(workspace: TrackedWorkspace) -> None:
    fill(workspace, attempt=1)
    fill(workspace, attempt=2)
    both = inline_bytes(workspace)
    workspace.seal(1)
    assert 0 < inline_bytes(workspace) < both
    assert not workspace.log("logs/train.log", attempt=2).sealed
    assert workspace.metrics("m0", attempt=1) == workspace.metrics("m0", attempt=2)


def test_a_run_that_left_nothing(workspace: TrackedWorkspace) -> None:
    workspace.seal()


def test_a_seal_cut_short_before_the_rows_learn_of_the_pack(
    workspace: TrackedWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(workspace)
    before = answers(workspace, RUN)

    def fail(*_: object) -> None:
        raise OSError("the machine went down")

    with monkeypatch.context() as patch:
        patch.setattr("faena.tracking.sealing.packs.add", fail)
        with pytest.raises(OSError, match="went down"):
            workspace.seal()
    assert answers(workspace, RUN) == before
    workspace.seal()
    assert answers(workspace, RUN) == before
    assert inline_bytes(workspace) == 0


def test_a_damaged_pack_is_an_error_that_names_it(workspace: TrackedWorkspace) -> None:
    fill(workspace)
    workspace.seal()
    (digest,) = workspace.objects.list()
    path = workspace.objects.path(digest)
    path.chmod(0o644)
    path.write_bytes(b"")
    with pytest.raises(ServiceException, match=digest):
        workspace.metrics("m0")
    path.unlink()
    with pytest.raises(NotFound, match=digest):
        workspace.metrics("m0")


batch = st.one_of(
    st.builds(
        lambda values, metric, time: b"".join(number(value, metric, time=time) for value in values),
        st.lists(st.floats() | st.integers(-(2**63), 2**63 - 1), max_size=30),
        st.integers(0, 2),
        st.integers(0, 5),
    ),
    st.builds(lambda count: b"".join(number(0.1 * at, time=at) for at in range(count)), st.just(9000)),
    st.builds(lambda v: event("list", name="a", values=v), st.lists(st.floats() | st.text(), max_size=4)),
    st.builds(lambda v: event("row", name="b", columns=v), st.dictionaries(st.text(), st.integers())),
    st.builds(lambda v: event("scalar", name="a", value=v), st.text(max_size=3000)),
)


@pytest.mark.long
@on_sqlite_alone
@settings(
    max_examples=examples(8),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(st.lists(batch, max_size=8), st.lists(st.binary(max_size=5000), max_size=5), st.integers(0, 8))
def test_before_and_after(
    workspace: TrackedWorkspace, batches: list[bytes], lines: list[bytes], middle: int
) -> None:
    run_id = f"run_{len(workspace.reached)}"
    key = spool(run_id=run_id)
    workspace.send(key, *(name(place, text) for place, text in enumerate("abc")))
    for line in lines:
        workspace.send(log(run_id=run_id), line)
    for place, frames in enumerate(batches):
        workspace.send(key, frames)
        if place == middle:
            service.seal(workspace.database, workspace.objects, run_id, 1, workspace.clock)
    before = answers(workspace, run_id)
    service.seal(workspace.database, workspace.objects, run_id, 1, workspace.clock)
    assert answers(workspace, run_id) == before
