"""What the helper shows of runs, in this kernel."""

from __future__ import annotations

import sys

from faena.script.proxies import asking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

_HOME = "faena.helper.displays"
_hooked = False


def shell() -> Any:
    """The kernel's; None where this process is none."""
    found = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return found if getattr(found, "kernel", None) is not None else None


def offer(session: Any) -> None:
    """Let the helper show what it has here, if this is a kernel."""
    if shell() is not None:
        session.ask("function", _HOME, "show_by", [publish], {})


def publish(bundle: Dict[str, Any], display_id: str, again: bool) -> None:
    """Asked by the helper, in whatever thread."""
    from IPython.display import display, update_display

    if again:
        update_display(bundle, raw=True, display_id=display_id)  # type: ignore[no-untyped-call]  # it has no types
        return
    _hook()
    display(bundle, raw=True, display_id=display_id)  # type: ignore[no-untyped-call]  # it has no types


def _hook() -> None:
    global _hooked
    if _hooked:
        return
    _hooked = True
    asking.before_leaving.append(_close)
    shell().events.register("post_run_cell", _settle)


def _settle(*_: Any) -> None:
    session = asking.if_started()
    if session is not None:
        session.ask("function", _HOME, "settle", [], {})


def _close() -> None:
    session = asking.if_started()
    if session is not None:
        session.ask("function", _HOME, "close", [], {})
