"""What others wrote and we pass on as it is, each with its licence and its version."""

from pathlib import Path

UPLOT = Path(__file__).parent / "uplot"
"""uPlot, a chart library for browsers: `uPlot.esm.js` (exports it as default) and `uPlot.min.css`."""
