"""Views of which each text is what somebody might write who means harm."""

from __future__ import annotations

from faena.notebook.views import run_view
from faena.notebook.views.blocks import LogTail, View
from faena.notebook.views.run_view import KnownRun
from faena.notebook.views.tail import Tail
from faena.runs.list_schemas import Curve, Curves, NamedCurve
from faena.runs.schemas import ErrorView, NoteView, PhaseView, RunView

EVIL = "</pre></style><script>alert(1)</script><img src=x onerror=alert(2)>\"'`"
NOW = 1_790_000_000_000_000


def made_run(text: str, **changes: object) -> RunView:
    """One that goes on, and is called `text` throughout."""
    given: dict[str, object] = {
        "id": text,
        "experiment": text,
        "number": 1,
        "status": "Running",
        "version": 1,
        "user": text,
        "cluster": text,
        "node_count": 1,
        "attempt": 1,
        "created_at": NOW,
        "started_at": NOW,
        "ended_at": None,
        "blocker": text,
        "error": ErrorView("exit_code", text, 1, None, [text]),
        "exit_code": None,
        "snapshot": "",
        "script": text,
        "arguments": [text],
        "lock": None,
        "python": None,
        "tags": {text: text},
        "notes": [NoteView("note", text)],
        "phases": [PhaseView("Queued", 1, NOW, NOW + 1_000_000), PhaseView(text, 1, NOW + 1_000_000, None)],
        "git": None,
        "parent": None,
        "type": "azureml.scriptrun",
        "properties": {text: text},
        "inputs": (),
        "name": text,
    }
    return RunView(**{**given, **changes})  # type: ignore[arg-type]  # of the right kinds, each


def curve(y: list[float | None], x: list[float] | None = None) -> Curve:
    places = [float(at) for at in range(len(y))] if x is None else x
    last = next((value for value in reversed(y) if value is not None), None)
    return Curve("step", places, y, True, len(y), 0, last, NOW)


def run_view_of(text: str, **changes: object) -> View:
    tail = Tail()
    tail.feed(f"{text}\n")
    curves = Curves(20, [NamedCurve(text, curve([1.0, None, 0.5]))])
    return run_view.of_run(
        KnownRun(
            made_run(text, **changes),
            NOW + 3_000_000,
            LogTail("log", text, tail.text),
            curves,
            curves,
            page=f"https://example.org/{text}",
            trouble=text,
        )
    )
