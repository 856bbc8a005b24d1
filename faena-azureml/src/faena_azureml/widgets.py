"""v1's notebook widget, under its own name."""

from __future__ import annotations

from faena.notebook.run_details import RunDetails

__all__ = ["RunDetails"]
