"""Which GPUs a machine has, and which of them this process may use."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from faena.compute import gpus
from faena.compute.gpus import Gpu, Listed, Listing, ask_nvidia_smi, check_gpu, given_gpus, visible
from faena.kernel.errors import ExperimentExecutionException, UserErrorException

A, B = "GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77", "GPU-5e09aa11-0000-1111-2222-333344445555"
PART, OTHER = "MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f", "MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb"
LISTED = f"""GPU 0: NVIDIA A100-SXM4-40GB (UUID: {A})
GPU 1: NVIDIA A100-SXM4-40GB (UUID: {B})
"""
PARTED = f"""GPU 0: NVIDIA A100-SXM4-40GB (UUID: {A})
  MIG 3g.20gb     Device  0: (UUID: {PART})
  MIG 1g.5gb      Device  1: (UUID: {OTHER})
GPU 1: NVIDIA A100-SXM4-40GB (UUID: {B})
"""
Smi = Callable[[str], Path]


@pytest.fixture
def smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Smi:
    """Puts a program into the place of nvidia-smi."""

    def put(script: str) -> Path:
        program = tmp_path / "bin" / "nvidia-smi"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        monkeypatch.setattr(gpus, "_machine", Listing(ask_nvidia_smi))
        return program

    return put


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        (LISTED, ("0", "1")),
        (PARTED, (PART, OTHER, "1")),
        ("0\n1\n", ("0", "1")),
        (f"0, {A}\n1, {B}\n", ("0", "1")),
        ("", ()),
        ("No devices were found\n", ()),
        ("GPU zero: broken\n\x00\n", ()),
    ],
)
def test_what_it_prints_is_understood(
    smi: Smi, tmp_path: Path, printed: str, expected: tuple[str, ...]
) -> None:
    (tmp_path / "printed").write_text(printed)
    smi(f"cat {tmp_path / 'printed'}")
    assert ask_nvidia_smi() == Listed(expected)


def test_one_that_lists_nothing_is_asked_by_query(smi: Smi) -> None:
    smi("case \"$*\" in *query-gpu=index*) printf '0\\n' ;; esac")
    assert ask_nvidia_smi() == Listed(("0",))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (None, (PART, OTHER, "1")),
        ("", ()),
        ("-1", ()),
        ("1", ("1",)),
        ("1,0", ("1", PART, OTHER)),
        (" 1 , 0 ", ("1", PART, OTHER)),
        ("01", ("1",)),
        ("1,1", ("1",)),
        ("1,7,0", ("1",)),
        ("1,-1,0", ("1",)),
        ("NoDevFiles", ()),
        (B, ("1",)),
        ("GPU-5e09", ("1",)),
        ("GPU-5", ()),
        ("GPU-ffff", ()),
        (PART, (PART,)),
        ("MIG-cba6", (OTHER,)),
        ("MIG-c", ()),
        (f"{OTHER},{PART}", (OTHER, PART)),
        (f"MIG-{A}/1/0", (f"MIG-{A}/1/0",)),
        ("MIG-GPU-ffff/1/0", ()),
        (f"{PART},1", (PART, "1")),
        ("9" * 5000, ()),
    ],
)
def test_devices_are_named_by_index_uuid_or_mig_name(said: str | None, expected: tuple[str, ...]) -> None:
    assert visible([Gpu("0", A, (PART, OTHER)), Gpu("1", B)], said) == expected


def test_it_is_asked_once_by_many(smi: Smi, tmp_path: Path) -> None:
    smi(f"echo asked >> {tmp_path / 'asked'}; sleep 0.2; echo 'GPU 0: X (UUID: {A})'")
    listing = Listing(ask_nvidia_smi)
    assert listing.known() is None
    threads = [threading.Thread(target=listing.get) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert listing.known() == Listed(("0",))
    assert (tmp_path / "asked").read_text() == "asked\n"


def test_who_only_wants_to_know_what_is_known_does_not_wait(smi: Smi) -> None:
    smi("sleep 5; echo 0")
    listing = Listing(ask_nvidia_smi)
    asking = threading.Thread(target=listing.get, daemon=True)
    asking.start()
    assert listing.known() is None
    assert asking.is_alive()


def test_where_it_could_not_say_it_is_asked_again(smi: Smi) -> None:
    at = 0.0
    answers = iter([Listed(failure="it is broken"), Listed(("0",))])
    listing = Listing(lambda: next(answers), lambda: at)
    assert listing.get().failure == "it is broken"
    at = 59.0
    assert listing.get().failure == "it is broken"
    at = 60.0
    assert listing.known() is None
    assert listing.get() == Listed(("0",))
    at = 10_000.0
    assert listing.known() == Listed(("0",))


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            "echo 'Failed to initialize NVML: Driver/library version mismatch' >&2; exit 18",
            "version mismatch",
        ),
        ("exit 3", "nvidia-smi ended with exit code 3"),
    ],
)
def test_a_run_that_must_have_one_is_refused_with_what_is_wrong(smi: Smi, script: str, said: str) -> None:
    smi(script)
    check_gpu("auto")
    with pytest.raises(ExperimentExecutionException, match=said):
        check_gpu("require")


def test_a_driver_that_is_not_there_is_no_gpu(smi: Smi) -> None:
    smi('echo "NVIDIA-SMI has failed because it couldn\'t communicate with the NVIDIA driver."; exit 9')
    with pytest.raises(ExperimentExecutionException, match="this machine has none"):
        check_gpu("require")


def test_a_run_of_more_nodes_than_there_are_gpus_is_refused(smi: Smi) -> None:
    smi("echo 0")
    check_gpu("require", 1)
    with pytest.raises(ExperimentExecutionException, match=r"each of its 2 nodes .* this machine has 1"):
        check_gpu("require", 2)


@pytest.mark.parametrize(
    ("said", "expected"),
    [("none", ()), ("", ()), ("1, 0", ("1", "0")), (f"{A},{PART}", (A, PART)), ("0,", ("0",))],
)
def test_a_node_has_the_devices_that_were_named(smi: Smi, said: str, expected: tuple[str, ...]) -> None:
    smi("echo 0; echo 1")
    assert given_gpus(said) == expected


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("-1", "names no GPU"),
        ("0,foo", "'foo' names no GPU"),
        ("cuda:0", "names no GPU"),
        ("0,0", "named twice"),
        ("0,7", "no GPU 7 here: nvidia-smi shows 0, 1"),
    ],
)
def test_a_node_has_no_devices_that_are_none(smi: Smi, said: str, why: str) -> None:
    smi("echo 0; echo 1")
    with pytest.raises(UserErrorException, match=why):
        given_gpus(said)
