"""v1's diagnostics: nothing is ever sent from here, so there is nothing to switch."""

from __future__ import annotations

from typing import Self


def set_diagnostics_collection(send_diagnostics: bool = True, verbosity: int | None = None) -> None:
    """Does nothing: Faena has no telemetry."""


class diagnostic_log:  # noqa: N801  v1 calls it so
    """v1 wrote its debug messages into a file meanwhile. Nothing is written here."""

    def __init__(self, log_path: str | None = None, context_name: str | None = None) -> None:
        pass

    def start_capture(self) -> None:
        """Does nothing."""

    def stop_capture(self) -> None:
        """Does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass
