"""What runs logged, as event files: what TensorBoard shows of a run that wrote none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def export_to_tensorboard(
    run_data: Any,
    logs_folder: str | os.PathLike[str] | None = None,
    logger: Any = None,
    recursive: bool = True,
) -> str:
    """Write the metrics of a run, or of several, to `logs_folder/<run id>`, and return that folder.

    `logs_folder`: made where it is missing; default: a temporary one. `recursive`: those of child runs as well.
    `logger`: is told of each run. Raises UserErrorException where tensorboardX is not installed.
    """
    root = Path(tempfile.mkdtemp(prefix="faena-tensorboard-") if logs_folder is None else logs_folder)
    root.mkdir(parents=True, exist_ok=True)
    several = isinstance(run_data, Iterable) and not isinstance(run_data, str)
    for run in run_data if several else [run_data]:
        for member in (run, *(run.get_children(recursive=True) if recursive else ())):
            if logger is not None:
                logger.info("Writing the metrics of %s", member.id)
            member.export_metrics(root / member.id)
    return str(root)
