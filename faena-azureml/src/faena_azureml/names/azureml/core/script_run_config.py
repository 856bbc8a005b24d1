"""v1's home of ScriptRunConfig."""

from faena.client.script_run_config import ScriptRunConfig

__all__ = ["ScriptRunConfig"]
