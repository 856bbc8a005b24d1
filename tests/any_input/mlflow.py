"""MLflow's routes in turn, one odd request each, by people, a run and nobody, until the time is over."""

from __future__ import annotations

import json
import random
import time
from typing import Any
from urllib.parse import quote, urlencode

import requests

from faena.mlflow.routes import ROUTES, Route
from tests.any_input import odd
from tests.any_input.campaign import Covered
from tests.any_input.ground import NOBODY, ROLES, RUN, Ground

EVERYBODY = [RUN, *ROLES, NOBODY]


def ask_all(
    ground: Ground, covered: Covered, chosen: random.Random, until: float, most_rounds: int = 10**9
) -> None:
    """`until`: on the monotonic clock."""
    routes, rounds = list(ROUTES), 0
    while rounds < most_rounds and time.monotonic() < until:
        chosen.shuffle(routes)
        who = EVERYBODY[rounds % len(EVERYBODY)]
        for route in sorted(routes, key=deletes):
            if time.monotonic() > until:
                return
            whole = ground.named.request(route.request, gone=chosen.random() < 0.2)
            _ask(
                ground,
                covered,
                who,
                route,
                whole
                if rounds < len(EVERYBODY) and chosen.random() < 0.5
                else odd.with_one_odd(whole, chosen),
            )
        rounds += 1


def deletes(route: Route) -> bool:
    return "DELETE" in f"{route.method} {route.path}".upper()


def request(route: Route, given: Any) -> requests.Request:
    fields = given if isinstance(given, dict) else {}
    path = "/api" + route.path
    for part in [each[1:-1] for each in route.path.split("/") if each.startswith("{")]:
        value = fields.get(part)
        spelled = quote(str(value if value not in (None, "") else "x"), safe="", errors="replace")
        path = path.replace(f"{{{part}}}", spelled[:3000])
    if route.method != "GET":
        body = json.dumps(given).encode("utf-8", "surrogatepass")
        return requests.Request(route.method, path, {"Content-Type": "application/json"}, data=body)
    asked = {
        name: value if isinstance(value, str | int | float | list) else json.dumps(value)
        for name, value in fields.items()
        if value is not None
    }
    return requests.Request("GET", f"{path}?{urlencode(asked, doseq=True, errors='replace')[:30_000]}")


def _ask(ground: Ground, covered: Covered, who: str, route: Route, given: Any) -> None:
    made = request(route, given)
    sent = f"{made.method} {str(made.url)[:300]} {str(made.data)[:300]}"
    try:
        answer = ground.senders[who].send(made)
    except Exception as error:  # noqa: BLE001  whatever kept the answer from coming
        covered.complain(
            route.method, route.path, who, f"has no answer: {type(error).__name__}: {error}", sent
        )
        return
    covered.note(route.method, route.path, who, answer)
    if answer.status >= 500:
        covered.complain(route.method, route.path, who, f"failed: {answer.status} {answer.text[:600]}", sent)
    elif answer.status >= 400 and "error_code" not in answer.json:
        covered.complain(route.method, route.path, who, f"is no error of MLflow's: {answer.text[:300]}", sent)
