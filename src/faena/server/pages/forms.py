"""What a page's form sends, and where a browser goes on after it. Forms work without a script."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import parse_qsl

from litestar.response import Redirect

from faena.kernel.errors import NotFound, UserErrorException
from faena.server.bodies import TypedRequest
from faena.server.pages.rendering import with_query

MOST_BYTES = 4 << 20
"""Of a form: the longest note, each of its characters escaped, is less."""
_MOST_FIELDS = 50
_KIND = "application/x-www-form-urlencoded"

DONE = {
    "canceled": "The run was asked to stop.",
    "again": "Submitted again: this is the new run.",
    "registered": "Registered. Models lists the version.",
    "archived": "Archived: lists leave the run out, unless they ask for archived ones.",
    "unarchived": "Back among the runs.",
    "note": "The note was saved.",
    "tags": "The tags were changed.",
    "comment": "Your comment was added.",
    "uncomment": "The comment was deleted.",
    "feedback": "What you said of the trace was added.",
    "alias": "The alias means this version now.",
    "role": "The role is this one now.",
    "remove": "Let in no more.",
    "revoke": "The token is good for nothing any more.",
    "log-in": "Logged in: faena goes on where you started it. Its token is the first one below.",
    "quota": "The quota is this one now.",
    "private": "It is private now.",
    "public": "It is there for all now.",
    "share": "Shared.",
    "unshare": "Shared no more.",
    "owner": "It has another owner now.",
    "notice": "The rule was added.",
    "unnotice": "The rule was removed.",
    "unalias": "The alias was taken away.",
}
"""What a page says that somebody has done, by the word in its address: no text of an address is shown."""


async def fields_of(request: TypedRequest, action: str, among: Collection[str], where: str) -> dict[str, str]:
    """The form of an action, which must be one of these. `where`: what the page is, for people. Raises NotFound."""
    if action not in among:
        raise NotFound(f"Nothing on the page of {where} does {action[:80]!r}.")
    return await fields(request)


async def fields(request: TypedRequest) -> dict[str, str]:
    """By name; of several of one name the last. Raises UserErrorException for what is no form of a page."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _KIND:
        raise UserErrorException(f"A form is sent as {_KIND}; this was {kind[:80] or 'nothing'!r}.")
    try:
        text = (await request.body()).decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise UserErrorException("This form cannot be read. Load the page again.") from error
    return {name: value.replace("\r\n", "\n") for name, value in pairs}


def go_on(address: str, done: str = "", **more: str) -> Redirect:
    """To a page that says what was done; its address can be loaded again without doing it twice."""
    values: Mapping[str, str | None] = {"done": done, **more}
    return Redirect(with_query(address, values), status_code=303)
