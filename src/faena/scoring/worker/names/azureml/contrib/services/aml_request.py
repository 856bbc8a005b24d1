"""`@rawhttp` has `run` get the request itself, an AMLRequest."""

from __future__ import annotations

import functools
import json
from urllib.parse import parse_qs, parse_qsl, unquote_plus

from .multipart import Lists, parts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterator

__all__ = ["AMLRequest", "rawhttp"]


_WITH_FILES = "multipart/form-data"


def rawhttp(run: Callable[..., Any]) -> Callable[..., Any]:
    """Has `run(request)` be called with an AMLRequest instead of the body's text."""

    @functools.wraps(run)
    def raw(*arguments: Any, **named: Any) -> Any:
        return run(*arguments, **named)

    vars(raw)["_faena_raw"] = True
    return raw


class Headers:
    """Of a request, in their order; names are found in any case."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = [(name, value) for name, value in pairs]

    def get(self, name: str, default: Any = None, type: Callable[[str], Any] | None = None) -> Any:  # noqa: A002  as others call it
        wanted = name.lower()
        for known, value in self._pairs:
            if known.lower() == wanted:
                return value if type is None else type(value)
        return default

    def getlist(self, name: str) -> list[str]:
        return [value for known, value in self._pairs if known.lower() == name.lower()]

    get_all = getlist

    def __getitem__(self, name: str) -> str:
        found = self.get(name)
        if found is None:
            raise KeyError(name)
        return str(found)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def items(self) -> list[tuple[str, str]]:
        return list(self._pairs)

    def keys(self) -> list[str]:
        return [name for name, _ in self._pairs]

    def values(self) -> list[str]:
        return [value for _, value in self._pairs]

    def __repr__(self) -> str:
        return "Headers({!r})".format(self._pairs)


def _arguments(text: str) -> Lists:
    """What a query or a form says."""
    return Lists(parse_qs(text, keep_blank_values=True))


class AMLRequest:
    """As far as scripts look at it, what v1's server hands them: method, headers, args, body."""

    def __init__(self, about: dict[str, Any], body: bytes) -> None:
        self.method: str = about["method"]
        self.path: str = about["path"]
        self.query_string: bytes = about["query"].encode("latin-1")
        self.headers = Headers([(name, value) for name, value in about["headers"]])
        self.data = bytes(body)
        self.args = _arguments(about["query"])
        self.full_path = self.path + "?" + about["query"]
        host = self.headers.get("host", "localhost")
        self.host: str = host
        self.base_url = "http://{}{}".format(host, self.path)
        self.url = self.base_url + ("?" + about["query"] if about["query"] else "")
        self.content_type: str | None = self.headers.get("content-type")
        self.mimetype = (self.content_type or "").split(";")[0].strip().lower()
        self.content_length = len(body)
        self._parts: tuple[Lists, Lists] | None = None

    @property
    def environ(self) -> dict[str, Any]:
        return {"HTTP_" + name.upper().replace("-", "_"): value for name, value in self.headers}

    @property
    def is_json(self) -> bool:
        return self.mimetype == "application/json" or self.mimetype.endswith("+json")

    @property
    def json(self) -> Any:
        return self.get_json()

    @property
    def form(self) -> Lists:
        """The fields of a body that is a form."""
        if self.mimetype == _WITH_FILES:
            return self._of_form()[0]
        fits = self.mimetype == "application/x-www-form-urlencoded"
        return _arguments(self.data.decode("utf-8", "replace") if fits else "")

    @property
    def files(self) -> Lists:
        """The files of a body that is a form with files: each has `filename`, `read()` and `save(path)`."""
        return self._of_form()[1] if self.mimetype == _WITH_FILES else Lists({})

    def _of_form(self) -> tuple[Lists, Lists]:
        if self._parts is None:
            self._parts = parts(self.content_type or "", self.data)
        return self._parts

    @property
    def cookies(self) -> dict[str, str]:
        parts = [part.strip().partition("=") for part in self.headers.get("cookie", "").split(";")]
        return {name: unquote_plus(value) for name, _, value in parts if name}

    def get_data(
        self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False
    ) -> bytes | str:
        return self.data.decode("utf-8", "replace") if as_text else self.data

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        try:
            return json.loads(self.data)
        except ValueError:
            if silent:
                return None
            raise

    def query_pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query_string.decode("latin-1"), keep_blank_values=True)
