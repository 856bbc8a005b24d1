"""Of several processes, which routes only the one that leads answers."""

from __future__ import annotations

import warnings

import pytest
from litestar.routes import HTTPRoute

from faena.server.application import _PROVIDED, Tenant, app_for
from faena.server.passing.requests import IN_ITS_MEMORY, needs_leader

ANYWHERE = {"database", "objects", "notifications", "clock", "sent", "watched"}
"""What each process has whole: rows, bytes and what it measures of itself."""


def test_whatever_routes_are_given_is_known_to_be_anywhere_or_with_the_leader() -> None:
    assert set(_PROVIDED) <= ANYWHERE | IN_ITS_MEMORY
    assert not ANYWHERE & IN_ITS_MEMORY


@pytest.mark.long
def test_what_needs_the_leader() -> None:
    with warnings.catch_warnings():  # of how the framework will want parameters to be marked some day
        warnings.simplefilter("ignore", DeprecationWarning)
        app = app_for(Tenant())
        app.make_all()
    asked = {
        (str(verb), route.path_format): needs_leader(handler)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for verb, (handler, *_) in route.route_handler_map.items()
    }
    assert asked["PUT", "/runs/{run_id}"], "a run is placed by the engine"
    assert asked["POST", "/nodes/{node}/work"]
    assert asked["PUT", "/backups/{backup_id}"]
    for verb, path in (
        ("GET", "/runs"),
        ("PUT", "/experiments"),
        ("GET", "/runs/{run_id}/follow"),
        ("GET", "/me"),
    ):
        assert not asked[verb, path], path
