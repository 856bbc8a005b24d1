"""What names a path or process of the server's host counts over its socket only: of all routes, none is forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import msgspec
import pytest
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from faena.kernel.on_host import OnHost
from faena.server.host_fields import concerns, hints, of_host
from tests.server.house import Running, running

PLACES = re.compile(
    r"path|folder|file|director|source|outputs|place|root|location|interpreter|url|links", re.IGNORECASE
)
"""What a field is called that may name a path."""

ELSEWHERE = {
    # below a folder that the workspace has
    "Registration.path",
    "TakeRequest.path",
    "Source.path",
    "DataInput.path",
    "SnapshotFile.path",
    "Checkpoint.folder",
    "SentFile.path",
    "LocalRegistration.child_paths",
    "ArchiveRequest.filename",
    # on the node, where scripts run
    "DataInput.path_on_compute",
    "EnvironmentRequest.interpreter",
    # words of people, and addresses of others
    "SentRegistration.path",
    "Source.url",
    "AssessmentGiven.source_id",
    "AssessmentGiven.source_kind",
    # lists of what is looked at itself
    "DataInput.sources",
    "DatasetRequest.sources",
    "SentRegistration.files",
    "SentImport.files",
    "NamedObjects.files",
    "Snapshot.files",
    # numbers
    "SweepSpec.keep_outputs",
    "Shape.resources",
    "NodeType.resources",
    "LiveNodes.resources",
}
IN_QUERIES = {"list_files.path", "content.path", "remove.path", "model_file.file", "show_left_files.path"}
"""Relative ones, below the folder of a datastore, a model or what a run has left."""
IN_ADDRESSES = {"source"}
"""Of metrics: the script, or the system."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("host")) as found:
        yield found


def bodies(server: Running) -> Iterator[tuple[str, str, Any]]:
    """Verb, path and type of each route that takes a body."""
    for route in server.app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if isinstance(handler, HTTPRouteHandler) and handler.parsed_data_field is not None:
                for verb in sorted(handler.http_methods):
                    yield str(verb), route.path, handler.parsed_data_field.annotation


def structs(kind: Any) -> Iterator[type[Struct]]:
    if isinstance(kind, type) and issubclass(kind, Struct):
        yield kind
        for hint in hints(kind).values():
            yield from structs(hint)
    for each in get_args(kind):
        yield from structs(each)


def made(kind: Any, place: str) -> Any:
    """A value of a type, with `place` where it names something of the host, and as little else as can be."""
    if get_origin(kind) is Annotated:
        return made(get_args(kind)[0], place)
    if isinstance(kind, type) and issubclass(kind, Struct):
        fields = {field.name: field for field in msgspec.structs.fields(kind)}
        return {
            name: made(hint, place)
            for name, hint in hints(kind).items()
            if fields[name].required or concerns(hint)
        }
    if get_origin(kind) in (list, tuple):
        return [made(get_args(kind)[0], place)]
    if kind in (int, float):
        return 1
    if kind is bool:
        return False
    if get_origin(kind) is dict:
        return {}
    if args := [
        each for each in get_args(kind) if each is not type(None)
    ]:  # unions; what concerns goes first
        return made(max(args, key=concerns), place) if not isinstance(args[0], str) else args[0]
    return place


def test_each_field_that_may_name_a_path_is_marked_or_known_to_name_none(server: Running) -> None:
    found = set()
    for _, _, body in bodies(server):
        for kind in structs(body):
            found |= {
                f"{kind.__name__}.{name}"
                for name, hint in hints(kind).items()
                if PLACES.search(name) and not concerns(hint)
            }
    assert found <= ELSEWHERE, found - ELSEWHERE
    assert found >= ELSEWHERE, ELSEWHERE - found  # none stays here that is not there any more


def test_no_query_names_a_path_of_the_host(server: Running) -> None:
    found = {
        f"{handler.handler_name}.{name}"
        for route in server.app.routes
        for handler in getattr(route, "route_handlers", ())
        if isinstance(handler, HTTPRouteHandler) and not route.path.startswith("/schema")
        for name, given in handler.parsed_fn_signature.parameters.items()
        if PLACES.search(name) and str in (given.annotation, *get_args(given.annotation))
    }
    assert {name for name in found if name.partition(".")[2] not in IN_ADDRESSES} == IN_QUERIES


def test_by_tcp_each_is_refused_with_what_to_do_instead(server: Running, tmp_path: Path) -> None:
    client = server.client()
    place = str(tmp_path / "secret")
    Path(place).write_text("x")
    marked = [(verb, path, kind) for verb, path, kind in bodies(server) if concerns(kind)]
    assert len(marked) >= 12, marked
    for verb, path, kind in marked:
        body = msgspec.json.encode(made(kind, place))
        marks = list(of_host(kind, msgspec.json.decode(body, type=kind, strict=False)))
        assert marks, (path, body)
        address = re.sub(r"\{\w+:int\}", "1", path)
        address = re.sub(r"\{[^}]+\}", "a" * 64, address)
        answer = client.ask(verb, address, body, Content_Type="application/json")
        assert answer.status == 400, (verb, path, answer.text)
        assert "of the server's host, which counts over its Unix socket only" in answer.text, (
            path,
            answer.text,
        )
        assert any(mark.instead in answer.json["message"] for _, mark, _ in marks), answer.text


def test_what_is_empty_or_of_the_web_is_no_path(server: Running) -> None:
    client = server.client()
    answer = client.ask("POST", "/repairs", b'{"dry_run": true}', Content_Type="application/json")
    assert answer.status == 200, answer.text


@pytest.mark.parametrize("place", ["/srv/wheels", "file:///srv/wheels", "FILE:///srv"])
def test_folders_of_packages_are_refused_as_files_are(server: Running, place: str) -> None:
    client = server.client()
    for asked in ({"pip": {"find_links": [place]}}, {"index_urls": [{"url": place}]}):
        body = msgspec.json.encode({"environment": asked})
        answer = client.ask("PUT", "/environment-builds/b1", body, Content_Type="application/json")
        assert answer.status == 400 and "whose bytes are sent" in answer.text, answer.text


def test_a_mark_within_lists_and_optional_fields_is_found() -> None:
    class Inner(Struct):
        place: Annotated[str, OnHost("x")] = ""

    class Outer(Struct):
        several: list[Inner] = []
        named: dict[str, Inner] = {}
        maybe: Inner | None = None

    value = Outer([Inner("a")], {"k": Inner("b")}, Inner("c"))
    assert [found for _, _, found in of_host(list[Inner], [Inner("a"), Inner()])] == ["a"]
    assert concerns(list[Inner]) and not concerns(list[int])
    assert value.maybe is not None
