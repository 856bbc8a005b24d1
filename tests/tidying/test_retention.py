"""Rules take away what they say, no more, and it can be brought back."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest

from faena.kernel.errors import NotFound, UserErrorException
from faena.people import store as people
from faena.people.schemas import AuditEntry
from faena.tidying import retention
from faena.tidying.schemas import AnyRule, Applied, KeepAudit, KeepBest, KeepLogs, KeepOfLog, KeepRuns
from tests.databases import Databases
from tests.tidying.house import TidyHouse


@pytest.fixture
def house(databases: Databases, tmp_path: Path) -> TidyHouse:
    return TidyHouse(tmp_path, open_database=databases.open)


def put(house: TidyHouse, name: str, rule: AnyRule) -> None:
    asyncio.run(retention.put(house.database, name, rule, house.clock.now()))


def apply(house: TidyHouse, *, dry_run: bool = False) -> list[Applied]:
    return asyncio.run(retention.apply(house.database, house.clock.now(), dry_run=dry_run))


def scored(house: TidyHouse, *values: float, experiment: str = "e") -> list[str]:
    """Runs with an output each, which logged these accuracies."""
    made = []
    for value in values:
        run = house.run({"outputs/m": b"%f" % value}, experiment=experiment)
        house.value(run, "Accuracy", value)
        made.append(run)
    return made


def test_outputs_of_the_best_stay(house: TidyHouse) -> None:
    worst, best, middle = scored(house, 0.1, 0.9, 0.5)
    [other] = scored(house, 0.01, experiment="other")
    unscored = house.run({"outputs/m": b"x"})
    house.register(worst, "outputs/m")
    put(house, "outputs", KeepBest(best=1, by="-metrics.Accuracy"))
    house.clock.advance(1)
    [would] = apply(house, dry_run=True)
    assert (would.what.partition(":")[0], would.deletion) == ("2 files", None)
    [done] = apply(house)
    assert [bool(house.files(run)) for run in (worst, best, middle, other, unscored)] == [
        False,
        True,
        False,
        True,
        True,
    ]
    assert done.size == 8, "what a model keeps is not freed"
    house.undo(done.deletion)
    assert house.files(middle)
    put(house, "outputs", KeepBest(best=1, by="metrics.Accuracy", filter="number < 3", days=1))
    assert apply(house) == []
    house.days(2)
    [done] = apply(house)
    assert (bool(house.files(worst)), bool(house.files(best)), bool(house.files(middle))) == (
        True,
        False,
        True,
    )


def test_logs_and_runs_stay_so_many_days(house: TidyHouse) -> None:
    old = house.run({"logs/x": b"x"})
    house.days(3)
    new = house.run({"logs/x": b"x"})
    put(house, "logs", KeepLogs(days=2))
    [done] = apply(house)
    assert (house.files(old), bool(house.files(new)), done.rule) == ({}, True, "logs")
    assert apply(house) == [], "what is gone is not taken again"
    put(house, "runs", KeepRuns(days=2, filter="number = 1"))
    [done] = apply(house)
    assert done.what == f"1 run: {old}"


def test_a_family_of_which_somebody_lives_waits(house: TidyHouse) -> None:
    parent = house.run()
    house.run(parent=house.run(parent=parent), ended=False)
    alone = house.run()
    house.days(3)
    put(house, "runs", KeepRuns(days=1))
    [done] = apply(house)
    assert done.what == f"1 run: {alone}"


@pytest.mark.few(4)
@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (KeepLogs(days=-1), "days is -1"),
        (KeepLogs(days=0), "days is 0. Use days, 1 to"),
        (KeepRuns(days=0.9), "days is 0.9. Use days, 1 to"),
        (KeepBest(best=1, by="metrics.Accuracy", days=-1), "days is -1"),
        (KeepLogs(days=float("nan")), "days is nan"),
        (KeepRuns(days=1, filter="numbr = 1"), "numbr"),
        (KeepRuns(days=1, filter="number ="), "number ="),
        (KeepBest(best=0, by="metrics.x"), "best is 0"),
        (KeepBest(best=1, by="nothing"), "nothing"),
        (KeepBest(best=1, by="model"), "sorted by model"),
        (KeepOfLog(size=1), "size is 1"),
        (KeepAudit(days=29), "days is 29. Use days, 30 to"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(house: TidyHouse, rule: AnyRule, said: str) -> None:
    scored(house, 0.5)
    with pytest.raises(UserErrorException, match=said):
        put(house, "rule", rule)
    assert house.read(retention.listed) == []


def test_a_rule_says_what_it_would_take_away_now(house: TidyHouse) -> None:
    house.run()
    none = asyncio.run(retention.put(house.database, "runs", KeepRuns(days=1), house.clock.now()))
    house.days(2)
    one = asyncio.run(retention.put(house.database, "runs", KeepRuns(days=1), house.clock.now()))
    assert none.goes is None
    assert one.goes
    assert one.goes.what.startswith("1 run")
    assert [each.what for each in apply(house, dry_run=True)] == [one.goes.what]


def test_the_audit_log_is_shortened_a_part_at_a_time_and_tells_so(
    house: TidyHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_ROWS_TOGETHER", 3)
    put(house, "audit", KeepAudit(days=30))

    def note(times: int) -> None:
        for number in range(times):
            entry = AuditEntry(0, house.clock.now(), "ada", "t", "PUT", f"/runs/{number}", 200, "::1")
            asyncio.run(house.database.write(partial(people.add_entry, told=entry)))

    note(4)
    house.days(31)
    note(2)
    [would] = apply(house, dry_run=True)
    [done] = apply(house)
    assert would.what == done.what == "4 rows of the audit log"
    left = house.read(lambda read: people.list_entries(read, None, None, 10))
    assert [(each.verb, each.path.partition(" of")[0]) for each in left] == [
        ("RULE", "/retention/audit: 1 row"),
        ("RULE", "/retention/audit: 3 rows"),
        ("PUT", "/runs/1"),
        ("PUT", "/runs/0"),
    ]
    assert apply(house) == []


def test_the_latest_row_of_the_audit_log_stays_since_its_number_is_another_ones_else(
    house: TidyHouse,
) -> None:
    put(house, "audit", KeepAudit(days=30))
    entry = AuditEntry(0, house.clock.now(), "ada", "t", "PUT", "/runs/1", 200, "::1")
    first, last = (asyncio.run(house.database.write(partial(people.add_entry, told=entry))) for _ in range(2))
    house.days(31)
    assert apply(house, dry_run=True) == apply(house)
    told, stayed = house.read(lambda read: people.list_entries(read, None, None, 10))
    assert (told.verb, stayed.number) == ("RULE", last)
    assert told.number > last > first


def test_rules_have_names(house: TidyHouse) -> None:
    put(house, "mine", KeepOfLog(size=1 << 20))
    put(house, "other", KeepOfLog(size=1 << 21))
    assert [view.name for view in house.read(retention.listed)] == ["mine", "other"]
    assert house.read(retention.log_limit) == 1 << 20
    asyncio.run(retention.remove(house.database, "mine"))
    assert house.read(retention.log_limit) == 1 << 21
    with pytest.raises(NotFound, match="no rule 'mine'"):
        asyncio.run(retention.remove(house.database, "mine"))
    for name in ("", "x" * 256, "a\nb"):
        with pytest.raises(UserErrorException, match="cannot be the name"):
            put(house, name, KeepOfLog(size=1 << 20))


def test_many_runs_go_a_part_at_a_time_since_writers_wait_meanwhile(
    house: TidyHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = scored(house, *(number / 10 for number in range(5)))
    house.days(2)
    monkeypatch.setattr(retention, "_RUNS_TOGETHER", 2)
    put(house, "days", KeepRuns(days=1))
    [would] = apply(house, dry_run=True)
    assert would.what.startswith("5 runs")
    done = apply(house)
    assert [each.what.partition(" ")[0] for each in done] == ["2", "2", "1"]
    assert len({each.deletion for each in done}) == 3
    assert apply(house) == [], "all are gone"
    for each in done:
        house.undo(each.deletion)
    assert [len(house.files(run)) for run in runs] == [1] * 5
