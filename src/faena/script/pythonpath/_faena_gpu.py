"""Chainer's GPU calls, answered on the CPU where there is no GPU.

Scripts written for a GPU ask for one without looking. When `chainer.backends.cuda.available` is false, the calls that
would stop them do nothing or return what they were given. Never silently: stderr and the run's page say so.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MESSAGE = (
    "GPU CALLS ARE ANSWERED ON THE CPU. The script asks Chainer for a GPU; this machine has none that Chainer "
    "can use. The arrays stay in main memory, and training takes longer."
)
_MARK = ".gpu-on-cpu"


def _change_cuda(cuda: Any) -> None:
    if cuda.available:
        return
    device = cuda.DummyDevice

    def check_cuda_available() -> None:
        _tell_once()

    def get_device_from_id(device_id: Any) -> Any:
        if device_id is not None:
            _tell_once()
        return device

    def _get_device(*args: Any) -> Any:
        if any(arg is not None for arg in args):
            _tell_once()
        return device

    def to_gpu(array: Any, device: Any = None, stream: Any = None) -> Any:
        _tell_once()
        return array

    def from_device_id(device_id: int) -> Any:
        from chainer.backends import _cpu

        _tell_once()
        return _cpu.CpuDevice()

    cuda.check_cuda_available = check_cuda_available
    cuda.get_device_from_id = get_device_from_id
    cuda.to_gpu = to_gpu
    if hasattr(cuda, "_get_device"):  # Chain.to_gpu goes this way in Chainer 5
        cuda._get_device = _get_device
    if hasattr(cuda, "GpuDevice"):  # chainer.get_device(0) and each device=0 go this way in Chainer 6 and 7
        cuda.GpuDevice.from_device_id = staticmethod(from_device_id)


def _change_link(module: Any) -> None:
    _change_to_gpu(module.Link)


def _change_device_resident(module: Any) -> None:
    _change_to_gpu(module.DeviceResident)  # Chainer 6 and 7 define Link.to_gpu there


def _change_to_gpu(owner: Any) -> None:
    if "to_gpu" not in vars(owner) or _available():
        return

    def to_gpu(self: Any, device: Any = None) -> Any:
        _tell_once()
        return self

    owner.to_gpu = to_gpu


def _change_convert(module: Any) -> None:
    if _available():
        return
    original = module.to_device

    def to_device(device: Any, x: Any) -> Any:
        if isinstance(device, int) and device >= 0:
            _tell_once()
            return x
        return original(device, x)

    module.to_device = to_device


CHANGES = {
    "chainer.backends.cuda": _change_cuda,
    "chainer.link": _change_link,
    "chainer.device_resident": _change_device_resident,
    "chainer.dataset.convert": _change_convert,
}
"""What is done to which module once it is imported."""


def _available() -> bool:
    cuda = sys.modules["chainer.backends.cuda"]
    return bool(cuda.available)


_told = False


def _tell_once() -> None:
    """Once a run: the processes of a run agree by a file in their spool folder."""
    global _told
    if _told:
        return
    _told = True
    folder = os.environ.get("FAENA_SPOOL")
    if not folder:
        return
    try:
        os.close(os.open(os.path.join(folder, _MARK), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    except FileExistsError:
        return
    except OSError:  # a full disk: rather twice than never
        pass
    import textwrap

    line = "=" * 79
    sys.stderr.write("{0}\n{1}\n{0}\n".format(line, textwrap.fill("faena: " + _MESSAGE, 79)))
    sys.stderr.flush()
    from faena.script.spool import writer_of

    writer_of(folder).emit("note", {"code": "gpu_on_cpu", "message": _MESSAGE})
