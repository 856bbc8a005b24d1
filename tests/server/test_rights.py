"""Each route says what right it asks of a person."""

from __future__ import annotations

from functools import cache

import pytest
from litestar.handlers import HTTPRouteHandler

from faena.kernel.rights import Right, right_of
from faena.server.application import Tenant, app_for

# of how the framework will want parameters to be marked some day
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
_OF_THE_FRAMEWORK = "/schema"


@cache
def routes() -> tuple[tuple[str, str, Right | None], ...]:
    """Verb, path and right of each."""
    application = app_for(Tenant())
    application.make_all()
    return tuple(
        (verb, route.path, right_of(handler.opt))
        for route in application.routes
        for handler in getattr(route, "route_handlers", ())
        if isinstance(handler, HTTPRouteHandler) and not route.path.startswith(_OF_THE_FRAMEWORK)
        for verb in handler.http_methods - {"OPTIONS"}
    )


def test_each_route_states_one() -> None:
    found = routes()
    assert len(found) > 200
    assert [(verb, path) for verb, path, right in found if right is None] == []


@pytest.mark.parametrize("verb", ["PUT", "PATCH", "POST", "DELETE"])
def test_reading_is_no_right_to_change(verb: str) -> None:
    looks_up = {"/objects/missing", "/objects/bring", "/objects/several", "/runs/{run_id:str}/exported"}
    reading = {path for each, path, right in routes() if each == verb and right is Right.READ}
    own = ("/people/{name:str}/tokens", "/ui/people/do/", "/ui/log-in")
    reading -= {path for path in reading if path.startswith(own)}  # of one's own
    assert reading <= (looks_up if verb == "POST" else set())


def test_to_change_is_no_right_to_delete() -> None:
    taken_back = {"/runs/{run_id:str}/tags", "/views/{number:int}", "/models/{name:str}/aliases/{alias:str}"}
    their_own = {"/runs/{run_id:str}/comments/{comment_id:str}", "/notices/rules/{rule_id:str}"}
    deleting = {path for verb, path, right in routes() if verb == "DELETE" and right is Right.CONTRIBUTE}
    assert deleting <= taken_back | their_own
