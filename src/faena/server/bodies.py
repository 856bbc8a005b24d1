"""Bodies of requests: how long they may be, and how they are read.

The event loop reads them, and whatever else the server does waits meanwhile: a body is read straight into the type
that its route takes, so that one of another kind is refused at its first part that does not fit.
"""

from __future__ import annotations

import re
from typing import Any, get_args

import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.exceptions import SerializationException, ValidationException
from litestar.types import Empty

from faena.db.hiding import ASKER
from faena.server.caller_names import named
from faena.server.host_fields import refuse_elsewhere

MOST_BYTES = 8 << 20
"""Of a body whose route says no other bound: the longest tag, each of its characters escaped, is 6 MiB."""

_PLACE = re.compile(r"(?P<why>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?", re.DOTALL)


class TypedRequest(Request[None, None, State]):
    """A request whose JSON is read as its route's `data`."""

    async def json(self) -> Any:
        if self._json is Empty:
            field = self.route_handler.parsed_data_field
            body = await self.body()
            kind = Any if field is None else field.annotation
            self._json = self._read(body or b"null", kind)
            refuse_elsewhere(self.scope, kind, self._json)
            if (asker := ASKER.get()) is not None:
                self._json = named(kind, self._json, asker.person)
        return self._json

    def _read(self, body: bytes, kind: Any) -> Any:
        try:
            return msgspec.json.decode(body, type=kind, strict=False)
        except msgspec.ValidationError as error:
            found = _PLACE.fullmatch(str(error))
            why, path = (found["why"], found["path"]) if found else (str(error), None)
            if path and path.startswith("[...]"):
                path = _named(body, kind) or path
            raise ValidationException(
                "Validation failed", extra=[{"message": why, "key": path or "data"}]
            ) from error
        except msgspec.DecodeError as error:
            raise SerializationException(str(error)) from error


def _named(body: bytes, kind: Any) -> str:
    """Where in a mapping the wrong value is, which the decoder calls `[...]`: by its key."""
    *_, of_value = get_args(kind) or [Any]
    try:
        values = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.MsgspecError:
        return ""
    for key, value in values.items():
        try:
            msgspec.json.decode(value, type=of_value, strict=False)
        except msgspec.MsgspecError:
            return repr(key[:80])
    return ""
