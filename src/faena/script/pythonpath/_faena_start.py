"""What happens as the interpreter of a run starts; called by a `.pth` line, by the launcher or by `import faena`.

Kept small: it runs in each process of each run.
"""

from __future__ import annotations

import os
import sys

_installed = False


def install() -> None:
    """Puts the hooks in that the run's environment variables ask for. A second call does nothing."""
    global _installed
    if _installed or "FAENA_RUN_ID" not in os.environ:
        return
    _installed = True
    last = os.environ.get("FAENA_SOURCE_LAST")  # its modules would hide those of the standard library
    if last and last not in sys.path:
        sys.path.append(last)
    import _faena_data
    import _faena_patch

    _faena_patch.install(_faena_data.CHANGES)
    _faena_patch.install(_faena_patch.MLFLOW)
    answer()
    if not os.path.isdir(os.environ.get("FAENA_CHECKPOINTS", "/")):
        import _faena_checkpoints

        _faena_checkpoints.install()
    if os.environ.get("FAENA_GPU", "none") != "none":
        import _faena_gpu

        _faena_patch.install(_faena_gpu.CHANGES)


def answer() -> None:
    """What scripts of another time ask for: data whose address has died, names that were removed."""
    import _faena_dead_data
    import _faena_patch

    _faena_patch.install(_faena_dead_data.CHANGES)
    if os.environ.get("FAENA_REMOVED_NAMES", "") != "off":
        import _faena_removed

        _faena_removed.install()
