"""v1's plug-in of MLflow, in a run whose interpreter cannot load Faena's client: nothing need be plugged in."""

from __future__ import annotations

VERSION = __version__ = "1.61.0+faena"
__all__ = ["VERSION"]
