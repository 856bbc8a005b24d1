"""The session of this process, for what its proxies ask; `session` starts one."""

from __future__ import annotations

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, List, Optional

start: Optional[Callable[[], Any]] = None
"""Makes a session. Set by `session`."""
after_start: List[Callable[[Any], None]] = []
"""Called with each session that is new."""
before_leaving: List[Callable[[], None]] = []
"""Called as this process ends, while its helper is there still."""
_current: Any = None
_lock = threading.RLock()


def current() -> Any:
    """The session of this process, started where there is none. Raises ClientMissing."""
    global _current
    found = _current
    if found is not None and not found.is_gone:
        return found
    with _lock:
        if _current is None or _current.is_gone:
            assert start is not None, "whoever has a proxy has loaded the session"
            _current = start()
            for tell in after_start:
                tell(_current)
        return _current


def if_started() -> Any:
    """None where there is none now."""
    return None if _current is None or _current.is_gone else _current


def after_fork() -> None:
    global _lock
    _lock = threading.RLock()
    if _current is not None:
        _current.after_fork()
