"""What `run` returned, as the body of an answer."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TEXT = "text/plain; charset=utf-8"


class Said:
    """An answer that is not simply 200 with JSON."""

    __slots__ = ("body", "content_type", "headers", "raised", "status")

    def __init__(
        self,
        status: int,
        body: bytes,
        content_type: str = "application/json",
        headers: list[tuple[str, str]] | None = None,
        raised: bool = False,
    ) -> None:
        self.status = status
        self.body = body
        self.content_type = content_type
        self.headers = headers or []
        self.raised = raised

    def description(self) -> bytes:
        """Of content type and headers; empty where they are the usual ones."""
        if self.content_type == "application/json" and not self.headers:
            return b""
        known: dict[str, Any] = {"content_type": self.content_type, "headers": self.headers}
        return json.dumps(known).encode()


class BadInput(Exception):
    """The client's mistake: 400."""


class NotJson(Exception):
    """What `run` returned cannot be sent."""


def refused(message: str) -> Said:
    return Said(400, json.dumps({"message": message}).encode())


def too_late() -> Said:
    return Said(
        504,
        b'{"message": "The request waited for a worker until its time-out had passed, and was not begun."}',
    )


def encode(result: Any) -> bytes | Said:
    """The JSON of a result; an AMLResponse as it is. Raises NotJson."""
    sent = getattr(result, "_faena_said", None)
    if sent is not None:
        answer: Said = sent()
        return answer
    try:
        return text(result).encode()
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise NotJson(
            "run() returned {}, which is not JSON: {}. Return numbers, text, lists, dictionaries, arrays or data "
            "frames of them, or an AMLResponse.".format(_name(type(result)), error)
        ) from None
    except UnicodeEncodeError as error:
        raise NotJson("run() returned text that is not Unicode: {}.".format(error)) from None


def plain(value: Any) -> Any:
    """What of a result JSON has no word for: arrays, numbers of numpy, series, data frames, dates."""
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return json.loads(value.to_json(orient="records", date_format="iso"))
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "item") and not callable(getattr(value, "items", None)):
        return value.item()
    raise TypeError("{} has no place in it".format(_name(type(value))))


def _name(kind: type) -> str:
    if kind.__module__ in ("builtins", "__main__"):
        return kind.__qualname__
    return "{}.{}".format(kind.__module__, kind.__qualname__)


_encode = json.JSONEncoder(default=plain).encode
try:  # what `encode` makes anew for each call, made once: a third of its time for a small answer
    _chunks: Any = json.encoder.c_make_encoder(  # type: ignore[attr-defined]  # its types leave it out
        None, plain, json.encoder.encode_basestring_ascii, None, ": ", ", ", False, False, True
    )
except (AttributeError, TypeError):  # no C, or another signature
    _chunks = None


def text(result: Any) -> str:
    """Of the result as JSON; raises what the encoder does."""
    return _encode(result) if _chunks is None else "".join(_chunks(result, 0))
