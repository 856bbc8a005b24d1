"""Two processes of one server: when one dies, the other does all."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from faena import Experiment, Run
from tests.several.processes import Job, Server, until

pytestmark = [pytest.mark.postgresql, pytest.mark.long]
TAKEN_OVER_S = 20.0
"""Two on a machine that has nothing else to do."""


def completed_once(server: Server, job: Job) -> None:
    assert job.run.wait_for_completion()["status"] == "Completed"
    found = Run.get(server.by(server.processes[-1]), job.run.id).get_metrics()
    assert len(found["loss"]) == found["end"] + 1


def test_the_leader_dies_and_the_run_goes_on(server: Server, tmp_path: Path) -> None:
    first, second = server.start(), server.start()
    assert (first.leads, second.leads) == (True, False)
    job = Job(server.by(second), tmp_path)
    first.end(signal.SIGKILL)
    until(lambda: second.leads, "the second leads", TAKEN_OVER_S)
    job.end()
    completed_once(server, job)


def test_whoever_asks_the_other_meanwhile_notices_nothing(server: Server) -> None:
    first, second = server.start(), server.start()
    over = threading.Event()
    answers: Counter[tuple[str, int]] = Counter()
    longest = [0.0]

    def ask(verb: str, path: str) -> None:
        caller = server.caller(second)
        while not over.is_set():
            began = time.monotonic()
            answers[path, caller.ask(verb, path).status] += 1
            longest[0] = max(longest[0], time.monotonic() - began)

    asking = [
        threading.Thread(target=ask, args=asked)
        for asked in (("GET", "/endpoints"), ("PUT", "/experiments?name=e"), ("GET", "/experiments"))
    ]
    for each in asking:
        each.start()
    try:
        until(lambda: len(answers) == 3, "all are answered")
        first.end(signal.SIGKILL)
        until(lambda: second.leads, "the second leads", TAKEN_OVER_S)
        after = answers["/endpoints", 200]
        until(lambda: answers["/endpoints", 200] > after + 5, "the second answers itself")
    finally:
        over.set()
        for each in asking:
            each.join()
    print(dict(answers), f"the longest took {longest[0]:.2f} s")
    assert {status for _, status in answers} == {200, 204}


def test_the_other_dies_and_the_run_goes_on(server: Server, tmp_path: Path) -> None:
    first, second = server.start(), server.start()
    job = Job(server.by(second), tmp_path)
    second.end(signal.SIGKILL)
    server.processes.append(first)
    job.run = Run.get(server.by(first), job.run.id)
    job.end()
    completed_once(server, job)


def test_they_end_in_good_order_and_what_waits_for_a_leader_finds_the_next(server: Server) -> None:
    first, second = server.start(), server.start()
    other = server.caller(second)
    assert first.end() == 0
    assert other.ask("GET", "/endpoints").json == []
    assert second.leads
    assert second.end() == 0


@pytest.mark.campaign
def test_one_that_was_stopped_leads_no_more_and_leaves_when_it_wakes(server: Server, tmp_path: Path) -> None:
    first, second = server.start(), server.start()
    job = Job(server.by(second), tmp_path)
    first.send(signal.SIGSTOP)
    try:
        until(lambda: second.leads, "the second leads")
        assert [run.id for run in Experiment(server.by(second), "far").get_runs()] == [job.run.id]
    finally:
        first.send(signal.SIGCONT)
    first.wait()
    assert "leaving: its lock or socket" in first.said or "leads" in first.said.partition("leaving")[2]
    job.end()
    completed_once(server, job)


def test_those_that_are_started_at_once_all_stay(server: Server) -> None:
    begun = [server.begin() for _ in range(3)]
    assert all(each.url for each in begun)
    until(lambda: any(each.leads for each in begun), "one leads")
    asked = [server.caller(each).ask("GET", "/nodes").status for each in begun]  # of the one that leads
    assert asked == [200] * 3
    assert [each.lives for each in begun] == [True] * 3, "\n".join(each.said for each in begun)
    assert not any("leaving" in each.said for each in begun)


def test_a_server_that_a_command_started_makes_room(server: Server) -> None:
    from faena.workspaces import database_place

    database_place.choose(server.folder, server.database)
    server.workspace.api.version()
    first = server.start()
    until(lambda: first.leads, "it leads")
    began = time.monotonic()
    assert server.workspace.api.version().package
    assert time.monotonic() - began < TAKEN_OVER_S
