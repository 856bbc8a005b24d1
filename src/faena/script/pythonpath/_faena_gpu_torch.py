"""PyTorch's GPU calls, from 1.0 on: what names a CUDA device means the CPU, where the process has no GPU.

Nothing is changed where PyTorch has a GPU, or is built for another vendor's.
"""

from __future__ import annotations

import functools
import sys

import _faena_gpu

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, List, Tuple


def _words(text: str) -> List[str]:
    return text.split()


_TENSOR = _words("to new_empty new_full new_ones new_tensor new_zeros type")
_FACTORIES = _words(
    """arange as_tensor asarray bartlett_window blackman_window empty empty_like empty_strided eye full full_like
    hamming_window hann_window linspace logspace ones ones_like rand rand_like randint randint_like randn randn_like
    randperm range scalar_tensor set_default_device set_default_tensor_type sparse_coo_tensor tensor tril_indices
    triu_indices zeros zeros_like"""
)
_NOTHING = _words(
    """set_device synchronize ipc_collect reset_max_memory_allocated reset_max_memory_cached reset_peak_memory_stats"""
)
_ZERO = _words(
    """current_device memory_allocated max_memory_allocated memory_reserved max_memory_reserved memory_cached
    max_memory_cached"""
)
_TYPES = _words("Float Double Half Byte Char Short Int Long Bool BFloat16")
_WITHOUT_CUDA = "this PyTorch is built without CUDA"
_why = _faena_gpu.NO_GPU


def change(torch: Any) -> None:
    global _why
    if getattr(torch.version, "hip", None):
        return
    cuda = torch.version.cuda
    hidden = _faena_gpu.hide_if_too_new("PyTorch", cuda)
    if not _faena_gpu.may_answer():
        return
    if hidden:
        _why = hidden
    elif cuda is None and not _faena_gpu.sees_none():
        _why = _WITHOUT_CUDA
    elif not _faena_gpu.sees_none():
        return
    _change_tensors(torch)
    _change_cuda(torch.cuda, torch)
    torch.load = _loading(torch.load, functools.partial(_placing, torch))
    torch.jit.load = _loading(torch.jit.load, lambda where: _on_cpu("cpu" if where is None else where, torch))
    _change_parallel(torch)


def _tell() -> None:
    _faena_gpu.tell("PyTorch", _why)


def _change_tensors(torch: Any) -> None:
    for name in _TENSOR:
        _redirect(torch.Tensor, name, torch)
    for name in _FACTORIES:
        _redirect(torch, name, torch)
    _redirect(torch.nn.Module, "to", torch)
    for owner in (torch.Tensor, torch.nn.Module, *_storages(torch)):
        owner.cuda = _itself(owner.cuda)
    torch.Tensor.pin_memory = _itself(torch.Tensor.pin_memory)


def _storages(torch: Any) -> Tuple[Any, ...]:
    names = ("_StorageBase", "TypedStorage", "_TypedStorage", "UntypedStorage", "_UntypedStorage")
    found = [getattr(torch.storage, name, None) for name in names]
    return tuple(each for each in found if each is not None and hasattr(each, "cuda"))


def _redirect(owner: Any, name: str, torch: Any) -> None:
    """A CUDA device among the arguments becomes the CPU."""
    whole = getattr(owner, name, None)
    if whole is None:
        return

    device, takes_number = torch.device, name == "to"

    @functools.wraps(whole)
    def called(*arguments: Any, **named: Any) -> Any:
        for each in arguments:
            if type(each) is str or type(each) is device:
                arguments = tuple(_on_cpu(each, torch) for each in arguments)
                break
        if named:
            for key in ("device", "dtype", "tensor_type", "t"):
                if key in named:
                    named[key] = _on_cpu(named[key], torch)
        if takes_number and len(arguments) > 1 and type(arguments[1]) is int:
            _tell()
            arguments = (arguments[0], "cpu", *arguments[2:])
        return whole(*arguments, **named)

    setattr(owner, name, called)
    builtins = getattr(getattr(torch.jit, "_builtins", torch.jit), "_builtin_table", None) or {}
    if (
        id(whole) in builtins
    ):  # what TorchScript knows by its function; where it knows none yet, it will see this one
        builtins[id(called)] = builtins[id(whole)]


def _is_cuda(value: Any, torch: Any) -> bool:
    if type(value) is str:
        return value == "cuda" or value.startswith(("cuda:", "torch.cuda."))
    return type(value) is torch.device and value.type == "cuda"


def _on_cpu(value: Any, torch: Any) -> Any:
    if not _is_cuda(value, torch):
        return value
    _tell()
    if type(value) is str:
        return value.replace("torch.cuda.", "torch.") if value.startswith("torch.cuda.") else "cpu"
    return torch.device("cpu")


def _itself(whole: Any) -> Callable[..., Any]:
    @functools.wraps(whole)
    def called(self: Any, *_arguments: Any, **_named: Any) -> Any:
        _tell()
        return self

    return called


def _change_cuda(cuda: Any, torch: Any) -> None:
    for name in _NOTHING:
        _answer(cuda, name, None)
    for name in _ZERO:
        _answer(cuda, name, 0)
    _answer(cuda, "get_device_name", "CPU")
    for name in ("device", "device_of"):
        setattr(cuda, name, _no_device(getattr(cuda, name)))
    for name in _TYPES:
        if hasattr(cuda, name + "Tensor") and hasattr(torch, name + "Tensor"):
            setattr(cuda, name + "Tensor", _told_type(getattr(torch, name + "Tensor")))


def _answer(owner: Any, name: str, answer: Any) -> None:
    whole = getattr(owner, name, None)
    if whole is None:
        return

    @functools.wraps(whole)
    def called(*_arguments: Any, **_named: Any) -> Any:
        _tell()
        return answer

    setattr(owner, name, called)


def _no_device(whole: Any) -> Any:
    """A context manager that changes nothing; a class, since scripts look whether something is one."""

    class NoDevice(whole):  # type: ignore[misc]  # which class it is, PyTorch knows
        def __init__(self, *_arguments: Any, **_named: Any) -> None:
            _tell()

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_error: Any) -> None:
            return None

    NoDevice.__name__ = whole.__name__
    return NoDevice


def _told_type(kind: Any) -> Any:
    @functools.wraps(kind, updated=())
    def made(*arguments: Any, **named: Any) -> Any:
        _tell()
        return kind(*arguments, **named)

    return made


def _loading(whole: Any, placed: Callable[[Any], Any]) -> Callable[..., Any]:
    """`load` with the places of CUDA tensors in main memory, wherever `map_location` would have them."""

    @functools.wraps(whole)
    def load(f: Any, map_location: Any = None, *arguments: Any, **named: Any) -> Any:
        return whole(f, placed(map_location), *arguments, **named)

    return load


def _placing(torch: Any, location: Any) -> Any:
    if isinstance(location, dict):
        return {key: _on_cpu(value, torch) for key, value in location.items()}
    if location is not None:
        return _on_cpu(location, torch)

    def place(storage: Any, where: str) -> Any:
        if str(where).startswith("cuda"):
            _tell()
            return storage
        return torch.serialization.default_restore_location(storage, where)

    return place


def _change_parallel(torch: Any) -> None:
    """What goes on without a word where there is no GPU."""
    parallel = torch.nn.DataParallel.__init__

    @functools.wraps(parallel)
    def made(self: Any, *arguments: Any, **named: Any) -> None:
        _tell()
        parallel(self, *arguments, **named)

    torch.nn.DataParallel.__init__ = made
    distributed = sys.modules.get("torch.distributed")
    begin = getattr(distributed, "init_process_group", None)
    if begin is None:
        return

    @functools.wraps(begin)
    def init_process_group(backend: Any = None, *arguments: Any, **named: Any) -> Any:
        if backend == "nccl":
            _tell()
            backend = "gloo"
        return begin(backend, *arguments, **named)

    distributed.init_process_group = init_process_group  # type: ignore[union-attr]  # it is there
