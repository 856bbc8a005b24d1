"""All routes in turn, in rounds, until the time is over: requests of many kinds, each by everybody there is."""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import requests
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable

from tests.any_input import odd
from tests.any_input.description import Description
from tests.any_input.ground import HOST, NOBODY, ROLES, RUN, Ground
from tests.server.house import Answer

# Streams and long polls do not end; the others leave, listen, or ask other hosts.
NOT_ASKED = frozenset(
    {
        "/stop",
        "/door",
        "/door/runs",
        "/ui/open",
        "/ui/changes",
        "/ui/endpoint-changes",
        "/ui/runs/{run_id}/events",
        "/runs/{run_id}/follow",
        "/nodes/{node}/work",
        "/nodes/listener",
        "/notices/rules/{rule_id}/try",
        "/datasets/{name}",
        "/sample-data/{name}/{part}",
    }
)
_WAIT_S = "0.05"
"""Instead of how long a request would have an answer wait."""
_MOST_DEFECTS = 200
EVERYBODY = [NOBODY, RUN, *reversed(ROLES), HOST]
"""Who may least comes first: what they ask is still there."""


@dataclass
class Covered:
    answers: dict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """By verb and route: how many answers of which kind (`2xx`, …) whoever asked got."""
    defects: dict[str, str] = field(default_factory=dict)
    """By route and kind, the first of each."""
    rounds: int = 0

    def note(self, verb: str, route: str, who: str, answer: Answer) -> None:
        self.answers[verb, route][f"{who} {answer.status // 100}xx"] += 1

    def complain(self, verb: str, route: str, who: str, complaint: str, sent: str) -> None:
        if len(self.defects) < _MOST_DEFECTS:
            self.defects.setdefault(f"{verb} {route}: {complaint[:60]}", f"by {who}: {complaint}\n    {sent}")

    def without_success(self) -> list[str]:
        return sorted(
            f"{verb} {route}"
            for (verb, route), found in self.answers.items()
            if not any(kind.endswith(("2xx", "3xx")) for kind in found)
        )


class Campaign:
    def __init__(self, ground: Ground, chosen: random.Random, examples: int = 2) -> None:
        """`examples`: of each kind, for each route in each round."""
        import schemathesis  # slow, and of use here alone

        schema = ground.shared.owner.ask("GET", "/schema/openapi.json").json
        self._ground = ground
        self._description = Description(schema)
        self._chosen = chosen
        self._examples = examples
        self._of_route = {(each.verb, each.route): each for each in ground.asked}
        self.operations = [
            operation
            for found in schemathesis.openapi.from_dict(schema).get_all_operations()
            if (operation := found.ok()).path not in NOT_ASKED
        ]
        self._not_against: set[str] = set()
        self.covered = Covered()

    def run(self, until: float, most_rounds: int = 10**9, share: float = 1.0) -> Covered:
        """`until`: on the monotonic clock; of each round, a `share` of all routes by chance."""
        while self.covered.rounds < most_rounds and time.monotonic() < until:
            self._ground.let_in()
            asked = [each for each in self.operations if self._chosen.random() < share]
            self._chosen.shuffle(asked)
            # what is removed is so at the end of a round
            for operation in sorted(asked, key=lambda each: each.method.upper() == "DELETE"):
                if time.monotonic() > until:
                    return self.covered
                self._ask(operation)
            self.covered.rounds += 1
        return self.covered

    def _ask(self, operation: Any) -> None:
        """To think of a request takes longer than to answer it: everybody asks all of them."""
        verb, route = operation.method.upper(), operation.path
        made = self._made(operation)
        if (example := self._of_route.get((verb, route))) is not None:
            made += [odd.request(example, self._chosen) for _ in range(self._examples)]
            if self.covered.rounds == 0:
                made.append(odd.as_it_is(example))
        for request in made:
            for who in EVERYBODY:
                self._send(verb, route, who, copy(request))

    def _made(self, operation: Any) -> list[requests.Request]:
        """As the description has them, and against it."""
        from schemathesis import GenerationMode

        made = self._generated(operation, operation.as_strategy(), self._examples)
        if operation.label not in self._not_against and (operation.body or operation.query):
            against = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
            try:
                made += self._generated(operation, against, 1)
            except Unsatisfiable:  # whatever is sent fits
                self._not_against.add(operation.label)
        return made

    def _generated(self, operation: Any, strategy: Any, count: int) -> list[requests.Request]:
        made: list[requests.Request] = []
        section = operation.path.split("/")[1]

        @settings(
            max_examples=count,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @seed(self._chosen.getrandbits(32))
        @given(case=strategy)
        def make(case: Any) -> None:
            for name in case.path_parameters or {}:
                values = self._ground.known.get((section, name))
                if values and self._chosen.random() < 0.8:
                    case.path_parameters[name] = self._chosen.choice(values)
            if "wait" in (case.query or {}):
                case.query["wait"] = _WAIT_S
            told = case.as_transport_kwargs(base_url="")
            made.append(requests.Request(**{**told, "headers": dict(told.get("headers") or {})}))

        make()
        return made

    def _send(self, verb: str, route: str, who: str, request: requests.Request) -> None:
        sent = f"{request.method} {str(request.url)[:300]} {str(request.data or request.json)[:300]}"
        try:
            answer = self._ground.senders[who].send(request)
        except (requests.exceptions.InvalidURL, UnicodeError, ValueError):
            return  # no client could send it
        except Exception as error:  # noqa: BLE001  whatever kept the answer from coming
            self.covered.complain(verb, route, who, f"has no answer: {type(error).__name__}: {error}", sent)
            return
        self.covered.note(verb, route, who, answer)
        if who == RUN and route == "/version":
            return  # which to a run's token is MLflow's
        if complaint := self._complaint(verb, route, answer):
            self.covered.complain(verb, route, who, complaint, sent)

    def _complaint(self, verb: str, route: str, answer: Answer) -> str:
        if route.startswith("/ui"):
            return f"failed: {answer.status} {answer.text[:600]}" if answer.status >= 500 else ""
        return self._description.complaint(verb, route, answer)
