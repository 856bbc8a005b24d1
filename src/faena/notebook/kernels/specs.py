"""The folder that makes a kernel known to Jupyter."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

from faena.environments.model import Lock
from faena.kernel.errors import UserErrorException

LOCK = "lock.json"
"""What its environment holds, so that one that was removed can be built anew."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")


@dataclass(frozen=True, slots=True)
class Kernel:
    """`python`: its interpreter, of `version`; `lock`: of its environment, None for an interpreter as it is."""

    python: str
    version: str
    lock: Lock | None = None

    @property
    def as_of(self) -> str:
        return "" if self.lock is None else self.lock.as_of

    @property
    def title(self) -> str:
        """What notebooks show."""
        when = f", {self.as_of}" if self.as_of else ""
        return f"Python {'.'.join(self.version.split('.')[:2])} (Faena{when})"

    @property
    def name(self) -> str:
        """Under which it is installed where no other is given."""
        return f"faena-{self.as_of}" if self.as_of else f"faena-python{'.'.join(self.version.split('.')[:2])}"


def check_name(name: str) -> str:
    """Raises UserErrorException for what Jupyter takes for no name of a kernel."""
    if not _NAME.match(name):
        raise UserErrorException(
            f"{name[:80]!r} is no name of a kernel. Use lower-case letters, digits, '-', '.' and '_', at most 64."
        )
    return name


def write(folder: Path, kernel: Kernel) -> None:
    """Whole or not at all; one that is there is replaced."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    if kernel.lock is not None:
        (new / LOCK).write_bytes(msgspec.json.encode(kernel.lock))
    subject = (
        ["--interpreter", kernel.python] if kernel.lock is None else ["--lock", f"{{resource_dir}}/{LOCK}"]
    )
    described = {
        "argv": [sys.executable, "-P", "-m", "faena.notebook.kernels.start", *subject, "{connection_file}"],
        "display_name": kernel.title,
        "language": "python",
        "metadata": {"debugger": False},
    }
    (new / "kernel.json").write_text(json.dumps(described, indent=1) + "\n")
    if folder.exists():
        shutil.rmtree(folder)
    new.rename(folder)


def users_folder() -> Path:
    """Where Jupyter looks for this user's kernels."""
    if given := os.environ.get("JUPYTER_DATA_DIR"):
        return Path(given) / "kernels"
    if sys.platform == "darwin":
        return Path.home() / "Library/Jupyter/kernels"
    data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local/share")
    return Path(data) / "jupyter/kernels"
