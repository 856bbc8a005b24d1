"""From errors to HTTP, in one place."""

from __future__ import annotations

import errno
import logging
import re
from collections.abc import Callable

import msgspec
from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from faena.kernel.errors import (
    DatabaseDamaged,
    FaenaError,
    NotFound,
    ServiceException,
    StorageFull,
    UserErrorException,
)

_log = logging.getLogger(__name__)
_GONE = "client disconnected prematurely"
"""As the framework says it, as a failure of the server: it is the sender's."""
_INVALID = "Validation failed"
"""How the framework begins what it says of a request that it does not take; its reasons say all."""
_BOUND = re.compile(r"Expected (?:int|float) (?P<sign>[<>]=) (?P<bound>-?[\d.]+)")


class ErrorBody(msgspec.Struct, frozen=True):
    """`code` is the class of the error that a client raises."""

    code: str
    message: str


def answer_faena_error(_: Request[None, None, State], error: FaenaError) -> Response[bytes]:
    return _answer(error, error.status)


def answer_damage(
    advice: Callable[[], str],
) -> Callable[[Request[None, None, State], DatabaseDamaged], Response[bytes]]:
    """`advice`: what to do about the database of this workspace."""

    def answer(_: Request[None, None, State], error: DatabaseDamaged) -> Response[bytes]:
        return _answer(DatabaseDamaged(f"{error.message} {advice()}"), error.status)

    return answer


def answer_http_error(request: Request[None, None, State], error: HTTPException) -> Response[bytes]:
    """What the framework found wrong with a request, in the same form as our own errors."""
    if error.detail == _GONE:
        _log.info("a request's body did not come to its end")
        return _answer(UserErrorException("The request's body did not come to its end."), 400)
    if error.status_code >= 500:
        return answer_defect(request, error)
    shown = f"{request.method} {request.url.path}"
    if error.status_code == 404:
        return _answer(NotFound(f"There is nothing at {shown[:300]}."), 404)
    if error.status_code == 405:
        methods = sorted(set((error.headers or {}).get("allow", "").split(", ")) - {"OPTIONS", ""})
        instead = f" Use {' or '.join(methods)}." if methods else ""
        return _answer(UserErrorException(f"{shown[:300]}: the method is not allowed here.{instead}"), 405)
    if error.status_code == 413:
        most = request.route_handler.resolve_request_max_body_size()
        message = f"{shown[:300]}: the body has more than {most:,} bytes. Send less at once."
        return _answer(UserErrorException(message), 413)
    details = error.extra if isinstance(error.extra, list) else []
    reasons = "; ".join(map(_reason, details))
    if reasons and error.detail.startswith(_INVALID):
        message = f"{shown[:300]} is refused: {reasons}."
    else:
        message = f"{shown[:300]}: {error.detail}" + (f" ({reasons})" if reasons else "")
    return _answer(UserErrorException(message), error.status_code)


def _reason(detail: object) -> str:
    """One of the framework's findings, with the field that it is about."""
    if not isinstance(detail, dict):
        return str(detail)
    said = str(detail.get("message", detail)).replace("`", "")
    if not detail.get("key"):
        return said
    if bound := _BOUND.fullmatch(said):
        return f"{detail['key']} must be at {'most' if bound['sign'] == '<=' else 'least'} {bound['bound']}"
    return f"{detail['key']}: {said}"


def answer_unreadable(
    request: Request[None, None, State], error: RecursionError | UnicodeDecodeError
) -> Response[bytes]:
    """A body that no decoder takes: nested too deep, or text that is not UTF-8."""
    shown = f"{request.method} {request.url.path}"[:300]
    return _answer(
        UserErrorException(f"{shown}: the body cannot be read ({error}). Send JSON in UTF-8."), 400
    )


def answer_overflow(request: Request[None, None, State], error: OverflowError) -> Response[bytes]:
    """A whole number that no column takes, from the address or the body."""
    if "SQLite INTEGER" not in str(error):
        return answer_defect(request, error)
    shown = f"{request.method} {request.url.path}?{request.url.query}".removesuffix("?")
    return _answer(
        UserErrorException(f"{shown[:300]}: a whole number is beyond 64 bits. Use one from -2^63 to 2^63-1."),
        400,
    )


def answer_defect(request: Request[None, None, State], error: Exception) -> Response[bytes]:
    """A defect of ours: the log has the traceback, the caller learns what failed, the server goes on.

    A disk that is full is none, wherever it was met.
    """
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        place = f" ({error.filename})" if error.filename else ""
        full = f"The disk that holds the workspace is full{place}. Free some space and try again; nothing that was "
        return _answer(StorageFull(f"{full}acknowledged is lost."), StorageFull.status)
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    cause = f"{type(error).__name__}: {error}"
    return _answer(
        ServiceException(f"{request.method} {request.url.path} failed in the server ({cause})."), 500
    )


def _answer(error: FaenaError, status: int) -> Response[bytes]:
    body = msgspec.json.encode(ErrorBody(error.code, error.message))
    return Response(body, status_code=status, media_type="application/json")
