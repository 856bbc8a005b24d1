"""v1's home of ScriptRun: what a submitted script is, seen from outside."""

from faena.client.runs.run import Run as ScriptRun

__all__ = ["ScriptRun"]
