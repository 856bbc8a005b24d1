"""v1's home of ScriptRunConfig."""

from faena.client.submission.script_run_config import ScriptRunConfig

__all__ = ["ScriptRunConfig"]
