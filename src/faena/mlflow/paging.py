"""Pages of a list: a token says how many came before. It is opaque to clients, and good for the same request alone."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, TypeVar

from faena.mlflow.errors import MlflowError, invalid_value

_MARK = b"after:"
_MOST = 10**9

T = TypeVar("T")


def start(token: str | None) -> int:
    """How many came before. Raises MlflowError for what is no token of ours."""
    if not token:
        return 0
    try:
        plain = base64.urlsafe_b64decode(token.encode("ascii"))
        after = int(plain.removeprefix(_MARK)) if plain.startswith(_MARK) and len(plain) < 32 else -1
    except (ValueError, binascii.Error):
        after = -1
    if not 0 <= after <= _MOST:
        raise MlflowError(
            f"Invalid page token, could not base64-decode. {invalid_value('page_token', token).message}"
        )
    return after


def token(after: int) -> str:
    return base64.urlsafe_b64encode(_MARK + str(after).encode()).decode()


def page(found: Sequence[T], first: int, most: int) -> tuple[Sequence[T], dict[str, Any]]:
    """Of one more than a page holds: the page, and what says where the next one begins."""
    more = {"next_page_token": token(first + most)} if len(found) > most else {}
    return found[:most], more
