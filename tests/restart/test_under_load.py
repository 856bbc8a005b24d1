"""A shared server is restarted while people work: nobody is refused, nothing fails."""

from __future__ import annotations

import signal
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from faena.client.runs.follow import follow
from faena.client.runs.show import Follower
from faena.runs.schemas import LogEvent
from faena.server.node_listener import certificate
from faena.testing.postgresql import Server as PostgreSQL
from tests.examples import MANY
from tests.restart.clients import Clients, restart, started
from tests.several.processes import Job, Server, until

pytestmark = pytest.mark.long
RESTARTS = 3 if MANY else 1
BETWEEN = 250 if MANY else 40
"""Requests between two restarts."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Without a process yet, and with its database in a file."""
    made = Server(tmp_path, "")
    yield made
    made.close()


class Heard(Follower):
    """Whoever follows a run's log over its whole life."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.text = ""

    def log(self, event: LogEvent) -> None:
        self.text += event.text


def test_nobody_who_asks_meanwhile_fails(server: Server, tmp_path: Path) -> None:
    process = server.start()
    job = Job(server.by(process), tmp_path, steps=100_000)
    heard = Heard(job.run.id)
    following = threading.Thread(target=follow, args=(server.by(process).api, job.run.id, heard))
    following.start()
    clients = Clients(process.url, server.caller(process).token)

    def are_answered() -> None:
        before, said = clients.asked, heard.text.count("said at")
        job.say()
        until(
            lambda: clients.asked > before + BETWEEN and heard.text.count("said at") > said,
            "all goes on",
            240,
        )

    with clients.asking():
        are_answered()
        for _ in range(RESTARTS):
            restart(process)
            are_answered()
    print(f"{clients.asked} requests, the longest took {clients.longest:.2f} s")
    assert (clients.failures, set(clients.answers)) == ([], {200, 204})
    job.end()
    following.join(60)
    assert heard.text.count("said at") == RESTARTS + 1, "no line is lost, and none is told twice"
    metrics = job.run.get_metrics()
    assert len(metrics["loss"]) == metrics["end"] + 1
    assert process.end() == 0


@pytest.mark.postgresql
def test_one_that_led_answers_to_the_last_and_another_leads(
    postgresql_server: PostgreSQL, tmp_path: Path
) -> None:
    """Its own clients write while it leaves, though by then another process leads."""
    with postgresql_server.database() as url:
        server = Server(tmp_path, url)
        try:
            first, second = server.start(), server.start()
            clients = Clients(first.url, server.caller(first).token)
            with clients.asking():
                until(lambda: clients.asked > BETWEEN, "they are answered")
                restart(first)
                until(lambda: second.leads, "the second leads")
                before = clients.asked
                until(lambda: clients.asked > before + BETWEEN, "they are answered again")
            assert (clients.failures, set(clients.answers)) == ([], {200, 204})
        finally:
            server.close()


def test_the_next_server_has_the_certificate_of_now_or_this_one_goes_on(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (certificate.own(tmp_path / name, ["127.0.0.1"]) for name in ("first", "second"))
    kept, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    kept.write_bytes(first.certificate.read_bytes())
    key.write_bytes(first.key.read_bytes())
    settings = tmp_path / "server.toml"
    settings.write_text(f'certificate = "{kept}"\nkey = "{key}"\n')
    monkeypatch.setenv("FAENA_SERVER_SETTINGS", str(settings))
    process = server.start()
    caller = server.caller(process)

    kept.write_bytes(second.certificate.read_bytes())
    refused = caller.ask("POST", "/restart")
    assert (refused.status, refused.json["code"]) == (409, "Conflict")
    assert f"{kept} and the key {key} cannot be used together" in refused.json["message"]
    assert caller.get("/experiments").status == 200

    key.write_bytes(second.key.read_bytes())
    assert caller.ask("POST", "/restart").status == 202
    until(lambda: started(process) == 2, "the next one listens")
    port = int(process.url.rpartition(":")[2])
    assert ssl.get_server_certificate(("127.0.0.1", port)) == second.certificate.read_text()
    assert server.caller(process).get("/experiments").status == 200
    assert process.end(signal.SIGINT) == 0
