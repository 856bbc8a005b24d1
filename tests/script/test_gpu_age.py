"""Whether a GPU is too new for a framework's CUDA, as nvidia-smi and the framework tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.script.conftest import RunHere

SMI = """#!/bin/sh
case "$*" in
  *compute_cap*) printf '%s\\n' {} ;;
  *) exit 2 ;;
esac
"""
ASK = """
import sys
import _faena_gpu_age as age
visible, *versions = sys.argv[1:]
for cuda in versions:
    print(cuda, age.too_new("PyTorch", cuda, visible) or "-")
"""


def nvidia_smi(here: RunHere, *lines: str) -> None:
    program = here.folder / "bin" / "nvidia-smi"
    program.parent.mkdir(exist_ok=True)
    program.write_text(SMI.format(" ".join(f"'{line}'" for line in lines)))
    program.chmod(0o755)
    here.extra["PATH"] = f"{program.parent}:/usr/bin:/bin"


def fits(here: RunHere, visible: str, *versions: str) -> dict[str, str]:
    out, _ = here.run(ASK, visible, *versions)
    return dict(line.split(" ", 1) for line in out.splitlines())


@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("capability", "too_old"),
    [
        ("7.0", []),
        ("7.5", ["9.0", "9.2"]),
        ("8.0", ["9.0", "9.2", "10.0", "10.2"]),
        ("8.6", ["9.0", "9.2", "10.0", "10.2"]),
        ("9.0", ["9.0", "9.2", "10.0", "10.2", "11.0", "11.7"]),
        ("12.0", ["9.0", "9.2", "10.0", "10.2", "11.0", "11.7", "11.8", "12.4"]),
    ],
)
@pytest.mark.parametrize("here", ["3.13"], indirect=True)
def test_which_cuda_is_too_old_for_which_gpu(here: RunHere, capability: str, too_old: list[str]) -> None:
    nvidia_smi(here, f"0, GPU-1a, {capability}")
    found = fits(
        here, "0", "9.0", "9.2", "10.0", "10.2", "11.0", "11.7", "11.8", "12.4", "12.8", "8.0", "rocm"
    )
    assert [cuda for cuda, why in found.items() if why != "-"] == too_old


def test_one_that_can_be_used_is_enough_and_only_what_is_seen_counts(here: RunHere) -> None:
    nvidia_smi(here, "0, GPU-1a2b, 9.0", "1, GPU-3c4d, 7.0", "2, GPU-5e6f, [N/A]", "nonsense")
    assert fits(here, "0,1", "10.0") == {"10.0": "-"}
    too_new = "the GPU here (compute capability 9.0) is too new for the CUDA 10.0 of this PyTorch (up to 7.5)"
    assert fits(here, "0", "10.0") == {"10.0": too_new}
    assert fits(here, "GPU-3c", "10.0") == {"10.0": "-"}
    assert fits(here, "GPU-1a2b", "10.0") == {"10.0": too_new}
    assert fits(here, "2", "10.0") == {"10.0": "-"}, "nobody knows: all are looked at"


def test_without_an_answer_nothing_is_hidden(here: RunHere, tmp_path: Path) -> None:
    here.extra["PATH"] = str(tmp_path)
    assert fits(here, "0", "9.0") == {"9.0": "-"}
