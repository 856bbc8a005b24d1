"""Whatever is sent to a route, made from the description of the API by schemathesis: no answer is a defect of ours."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.server.house import Running, Visitor, running

# Streams and long polls do not end; the others leave, build, or write into folders that the request names.
NOT_ASKED = (
    "/stop",
    "/door",
    "/ui/open",
    "/ui/changes",
    "/ui/endpoint-changes",
    "/ui/runs/{run_id}/events",
    "/runs/{run_id}/follow",
    "/runs/{run_id}/export",
    "/nodes/{node}/work",
    "/environment-builds/{build_id}",
    "/backups/{backup_id}",
    "/imports",
)
EXAMPLES = int(os.environ.get("ANY_INPUT_EXAMPLES", "3"))
"""For each route and verb; `make faults` asks for more."""
EACH = int(os.environ.get("ANY_INPUT_EACH", "3"))
"""One of how many routes and verbs is asked, by chance; `make faults` asks all."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("any-input")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAENA_HOME", str(folder / "home"))  # what is pruned is nobody's
        patch.setattr(
            "faena.server.bodies.refuse_elsewhere", lambda *_: None
        )  # paths count, as at the socket
        with running(folder) as found:
            yield found


@pytest.fixture(scope="module")
def client(server: Running) -> Visitor:
    return server.client()


@pytest.mark.long
def test_no_input_is_a_defect(client: Visitor) -> None:
    import schemathesis  # slow, and of use here alone
    from schemathesis import GenerationMode

    schema = schemathesis.openapi.from_dict(client.get("/schema/openapi.json").json)
    defects: list[str] = []
    count = asked = 0
    for found in schema.exclude(path=list(NOT_ASKED)).get_all_operations():
        operation: Any = found.ok()
        count += 1
        if secrets.randbelow(EACH):
            continue
        asked += 1

        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy() | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
        def ask(case: Any) -> None:
            base = f"http://127.0.0.1:{client.port}"
            answer = case.call(base_url=base, headers=client.headers, timeout=60)
            assert answer.status_code < 500, answer.text
            if answer.status_code >= 400 and not case.path.startswith("/ui"):
                assert set(answer.json()) == {"code", "message"}, answer.text

        try:
            ask()
        except Exception as error:  # noqa: BLE001  all routes are asked, whatever the first one says
            defects.append(f"{operation.label}: {error}")
    assert count > 80
    assert asked
    assert not defects, "\n\n".join(defects)
