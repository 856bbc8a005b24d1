"""The GPUs of this machine, and whose they are: one belongs to one node at a time.

A device is named as CUDA_VISIBLE_DEVICES names it: by its index, or by its UUID where it is part of a GPU (MIG) or was
named so to this process.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Sequence

from msgspec import Struct

from faena.kernel.errors import ExperimentExecutionException, UserErrorException

_PATIENCE = 20.0
"""Seconds that nvidia-smi is waited for: some seconds are normal where the driver must be woken first."""
ASKED_AGAIN = 60.0
"""Seconds after which it is asked again where it could not say."""
_LONGEST = 1 << 20
_GPU_LINE = re.compile(r"GPU (\d+):.*\(UUID: (GPU-[0-9A-Za-z-]+)\)")
_MIG_LINE = re.compile(r"\s+MIG .*\(UUID: (MIG-[0-9A-Za-z/-]+)\)")
_NAMED = re.compile(r"\d{1,4}|(?:GPU|MIG)-[0-9A-Za-z/-]{1,60}", re.ASCII)
_BARE_LINE = re.compile(r"\s*(\d+)\s*(?:,\s*(GPU-[0-9A-Za-z-]+)\s*)?$")


class Gpu(Struct, frozen=True):
    """One of the machine. `parts`: UUIDs of its MIG devices, which are used in its place where there are any."""

    index: str
    uuid: str = ""
    parts: tuple[str, ...] = ()

    @property
    def devices(self) -> tuple[str, ...]:
        return self.parts or (self.index,)


class Listed(Struct, frozen=True):
    """The devices that this process may use. `failure`: why they are not known; empty: they are."""

    devices: tuple[str, ...] = ()
    failure: str = ""


class Listing:
    """Asks nvidia-smi once, and again only after it could not say. Safe to use from any thread."""

    def __init__(self, ask: Callable[[], Listed], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._monotonic = monotonic
        self._asking = threading.Lock()
        self._found: Listed | None = None
        self._again = 0.0

    def known(self) -> Listed | None:
        """What was found; None while nobody knows. Never blocks."""
        found = self._found
        return None if found is None or self._is_stale(found) else found

    def get(self) -> Listed:
        """Blocks, for seconds where nvidia-smi is slow: never in a transaction, never on an event loop."""
        with self._asking:
            if (found := self.known()) is None:
                found = self._ask()
                self._again = self._monotonic() + ASKED_AGAIN
                self._found = found
        return found

    def _is_stale(self, found: Listed) -> bool:
        return bool(found.failure) and self._monotonic() >= self._again


def ask_nvidia_smi() -> Listed:
    program = shutil.which("nvidia-smi")
    if program is None:
        return Listed()
    try:
        found = _gpus(_said(program, "-L")) or _gpus(
            _said(program, "--query-gpu=index,uuid", "--format=csv,noheader")
        )
    except (OSError, subprocess.SubprocessError) as error:
        if isinstance(error, subprocess.CalledProcessError):
            return Listed(failure=_no_gpu_or_failure(error))
        said = f"within {_PATIENCE:g} s" if isinstance(error, subprocess.TimeoutExpired) else f"({error})"
        return Listed(failure=f"nvidia-smi did not answer {said}")
    return Listed(visible(found, os.environ.get("CUDA_VISIBLE_DEVICES")))


def _said(program: str, *arguments: str) -> str:
    done = subprocess.run(
        [program, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_PATIENCE,
        check=True,
    )
    return done.stdout[:_LONGEST]


def _no_gpu_or_failure(error: subprocess.CalledProcessError) -> str:
    """It fails, too, where its driver is not there: then there is no GPU that a script could use."""
    said = " ".join(f"{error.stdout or ''} {error.stderr or ''}".split())[:300]
    if "No devices were found" in said or "couldn't communicate with the NVIDIA driver" in said:
        return ""
    return f"nvidia-smi ended with exit code {error.returncode}{': ' if said else ''}{said}"


def _gpus(text: str) -> tuple[Gpu, ...]:
    """From what `nvidia-smi -L` prints, or a line of index and UUID each."""
    found: list[Gpu] = []
    for line in text.splitlines():
        if match := _GPU_LINE.match(line) or _BARE_LINE.match(line):
            found.append(Gpu(match[1], match[2] or ""))
        elif found and (match := _MIG_LINE.match(line)):
            last = found.pop()
            found.append(Gpu(last.index, last.uuid, (*last.parts, match[1])))
    return tuple(found)


def visible(gpus: Sequence[Gpu], said: str | None) -> tuple[str, ...]:
    """Devices that CUDA_VISIBLE_DEVICES allows, in its order; as CUDA reads it: all before the first it cannot mean.

    An index is a GPU's; a UUID may be cut short as long as it means one device, and an old MIG name
    (`MIG-GPU-<uuid>/1/0`) is taken as it is where its GPU is there.
    """
    if said is None:
        return tuple(device for gpu in gpus for device in gpu.devices)
    found: list[str] = []
    for entry in (each.strip() for each in said[:_LONGEST].split(",")):
        meant = _meant(gpus, entry)
        if not meant:
            break
        found += [device for device in meant if device not in found]
    return tuple(found)


def _meant(gpus: Sequence[Gpu], entry: str) -> tuple[str, ...]:
    if entry.isascii() and entry.isdigit():
        return next((gpu.devices for gpu in gpus if gpu.index == str(int(entry[:9]))), ())
    if entry.startswith("MIG-GPU-"):
        whole = entry.removeprefix("MIG-").partition("/")[0]
        return (entry,) if any(gpu.uuid == whole for gpu in gpus) else ()
    if entry.startswith("MIG-"):
        parts = [part for gpu in gpus for part in gpu.parts if part.startswith(entry)]
        return (parts[0],) if len(parts) == 1 else ()
    if entry.startswith("GPU-"):
        whole_gpus = [gpu for gpu in gpus if gpu.uuid.startswith(entry)]
        return whole_gpus[0].devices if len(whole_gpus) == 1 else ()
    return ()


_machine = Listing(ask_nvidia_smi)


def known() -> Listed | None:
    """The machine's, if nvidia-smi has been asked. Never blocks."""
    return _machine.known()


def listed() -> Listed:
    """The machine's. Blocks: never call it in a transaction or on an event loop."""
    return _machine.get()


def gpu_ids() -> tuple[str, ...]:
    """The devices that this process may use. Blocks, as `listed` does."""
    return _machine.get().devices


def given_gpus(said: str) -> tuple[str, ...]:
    """The devices that somebody names, with commas; `none`, or nothing: no device. Blocks, as `listed` does.

    Raises UserErrorException for what is no index or UUID, for one named twice, and for an index that nvidia-smi does
    not know. Where nvidia-smi is not there, whoever names a device is believed.
    """
    named = tuple(each.strip() for each in said.split(",") if each.strip()) if said != "none" else ()
    for each in named:
        if not _NAMED.fullmatch(each):
            raise UserErrorException(
                f"{each[:80]!a} names no GPU. Use indexes as nvidia-smi counts them (0,1), "
                "UUIDs (GPU-…, MIG-…), or none."
            )
    if len(set(named)) < len(named):
        raise UserErrorException(f"A GPU is named twice in {said[:80]!a}. Name each once.")
    found = gpu_ids() if named else ()
    if found and all(each.isdigit() for each in (*found, *named)) and not set(named) <= set(found):
        raise UserErrorException(
            f"There is no GPU {', '.join(sorted(set(named) - set(found)))} here: nvidia-smi shows {', '.join(found)}."
        )
    return named


def check_gpu(wanted: str, node_count: int = 1) -> None:
    """Raises ExperimentExecutionException when a run demands GPUs that there are not. Blocks, as `listed` does."""
    if wanted != "require":
        return
    found = listed()
    if found.failure:
        raise ExperimentExecutionException(
            f"The run demands a GPU (gpu='require'), and which ones this machine has is not known: {found.failure}. "
            "Run nvidia-smi there, or let the run's GPU calls be answered on the CPU with gpu='auto'."
        )
    if not found.devices:
        raise ExperimentExecutionException(
            "The run demands a GPU (gpu='require') and this machine has none. "
            "Run it on a machine with a GPU, or let its GPU calls be answered on the CPU with gpu='auto'."
        )
    if len(found.devices) < node_count:
        raise ExperimentExecutionException(
            f"The run demands a GPU for each of its {node_count} nodes (gpu='require') and this machine has "
            f"{len(found.devices)}. Ask for fewer nodes, or let GPU calls be answered on the CPU with gpu='auto'."
        )
