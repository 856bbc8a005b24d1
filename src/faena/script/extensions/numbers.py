"""What libraries hand to their loggers, as metrics of a run."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping


def run_of(run: Any) -> Any:
    """The run to log to: the one that was given, else the one around this process."""
    if run is not None:
        return run
    from faena.script.run import Run

    return Run.get_context()


def number(value: Any) -> float | int | None:
    """`value` as a number, of tensors and arrays their one element; None where it is none."""
    try:
        held = value.item() if hasattr(value, "item") else value
        return held if type(held) in (int, float) else float(held)
    except Exception:  # noqa: BLE001  several elements, text, …: each library refuses in its own way
        return None


def log_numbers(run: Any, found: Mapping[Any, Any], step: int | None) -> None:
    """Each number under its name; what is none is passed over."""
    for name, value in found.items():
        plain = number(value)
        if plain is not None:
            run.log(str(name), plain, step=step)
