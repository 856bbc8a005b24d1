"""Addresses in texts that are shown or kept, without the user and the password that they may hold."""

from __future__ import annotations

import re

_CREDENTIALS = re.compile(r"""(?<=://)[^/?#\s"'\\]*@""")
"""Up to the last `@` before the path: a password that nobody has encoded may hold one."""


def redacted(text: str, *, mark: str = "***@") -> str:
    return _CREDENTIALS.sub(mark, text)
