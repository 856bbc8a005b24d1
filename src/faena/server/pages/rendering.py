"""Templates. All that a template shows is escaped; no template marks anything as safe."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import msgspec
from litestar import MediaType, Response

from faena.server.pages import assets, permissions, words

if TYPE_CHECKING:
    import jinja2

_HERE = Path(__file__).parent


def run_address(run_id: str) -> str:
    return f"/ui/runs/{quote(run_id, safe='')}"


def file_address(run_id: str, name: str, what: str = "files") -> str:
    """`what`: `files` to save it, `preview` to look at it, `images` for what an image is drawn from."""
    return f"{run_address(run_id)}/{what}/{quote(name)}"


def with_query(path: str, values: Mapping[str, str | None]) -> str:
    """The path with those values that are not empty."""
    given = {name: value for name, value in values.items() if value}
    return f"{path}?{urlencode(given)}" if given else path


@cache
def _templates() -> jinja2.Environment:
    import jinja2  # costs a start of the server 20 ms, and few servers show a page

    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=words.something,
    )
    templates.globals.update(
        static=assets.PLACE, styles=assets.styles, modules=assets.modules, run_address=run_address
    )
    templates.globals.update(
        may_change=permissions.may_change, may_delete=permissions.may_delete, person=permissions.person
    )
    templates.filters.update(
        json=_json,
        given=words.given,
        seconds=words.seconds,
        number=words.number,
        when=words.when,
        bytes=words.size,
        iso=words.iso,
    )
    return templates


def _json(value: Any) -> str:
    """For an attribute that a script reads: a text like any other, which the template escapes."""
    return msgspec.json.encode(value).decode()


def render(template: str, **values: Any) -> str:
    return _templates().get_template(template).render(values)


def page(text: str, status: int = 200) -> Response[str]:
    headers = {"cache-control": "no-store"}
    return Response(text, status_code=status, media_type=MediaType.HTML, headers=headers)
