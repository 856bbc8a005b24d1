"""Chainer's GPU calls. When `chainer.backends.cuda.available` is false, those that would stop a script do nothing."""

from __future__ import annotations

import sys

import _faena_gpu

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def change_cuda(cuda: Any) -> None:
    if not _answers():
        return
    device = cuda.DummyDevice

    def check_cuda_available() -> None:
        _tell()

    def get_device_from_id(device_id: Any) -> Any:
        if device_id is not None:
            _tell()
        return device

    def _get_device(*args: Any) -> Any:
        if any(arg is not None for arg in args):
            _tell()
        return device

    def to_gpu(array: Any, device: Any = None, stream: Any = None) -> Any:
        _tell()
        return array

    def from_device_id(device_id: int) -> Any:
        from chainer.backends import _cpu

        _tell()
        return _cpu.CpuDevice()

    cuda.check_cuda_available = check_cuda_available
    cuda.get_device_from_id = get_device_from_id
    cuda.to_gpu = to_gpu
    if hasattr(cuda, "_get_device"):  # Chain.to_gpu goes this way in Chainer 5
        cuda._get_device = _get_device
    if hasattr(cuda, "GpuDevice"):  # chainer.get_device(0) and each device=0 go this way in Chainer 6 and 7
        cuda.GpuDevice.from_device_id = staticmethod(from_device_id)


def change_link(module: Any) -> None:
    _change_to_gpu(module.Link)


def change_device_resident(module: Any) -> None:
    _change_to_gpu(module.DeviceResident)  # Chainer 6 and 7 define Link.to_gpu there


def _change_to_gpu(owner: Any) -> None:
    if "to_gpu" not in vars(owner) or not _answers():
        return

    def to_gpu(self: Any, device: Any = None) -> Any:
        _tell()
        return self

    owner.to_gpu = to_gpu


def change_convert(module: Any) -> None:
    if not _answers():
        return
    original = module.to_device

    def to_device(device: Any, x: Any) -> Any:
        if isinstance(device, int) and device >= 0:
            _tell()
            return x
        return original(device, x)

    module.to_device = to_device


def _answers() -> bool:
    return _faena_gpu.may_answer() and not sys.modules["chainer.backends.cuda"].available


def _tell() -> None:
    _faena_gpu.tell("Chainer")
