"""What is deleted is as if it were not there, can be brought back for a day, and frees what nothing else refers to."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena.db import Write
from faena.kernel.errors import Conflict, ModelNotFoundException, NotFound, UserErrorException
from faena.models import service as models
from faena.models.model import Search
from faena.runs import service as runs
from faena.runs.search import Wanted
from faena.search import service as search
from faena.tidying import deleting
from faena.traces import finding, service, span_store
from faena.traces import store as traces
from faena.traces.model import Span, SpanStatus, Trace, TraceFile
from faena.tracking import query
from tests.databases import Databases
from tests.tidying.house import TidyHouse


@pytest.fixture
def house(databases: Databases, tmp_path: Path) -> TidyHouse:
    return TidyHouse(tmp_path, open_database=databases.open)


def listed(house: TidyHouse) -> list[str]:
    page = house.read(lambda read: search.find(read, Wanted(), house.clock.now(), sort="number"))
    return [run.id for run in page.runs]


def objects(house: TidyHouse) -> int:
    return len(list(house.objects.list()))


class TestRuns:
    def test_they_are_gone_until_that_is_undone(self, house: TidyHouse) -> None:
        kept, gone = house.run({"outputs/a": b"a"}), house.run({"outputs/b": b"bb"})
        done = house.delete([gone], user="ann")
        assert (done.id, done.size, done.what) == (1, 2, f"1 run: {gone}")
        assert listed(house) == [kept]
        with pytest.raises(NotFound, match=r"was deleted.*faena undelete 1"):
            house.read(lambda read: runs.get(read, gone))
        assert house.read(deleting.listed)[0].user == "ann"
        house.undo(1)
        assert listed(house) == [kept, gone]
        assert house.files(gone) == {"outputs/b": b"bb"}
        with pytest.raises(NotFound, match="no deletion 1"):
            house.undo(1)
        assert house.delete([gone]).id == 2

    def test_children_go_and_come_with_their_parents(self, house: TidyHouse) -> None:
        parent = house.run()
        child = house.run(parent=parent)
        house.run({"outputs/x": b"x"}, parent=child)
        earlier = house.delete([child])
        later = house.delete([parent])
        assert (earlier.what, later.what) == (f"2 runs: {child}", f"1 run: {parent}")
        house.undo(later.id)
        assert listed(house) == [parent]
        house.undo(earlier.id)
        assert len(listed(house)) == 3

    def test_a_preview_changes_nothing(self, house: TidyHouse) -> None:
        run = house.run({"outputs/a": b"a" * 1000})
        preview = house.delete([run], dry_run=True)
        assert (preview.id, preview.size) == (None, 1000)
        assert listed(house) == [run]
        assert house.read(deleting.listed) == []

    def test_bytes_that_others_need_are_not_counted(self, house: TidyHouse) -> None:
        source = house.snapshot(b"print(1)")
        first = house.run({"outputs/same": b"s" * 10, "outputs/own": b"o" * 7}, snapshot=source)
        second = house.run({"outputs/same": b"s" * 10}, snapshot=source)
        house.register(first, "outputs/own")
        assert house.delete([first], dry_run=True).size == 0
        assert house.delete([second], dry_run=True).size == 0
        assert house.delete([first, second], dry_run=True).size == 10 + len(b"print(1)")
        assert house.delete([first, second], models=("net",), dry_run=True).size == 17 + len(b"print(1)")

    def test_one_that_has_not_ended_is_named(self, house: TidyHouse) -> None:
        ended, living = house.run(), house.run(ended=False)
        with pytest.raises(Conflict, match=f"Not ended yet: {living}"):
            house.delete([ended, living])
        assert listed(house) == [ended, living]

    def test_by_filter_and_by_experiment(self, house: TidyHouse) -> None:
        a, b, other = house.run(experiment="a"), house.run(experiment="b"), house.run(experiment="b")
        assert house.delete(filter="number = 2").what == "1 run where number = 2"
        assert listed(house) == [a, other]
        assert house.delete(experiments=("b",)).what == "1 run of b"
        assert listed(house) == [a]
        left = house.delete(filter="number = 2")
        assert (left.id, left.nothing) == (None, True), "nothing was left of it"
        assert b

    def test_what_cannot_be_meant_is_refused(self, house: TidyHouse) -> None:
        run = house.run()
        for asked, said in (
            ({}, "Nothing was named"),
            ({"filter": " "}, "would mean all runs"),
            ({"filter": "numbr = 2"}, "numbr"),
            ({"filter": "not metrics.Acuracy > 2"}, "No run has the metric 'Acuracy'"),
            ({"experiments": ("none",)}, "no experiment 'none'"),
            ({"runs": ("none",)}, "no run 'none'"),
            ({"models": ("none",)}, "none not found"),
            ({"runs": (run,), "part": "half"}, "part is 'half'"),
            ({"models": ("net",), "part": "logs"}, "Models have no logs"),
        ):
            with pytest.raises(UserErrorException, match=said):
                house.delete(**asked)
        assert listed(house) == [run]

    def test_its_id_is_not_given_to_another_meanwhile(self, house: TidyHouse) -> None:
        run = house.run()
        house.delete([run])
        with pytest.raises(NotFound, match="was deleted"):
            house.read(lambda read: runs.get(read, run))


class TestParts:
    def test_outputs_go_and_logs_stay(self, house: TidyHouse) -> None:
        run = house.run({"outputs/a": b"a", "model/b": b"b", "logs/c": b"c"})
        done = house.delete([run], part="outputs")
        assert done.what == f"2 files: {run}"
        assert house.files(run) == {"logs/c": b"c"}
        house.undo(done.id)
        assert set(house.files(run)) == {"outputs/a", "model/b", "logs/c"}

    def test_logs_go_and_outputs_stay(self, house: TidyHouse) -> None:
        run = house.run({"outputs/a": b"a", "logs/c": b"c"})
        house.log(run, "azureml-logs/70_driver_log.txt", b"hello\n")
        done = house.delete([run], part="logs")
        assert done.what == f"2 logs: {run}"
        assert house.read(lambda read: query.logs(read, run)) == []
        house.undo(done.id)
        assert [log.size for log in house.read(lambda read: query.logs(read, run))] == [6]

    def test_a_file_that_is_uploaded_again_is_there_again(self, house: TidyHouse) -> None:
        run = house.run({"outputs/a": b"old"})
        done = house.delete([run], part="outputs")
        house.keep(run, {"outputs/a": b"new"})
        house.days(2)
        house.collect()
        assert house.files(run) == {"outputs/a": b"new"}
        assert done.id


class TestModels:
    def test_a_version_goes_and_its_number_is_not_given_again(self, house: TidyHouse) -> None:
        run = house.run({"outputs/m": b"weights"})
        assert [house.register(run, "outputs/m") for _ in range(2)] == ["net:1", "net:2"]
        done = house.delete(models=("net:2",))
        assert house.read(lambda read: models.get(read, "net", None)).version == 1
        with pytest.raises(ModelNotFoundException):
            house.read(lambda read: models.get(read, "net", 2))
        assert house.register(run, "outputs/m") == "net:3"
        house.undo(done.id)
        assert house.read(lambda read: models.get(read, "net", 2)).run_id == run
        house.delete(models=("net",))
        assert house.read(lambda read: models.list_models(read, Search(), latest=False)) == []
        house.days(2)
        house.collect()
        assert house.register(run, "outputs/m") == "net:4"

    def test_one_outlives_the_run_that_it_came_from(self, house: TidyHouse) -> None:
        run = house.run({"outputs/m": b"weights"})
        house.register(run, "outputs/m")
        house.delete([run])
        view = house.read(lambda read: models.view(read, models.get(read, "net", 1)))
        assert view.lineage is not None
        assert (view.run_id, view.lineage.run_id) == (run, run)
        house.days(2)
        house.collect()
        view = house.read(lambda read: models.view(read, models.get(read, "net", 1)))
        assert (view.run_id, view.properties) == (None, {"faena.deleted_run": run})
        assert house.bytes(view.files[0].digest) == b"weights"


class TestCollecting:
    def test_after_a_day_it_is_gone_for_good(self, house: TidyHouse) -> None:
        source = house.snapshot(b"print(1)")
        house.run({"outputs/a": b"a" * 100}, snapshot=source)
        gone = house.run({"outputs/b": b"b" * 50}, snapshot=house.snapshot(b"print(2)"))
        house.log(gone, "logs/x", b"x\n" * 10)
        house.days(2)
        house.delete([gone])
        house.days(0.9)
        assert house.collect().deletions == []
        house.days(0.2)
        preview = house.collect(dry_run=True)
        done = house.collect()
        assert [each.what for each in preview.deletions] == [f"1 run: {gone}"]
        assert (done.objects, done.size, done.waiting) == (2, 50 + len(b"print(2)"), 0)
        assert objects(house) == 2
        with pytest.raises(NotFound, match="no deletion"):
            house.undo(done.deletions[0].id)
        with pytest.raises(NotFound, match="There is no run"):
            house.read(lambda read: runs.get(read, gone))

    def test_at_once_on_request_but_for_what_was_put_just_now(self, house: TidyHouse) -> None:
        run = house.run({"outputs/a": b"a" * 100})
        house.delete([run])
        done = house.collect(now=True)
        assert (len(done.deletions), done.objects, done.waiting) == (1, 0, 100)
        house.days(1.1)
        assert house.collect().size == 100

    def test_a_trace_goes_with_the_run_that_made_it(self, house: TidyHouse) -> None:
        gone, stays = house.run(), house.run()
        digest, size = house.objects.put([b"t" * 30])

        def tell(write: Write) -> None:
            for trace_id, run in (("tr-own", gone), ("tr-put", stays), ("tr-free", None)):
                traces.add(write, Trace(trace_id, 0, 1, run))
            service.put_file(write, "tr-own", TraceFile("traces.json", digest, size), house.clock.now())
            span = Span("1" * 16, "tr-own", None, "s", 1, 2, SpanStatus.OK, "{...}")
            span_store.put(write, [span])
            traces.link(write, ["tr-put"], gone)

        def found() -> list[str]:
            return house.read(lambda read: [each.id for each in finding.find(read, finding.Wanted(), 9)])

        house.database.submit_write(tell).result()
        deletion = house.delete([gone])
        assert deletion.size == 30 + len("{...}")
        assert found() == ["tr-free", "tr-put"]
        house.undo(deletion.id)
        assert found() == ["tr-free", "tr-own", "tr-put"]
        house.delete([gone])
        house.days(2)
        house.collect()
        assert found() == ["tr-free", "tr-put"]
        assert house.read(lambda read: traces.get(read, "tr-own")) is None
        assert house.read(lambda read: traces.linked_runs(read, ["tr-put"])) == {}
        assert objects(house) == 0

    def test_families_of_any_depth(self, house: TidyHouse) -> None:
        top = run = house.run()
        for _ in range(5):
            run = house.run({"outputs/a": b"a"}, parent=run)
        house.delete([top])
        house.days(2)
        house.collect()
        assert (listed(house), objects(house)) == ([], 0)

    def test_logs_leave_the_pack_and_metrics_stay_in_it(self, house: TidyHouse) -> None:
        run = house.run()
        text = b"".join(b"%d: a line of the log\n" % number for number in range(20_000))
        house.log(run, "logs/long.txt", text)
        house.points(run, "loss", 20_000)
        before = house.metrics(run)
        house.seal(run)
        [packed] = house.objects.list()
        size = house.objects.size(packed)
        assert size is not None
        house.delete([run], part="logs")
        house.days(2)
        house.collect()
        [repacked] = house.objects.list()
        assert (house.objects.size(repacked) or 0) < size
        assert house.metrics(run) == before
        assert house.read(lambda read: query.logs(read, run)) == []

    def test_bytes_without_a_row_go(self, house: TidyHouse) -> None:
        house.objects.put([b"left by a killed server"])
        house.days(2)
        assert house.collect().objects == 1
        assert objects(house) == 0


def test_of_a_log_beyond_its_limit_the_beginning_is_kept(house: TidyHouse) -> None:
    run = house.run()
    assert house.log(run, "logs/x", b"0123456789", limit=15) == []
    [note] = house.log(run, "logs/x", b"0123456789", limit=15)
    assert "more than 15 bytes" in note
    assert house.log(run, "logs/x", b"0123456789", limit=15) == []
    assert house.log(run, "logs/x", b"0123456789", limit=None) == []
    house.seal(run)
    found = house.read(lambda read: query.log_text(read, house.objects, run, "logs/x"))
    assert (found.data, found.size) == (b"012345678901234", 15)
