"""Who asked for it is told of ends, once each, whatever comes in between."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from faena.db import Read, Write
from faena.kernel.errors import NotAllowed
from faena.notices import service
from faena.notices.schemas import NoticeView, RuleIn
from faena.people.model import Role
from faena.people.schemas import SharingChange
from faena.people.settings import Settings
from faena.runs import external
from faena.runs.external import ExternalRun
from faena.runs.model import RunStatus
from faena.testing.clock import ManualClock
from faena.testing.waiting import until
from tests.notices.receivers import Mail, Webhook, mail_server, webhook
from tests.people.shared import Shared
from tests.server.house import running


@pytest.fixture(scope="module")
def mail() -> Iterator[Mail]:
    with mail_server() as found:
        yield found


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, mail: Mail) -> Iterator[Shared]:
    clock = ManualClock()
    settings = Settings(
        port=0,
        owner="ada",
        mail_server=f"smtp://127.0.0.1:{mail.port}",
        mail_from="faena@example.org",
        notice_networks=("127.0.0.2/32",),
    )
    with running(tmp_path_factory.mktemp("notices"), clock, settings=settings) as server:
        found = Shared(server, clock)
        yield found
        found.close()


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as found:
        yield found


def end_run(shared: Shared, experiment: str = "mnist", *, parent: str | None = None) -> str:
    """A run begins, and fails."""
    run_id, now = f"r_{secrets.token_hex(4)}", shared.clock.now()

    def begin_and_end(write: Write) -> None:
        run = external.start(write, ExternalRun(run_id, experiment, now, parent=parent), now)
        external.say_status(write, run, RunStatus.FAILED, now)

    shared.server.house.database.submit_write(begin_and_end).result()
    return run_id


def on_host(shared: Shared, asked: RuleIn) -> tuple[str, str]:
    """A rule of who is on the server's host; its id and key."""
    house = shared.server.house
    rule, target = service.made(asked, "", shared.clock.now())
    house.notice_targets.put(rule.id, target)
    house.database.submit_write(lambda write: service.add(write, rule)).result()
    return rule.id, target.key


def look_again(shared: Shared, seconds: float) -> None:
    shared.clock.advance(seconds)
    shared.server.house.database.submit_write(_ring).result()


def _ring(write: Write) -> None:
    write.notify(service.TOPIC)


def noted(shared: Shared, run_id: str, *, tries: int = 1) -> NoticeView:
    """What is known of the run's one notice after so many tries."""

    def look() -> NoticeView:
        (found,) = [each for each in shared.owner.api.notices.latest() if each.run_id == run_id]
        return found

    until(lambda: look().tries == tries, "the notice was tried")
    return look()


@pytest.fixture
def rules(shared: Shared) -> Iterator[None]:
    """Those that a test makes are gone after it."""
    yield
    for rule in shared.owner.api.notices.rules():
        shared.owner.api.notices.remove(rule.id)


pytestmark = pytest.mark.usefixtures("rules")


def test_a_webhook_is_sent_what_it_can_verify(shared: Shared, hook: Webhook) -> None:
    url = f"http://127.0.0.1:{hook.port}/T0/secret-word?to=all"
    _, key = on_host(shared, RuleIn(webhook=url, experiment="mnist"))
    end_run(shared, "wine")
    run_id = end_run(shared)
    end_run(shared, parent=run_id)
    path, headers, body = hook.next()
    assert path == "/T0/secret-word?to=all"
    assert (
        headers["x-faena-signature"] == f"sha256={hmac.new(key.encode(), body, hashlib.sha256).hexdigest()}"
    )
    told = json.loads(body)
    assert (told["run"]["id"], told["run"]["status"]) == (run_id, "Failed")
    assert told["text"].startswith("mnist 1 Failed after")
    assert (
        told["text"].endswith(told["run"]["url"]) and told["run"]["url"] == f"{shared.url}/ui/runs/{run_id}"
    )
    assert shared.owner.get(f"/ui/runs/{run_id}").status == 200
    assert noted(shared, run_id).sent_at is not None
    assert hook.came.empty(), "one notice, of one run"
    listed = shared.owner.ask("GET", "/notices/rules").text
    assert f"http://127.0.0.1:{hook.port}/…" in listed and "secret-word" not in listed and key not in listed
    folder = shared.server.house.folder.path
    assert not [path for path in folder.rglob("*") if path.is_file() and b"secret-word" in path.read_bytes()]


def test_one_that_fails_is_brought_later_under_the_same_id(shared: Shared, hook: Webhook) -> None:
    on_host(shared, RuleIn(webhook=f"http://127.0.0.1:{hook.port}"))
    hook.statuses += [500, 302]
    run_id = end_run(shared)
    ids = [hook.next()[1]["x-faena-notice"]]
    first = noted(shared, run_id)
    assert first.failure == "127.0.0.1 answered 500" and first.sent_at is None
    look_again(shared, 11)
    ids.append(hook.next()[1]["x-faena-notice"])
    assert noted(shared, run_id, tries=2).failure == "127.0.0.1 answered 302", "nobody is followed elsewhere"
    look_again(shared, 61)
    path, headers, _ = hook.next()
    assert [path, *ids] == ["/", headers["x-faena-notice"], headers["x-faena-notice"]]
    assert noted(shared, run_id, tries=3).sent_at is not None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_people_reach_nothing_in_the_servers_own_network(shared: Shared, hook: Webhook, host: str) -> None:
    person = shared.person("paul", Role.CONTRIBUTOR)
    rule = person.api.notices.add(webhook=f"http://{host}:{hook.port}/")
    told = person.api.notices.try_(rule.id)
    assert told.failure is not None and "in a network that notices of people do not go to" in told.failure
    assert hook.came.empty()


def test_people_reach_what_the_settings_allow(shared: Shared, hook: Webhook) -> None:
    person = shared.person("paul", Role.CONTRIBUTOR)
    rule = person.api.notices.add(webhook=f"http://127.0.0.2:{hook.port}/")
    failure = person.api.notices.try_(rule.id).failure
    assert failure is not None and "did not answer" in failure, "it was asked, and listens elsewhere"


def test_a_mail_says_what_happened(shared: Shared, mail: Mail) -> None:
    shared.person("mia", Role.CONTRIBUTOR).api.notices.add(mail="mia@example.org", on=["Failed"])
    run_id = end_run(shared)
    text = mail.next()
    assert "To: mia@example.org" in text and "From: faena@example.org" in text
    assert "Failed after" in text and f"url: {shared.url}/ui/runs/{run_id}" in text
    assert f"workspace: {shared.server.house.folder.name}" in text
    assert noted(shared, run_id).sent_at is not None, "this server says goodbye oddly, and has the mail"


def test_a_command_is_for_who_is_on_the_host(shared: Shared, tmp_path: Path) -> None:
    person = shared.person("carl", Role.CONTRIBUTOR)
    with pytest.raises(NotAllowed, match="who is on the server's host"):
        person.api.notices.add(command="true")
    out = tmp_path / "told"
    on_host(
        shared,
        RuleIn(command=f"cat > {out}.part; echo $FAENA_STATUS >> {out}.part; mv {out}.part {out}; exit 3"),
    )
    run_id = end_run(shared)
    assert noted(shared, run_id).failure == "the command ended with 3"
    body, _, status = out.read_text().rpartition("}")
    assert json.loads(f"{body}}}")["run"]["id"] == run_id and status.strip() == "Failed"


def test_others_rules_are_their_own_business(shared: Shared) -> None:
    uma, vic = shared.person("uma", Role.CONTRIBUTOR), shared.person("vic", Role.CONTRIBUTOR)
    rule = uma.api.notices.add(mail="uma@example.org")
    assert [each.id for each in uma.api.notices.rules()] == [rule.id]
    assert vic.api.notices.rules() == [] == vic.api.notices.latest()
    for ask in (vic.api.notices.remove, vic.api.notices.try_):
        with pytest.raises(NotAllowed):
            ask(rule.id)
    assert rule.id in [each.id for each in shared.owner.api.notices.rules()]


def test_who_is_let_in_no_more_is_told_nothing(shared: Shared, hook: Webhook) -> None:
    gone = shared.person("gus", Role.CONTRIBUTOR)
    gone.api.notices.add(mail="gus@example.org")
    shared.owner.api.people.remove("gus")
    run_id = end_run(shared)
    found = noted(shared, run_id)
    assert (found.failure, found.due_at) == ("gus is let in no more", None)


def test_whoever_comes_later_by_the_same_name_has_not_their_rules(shared: Shared, mail: Mail) -> None:
    shared.person("guy", Role.CONTRIBUTOR).api.notices.add(mail="guy@example.org")
    shared.owner.api.people.remove("guy")
    shared.clock.advance(1)
    shared.owner.api.people.put("guy", "contributor")
    found = noted(shared, end_run(shared))
    assert (found.failure, found.due_at, mail.came.empty()) == ("guy is let in no more", None, True)


def test_nobody_is_told_of_what_became_private(shared: Shared, mail: Mail) -> None:
    nia = shared.person("nia", Role.CONTRIBUTOR)
    shown = nia.api.notices.add(mail="nia@example.org", experiment="hush")
    shared.clock.advance(1)
    run_id = end_run(shared, "hush")  # the latest of all
    assert run_id in mail.next()
    shared.owner.api.people.share("hush", SharingChange(private=True))
    told = shared.owner.api.notices.try_(shown.id)
    assert told.failure is None and "A trial" in mail.next(), "an owner sees it, and is not who is told"

    def why(read: Read) -> str:
        return service.withheld(read, service.get(read, shown.id), "hush")

    found = shared.server.house.database.submit_read(why).result()
    assert found == "the run's experiment is not there for nia any more"
