"""The token that a request shows: as such, or as the password of anybody, which is all that some can be given."""

from __future__ import annotations

import base64
from collections.abc import Sequence


def shown_token(authorizations: Sequence[str]) -> str:
    """`authorizations`: the values of these headers. Empty where there is none, or several: which would count?"""
    scheme, _, shown = (authorizations[0] if len(authorizations) == 1 else "").partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(shown.strip(), validate=True).decode().partition(":")[2]
        except ValueError:
            return ""
    return shown.strip() if scheme.lower() == "bearer" else ""
