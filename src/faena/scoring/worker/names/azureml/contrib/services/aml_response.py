"""An answer that a scoring script makes itself: status, headers, bytes."""

from __future__ import annotations

import json

from _faena_worker import answers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["AMLResponse"]


class AMLResponse:
    """`AMLResponse(message, status_code, headers, json_str)`: sent as it is; `json_str` has it be dumped as JSON."""

    def __init__(
        self,
        message: Any = "",
        status_code: int = 200,
        response_headers: dict[str, str] | None = None,
        json_str: bool = False,
        headers: dict[str, str] | None = None,
        content_type: str | None = None,
        mimetype: str | None = None,
    ) -> None:
        self.status_code = status_code
        self.headers: dict[str, str] = dict(response_headers or headers or {})
        text = isinstance(message, (str, bytes, bytearray, memoryview))
        self.content_type = content_type or mimetype
        if json_str or not text:
            self.data = json.dumps(message, default=answers.plain).encode()
            self.content_type = self.content_type or "application/json"
        elif isinstance(message, str):
            self.data = message.encode()
            self.content_type = self.content_type or answers.TEXT
        else:
            self.data = bytes(message)
            self.content_type = self.content_type or "application/octet-stream"

    def get_data(self, as_text: bool = False) -> bytes | str:
        return self.data.decode() if as_text else self.data

    def _faena_said(self) -> answers.Said:
        kind = self.content_type or answers.TEXT
        headers = []
        for name, value in self.headers.items():
            if name.lower() == "content-type":
                kind = str(value)
            elif name.lower() not in ("content-length", "transfer-encoding", "connection", "date"):
                headers.append(_checked(str(name), str(value)))
        if isinstance(self.status_code, bool) or not 200 <= int(self.status_code) <= 599:
            raise answers.NotJson("AMLResponse has the status {!r}: use 200 to 599.".format(self.status_code))
        return answers.Said(int(self.status_code), self.data, _checked("content-type", kind)[1], headers)


def _checked(name: str, value: str) -> tuple[str, str]:
    """Raises NotJson for what would not stay a header."""
    text = name + value
    if (
        not name.isascii()
        or not name.replace("-", "").replace("_", "").isalnum()
        or set(text) & set("\r\n\0")
    ):
        raise answers.NotJson(
            "AMLResponse has the header {!r}: {!r}, which cannot be sent.".format(name, value)
        )
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        raise answers.NotJson("The value of AMLResponse's header {!r} is not Latin-1.".format(name)) from None
    return name, value
