"""Addresses in texts that are shown or kept, without the user, password and token that they may hold."""

from __future__ import annotations

import re

_CREDENTIALS = re.compile(r"""(?<=://)[^/?#\s"'\\]*@""")
"""Up to the last `@` before the path: a password that nobody has encoded may hold one."""
_TOKEN = re.compile(r"""(://[^/?#\s"'\\]*/t/)[^/?#\s"'\\]+(?=/)""")
"""As conda's channels have it: https://conda.anaconda.org/t/TOKEN/channel."""


def redacted(text: str, *, mark: str = "***") -> str:
    text = _CREDENTIALS.sub(f"{mark}@" if mark else "", text)
    return _TOKEN.sub(rf"\1{mark or '***'}", text)


def holds_token(address: str) -> bool:
    return _TOKEN.search(address) is not None
