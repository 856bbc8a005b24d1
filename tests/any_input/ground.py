"""A shared server with something of each kind in it, and those who ask it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import httpx
import requests
import urllib3

from faena.kernel.settings import WIRE_HEADER, WIRE_VERSION
from faena.mlflow.run_tokens import RunOfToken
from faena.people.model import Role
from faena.testing.clock import ManualClock
from faena.workspaces import database_place
from tests.mlflow import otlp
from tests.mlflow.clients import Client
from tests.mlflow.named import Named
from tests.pages.things import LOCK
from tests.people.shared import Shared
from tests.server.api_examples import record, work
from tests.server.api_examples.session import DIGEST, Session
from tests.server.house import Answer, Running, Visitor, running

PATIENCE_S = 60
ROLES = {"owner": Role.OWNER, "contributor": Role.CONTRIBUTOR, "reader": Role.READER}
NOBODY, HOST, RUN = "nobody", "host", "run"


class Sender(Protocol):
    def send(self, request: requests.Request) -> Answer:
        """Raises what the client of the protocol raises where there is no answer."""

    def close(self) -> None: ...


class Elsewhere:
    """Whoever comes by TCP."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        # as our own clients ask: `/version` is of MLflow's protocol, too
        self._headers = {
            WIRE_HEADER: str(WIRE_VERSION),
            **({"Authorization": f"Bearer {token}"} if token else {}),
        }
        self._session = requests.Session()
        self._session.trust_env = False

    def send(self, request: requests.Request) -> Answer:
        request.url = f"{self._url}{request.url!s}"
        request.headers = {**(request.headers or {}), **self._headers}
        with self._session.send(request.prepare(), timeout=PATIENCE_S, verify=False) as found:
            headers = {name.lower(): value for name, value in found.headers.items()}
            return Answer(found.status_code, headers, found.content)

    def close(self) -> None:
        self._session.close()


class OnHost:
    """As at the server's own socket, where paths of its host count."""

    def __init__(self, server: Running) -> None:
        self._server = server

    def send(self, request: requests.Request) -> Answer:
        request.url = f"http://socket{request.url!s}"
        made = request.prepare()

        async def ask() -> Answer:
            transport = httpx.ASGITransport(self._server.app, raise_app_exceptions=False)  # type: ignore[arg-type]  # of ASGI, by another name
            async with httpx.AsyncClient(transport=transport, timeout=PATIENCE_S) as client:
                given: Any = made.body or b""
                headers = {name: str(value) for name, value in made.headers.items()}
                answer = await client.request(str(made.method), str(made.url), content=given, headers=headers)
                return Answer(answer.status_code, dict(answer.headers), answer.content)

        return self._server.do(ask())

    def close(self) -> None:
        pass


@dataclass
class Ground:
    shared: Shared
    senders: dict[str, Sender]
    known: dict[tuple[str, str], list[str]]
    """Values of parameters of paths that mean something, by the path's first part and the parameter's name."""
    asked: list[Any]
    """Requests that were fine, each an example of its route."""
    named: Named
    """What MLflow's requests can name."""

    def let_in(self) -> None:
        """Again, those whom some request has put out."""
        for name, role in ROLES.items():
            if name != "owner":
                self.shared.server.house.database.submit_write(lambda write: None).result()
                if (before := self.senders.get(name)) is not None:
                    before.close()
                self.senders[name] = Elsewhere(self.shared.url, self.shared.person(f"a-{name}", role).token)


@contextmanager
def ground(parent: Path, url: str = "") -> Iterator[Ground]:
    """`url`: of a database of PostgreSQL."""
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def prepare(folder: Path) -> None:
        if url:
            (folder / database_place.RECORD).write_text(f"{url}\n")

    clock = ManualClock()
    with running(parent, clock, prepare, settings=Shared.settings()) as server:
        shared = Shared(server, clock)
        made = _filled(shared)
        try:
            yield made
        finally:
            for each in made.senders.values():
                each.close()
            shared.close()


def _filled(shared: Shared) -> Ground:
    session = Session(shared)
    record(session, leaves=False)
    known = _known(session)
    visitor = Client(cast("Visitor", shared.owner))
    senders: dict[str, Sender] = {
        "owner": Elsewhere(shared.url, shared.owner.token),
        NOBODY: Elsewhere(shared.url, ""),
        HOST: OnHost(shared.server),
        RUN: _of_run(shared.server, visitor.new_run(run_name="asks")),
    }
    made = Ground(shared, senders, known, session.asked(), Named(visitor))
    made.let_in()
    return made


def _of_run(server: Running, run: str) -> Elsewhere:
    url, token = server.do(server.house.gateway.open_to_run(server.app, RunOfToken(run, 1)))
    return Elsewhere(url, token)


def _known(session: Session) -> dict[tuple[str, str], list[str]]:
    """Makes anew what examples have removed."""
    ask = session.ask
    (run,) = [each["id"] for each in ask("GET", "/runs?limit=1&status=Completed")["runs"]]
    folder = str(session.folder / "images")
    session.ask_there("PUT", "/datastores/images", {"folder": folder})
    dataset = "ds-" + "2" * 32
    ask(
        "PUT",
        f"/file-datasets/{dataset}",
        {"sources": [{"datastore": "images", "path": "*.txt"}], "name": "all"},
    )
    number = str(ask("GET", "/experiments/named?name=answers")["id"])
    session.sent("POST", "/v1/traces", otlp.request(otlp.span()), **{"x-mlflow-experiment-id": number})
    (trace, *_) = ask("GET", "/traces?experiment=answers")["traces"]
    said = ask("POST", f"/traces/{trace['id']}/assessments", {"name": "correct", "value": True})
    comment = ask("POST", f"/runs/{run}/comments", {"text": "Looks good."})
    view = ask("POST", "/views", {"name": "all", "query": ""})
    rule = ask("POST", "/notices/rules", {"mail": "a@example.org", "ends": ["Failed"]})
    ask("PUT", "/people/bob", {"role": "reader"})
    token = ask("POST", "/people/bob/tokens", {"label": "x"})
    ask("PUT", "/retention/logs", {"keeps": "logs", "days": 30})
    return {
        **{(part, "run_id"): [run, work.RUN] for part in ("runs",)},
        ("runs", "name"): ["outputs/model.npz", "loss"],
        ("runs", "comment_id"): [comment["id"]],
        ("sweeps", "sweep_id"): [work.SWEEP],
        ("models", "name"): ["net"],
        ("models", "version"): ["1", "2"],
        ("models", "alias"): ["best"],
        ("clusters", "name"): ["cpu", work.YARD],
        ("queues", "cluster"): [work.YARD],
        ("datastores", "name"): ["images", "workspaceblobstore"],
        ("file-datasets", "dataset_id"): [dataset],
        ("environments", "name"): ["chainer"],
        ("environments", "version"): ["1"],
        ("environment-locks", "digest"): [LOCK.digest],
        ("environment-builds", "build_id"): [work.BUILD],
        ("objects", "digest"): [DIGEST],
        ("uploads", "digest"): [DIGEST],
        ("traces", "trace_id"): [trace["id"]],
        ("traces", "span_id"): [otlp.span()["spanId"]],
        ("traces", "assessment_id"): [said["id"]],
        ("views", "number"): [str(view["id"])],
        ("notices", "rule_id"): [rule["id"]],
        ("people", "name"): ["bob"],
        ("people", "token_id"): [token["id"]],
        ("retention", "name"): ["logs"],
        ("backups", "backup_id"): ["b-1"],
        ("ui", "run_id"): [run, work.RUN, work.SWEEP],
        ("ui", "name"): ["net", "digits", "outputs/model.npz", "images", "chainer"],
        ("ui", "digest"): [LOCK.digest],
        ("ui", "dataset_id"): [dataset],
        ("ui", "trace_id"): [trace["id"]],
    }
