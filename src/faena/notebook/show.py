"""faena.show: a run, a sweep or an endpoint as it goes on."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from faena.client.endpoints.known_endpoint import KnownEndpoint
from faena.client.runs.run import Run
from faena.client.runs.sweep_run import HyperDriveRun
from faena.client.wire import shown
from faena.kernel.errors import UserErrorException
from faena.notebook import display
from faena.notebook.showing import Showing, Widget
from faena.notebook.views.blocks import View
from faena.notebook.watching.contract import Watch
from faena.script.messages import tell

_PAGES = ("JPY_SESSION_NAME", "VSCODE_PID", "VSCODE_CWD", "COLAB_RELEASE_TAG", "COLAB_JUPYTER_IP")
"""Variables of kernels that a page was opened for: JupyterLab and Notebook, VS Code, Colab."""


def show(what: Any, *, live: bool = True) -> None:
    """Show a run, a sweep or an endpoint in the notebook, and go on until it has ended; returns at once.

    `live`: as a widget where the notebook has one (`pip install anywidget`); False: as HTML that is replaced.
    Elsewhere one line of text is printed. Raises UserErrorException for what cannot be shown.
    """
    begin(what, live=live)


def begin(what: Any, *, live: bool) -> Showing | None:
    """As `show`; None where there is nothing that goes on."""
    watch = watch_of(what)
    if not has_display():
        tell(watch.look().line)
        return None
    showing = Showing(watch, _widget_maker() if live else None)
    showing.start()
    return showing


def watch_of(what: Any) -> Watch:
    """Raises UserErrorException for what cannot be shown."""
    if isinstance(what, HyperDriveRun):
        from faena.notebook.watching.sweep_watch import SweepWatch

        return SweepWatch(what.experiment.workspace, what.id)
    if isinstance(what, Run):
        from faena.notebook.watching.run_watch import RunWatch

        return RunWatch(what.experiment.workspace, what.id)
    if isinstance(what, KnownEndpoint):
        from faena.notebook.watching.endpoint_watch import EndpointWatch

        return EndpointWatch(what.workspace, what.name)
    raise UserErrorException(
        f"{shown(what)} cannot be shown. Give a run, a sweep or an endpoint, such as show(experiment.submit(…))."
    )


def has_display() -> bool:
    """Whether this is a kernel, whose outputs can be replaced."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return display.elsewhere is not None or getattr(shell, "kernel", None) is not None


def _widget_maker() -> Callable[[View, Callable[[], None]], Widget] | None:
    """None where no page can show widgets: nobody would answer them, and their state would stay in the notebook."""
    if (
        display.elsewhere is not None
        or "FAENA_RUN_ID" in os.environ
        or not any(name in os.environ for name in _PAGES)
    ):
        return None
    from faena.notebook.live import widget

    try:
        widget.load()
    except ImportError:  # anywidget is the user's to install
        return None
    return widget.LiveWidget
