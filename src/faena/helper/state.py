"""What the parts of the helper share: the objects that were handed out, and who asks now."""

from __future__ import annotations

import threading
from typing import Any

from faena.helper.objects import Objects

objects = Objects()
controls: dict[int, Any] = {}
"""Conversations by the process that has them, where its objects are asked when it waits for nothing."""
here = threading.local()


def current() -> Any:
    """The conversation whose request this thread does; None where there is none."""
    return getattr(here, "conversation", None)
