"""TensorFlow's placement on GPUs, 1.x and 2.x: what asks for one is placed on the CPU, where the process has no GPU.

A graph of 1.x fails where an operation is placed on a GPU that is not there, unless soft placement is on; 2.x has it
on and says nothing. Ordinary Keras never asks for a GPU: the run's first line tells of that.
"""

from __future__ import annotations

import functools
import os
import sys

import _faena_gpu

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

_BUILT_FOR = (
    ((1, 5), "9.0"),
    ((1, 13), "10.0"),
    ((2, 1), "10.1"),
    ((2, 4), "11.0"),
    ((2, 5), "11.2"),
    ((2, 12), "11.8"),
    ((2, 15), "12.2"),
)
"""From which release on, the CUDA that wheels are built for, where their build information does not say."""
_why = _faena_gpu.NO_GPU


def _look_at_build() -> None:
    """Before anything looks for GPUs."""
    global _why
    if _faena_gpu.sees_none():
        return
    try:
        from tensorflow.python.platform import build_info
    except ImportError:
        return
    cuda = _cuda(build_info)
    _why = _faena_gpu.hide_if_too_new("TensorFlow", cuda) or _why
    if cuda is None and _faena_gpu.may_answer():
        _why = "this TensorFlow is built without CUDA"
        os.environ[_faena_gpu.VISIBLE] = ""


def _cuda(info: Any) -> Optional[str]:
    told = getattr(info, "build_info", None) or vars(info)
    if not told.get("is_cuda_build"):
        return None
    named = told.get("cuda_version") or told.get("cuda_version_number")
    if named:
        return str(named)
    import re

    version = re.match(r"(\d+)\.(\d+)", _release())
    if version is None:
        return None
    found = (int(version.group(1)), int(version.group(2)))
    return next((cuda for since, cuda in reversed(_BUILT_FOR) if found >= since), None)


def _release() -> str:
    """From the folder beside the package: TensorFlow itself is only being loaded."""
    import glob

    package = os.path.dirname(sys.modules["tensorflow"].__file__ or "")
    folders = glob.glob(os.path.join(os.path.dirname(package), "tensorflow_gpu-*.dist-info"))
    folders += glob.glob(os.path.join(os.path.dirname(package), "tensorflow-*.dist-info"))
    return os.path.basename(folders[0]).split("-")[1] if folders else ""


def change_ops(ops: Any) -> None:
    """`tensorflow.python.framework.ops`: `tf.device`, and `Graph.device` behind it."""
    _look_at_build()
    if not _answers():
        return
    whole = ops.Graph.device

    @functools.wraps(whole)
    def device(self: Any, device_name_or_function: Any) -> Any:
        _look(device_name_or_function)
        return whole(self, device_name_or_function)

    ops.Graph.device = device
    for name in ("device", "device_v2"):
        if hasattr(ops, name):
            setattr(ops, name, _looking(getattr(ops, name)))


def _looking(whole: Any) -> Any:
    @functools.wraps(whole)
    def device(device_name: Any, *arguments: Any, **named: Any) -> Any:
        if not _look(device_name):
            return whole(device_name, *arguments, **named)
        if _is_eager_of_1():
            return whole("/cpu:0", *arguments, **named)
        return whole(device_name, *arguments, **named)

    return device


def _look(name: Any) -> bool:
    """Whether a GPU is asked for, which is told."""
    asks = isinstance(name, str) and "gpu:" in name.lower()
    if asks:
        _faena_gpu.tell("TensorFlow", _why)
    return asks


def _is_eager_of_1() -> bool:
    """Eager execution of 1.x knows no soft placement."""
    context: Any = sys.modules.get("tensorflow.python.eager.context")
    is_of_2: Any = sys.modules.get("tensorflow.python.tf2")
    eager = context is not None and context.executing_eagerly()
    return bool(eager) and not (is_of_2 is not None and is_of_2.enabled())


def change_session(session: Any) -> None:
    """`tensorflow.python.client.session`: each session places softly."""
    if not _answers():
        return
    whole = session.BaseSession.__init__

    @functools.wraps(whole)
    def made(self: Any, target: Any = "", graph: Any = None, config: Any = None) -> None:
        whole(self, target, graph, _softly(session, config))

    session.BaseSession.__init__ = made


def _softly(session: Any, config: Any) -> Any:
    own = session.config_pb2.ConfigProto()
    if config is not None:
        if not hasattr(config, "CopyFrom"):  # what TensorFlow refuses by its own words
            return config
        own.CopyFrom(config)
    own.allow_soft_placement = True
    return own


def _answers() -> bool:
    return bool(_faena_gpu.may_answer() and _faena_gpu.sees_none())
