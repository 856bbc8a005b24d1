"""GPU calls of frameworks, answered on the CPU where there is no GPU that they can use: one rule for all of them.

Scripts written for a GPU ask for one without looking. Where `FAENA_GPU` is `cpu`, calls that would stop them are
answered on the CPU. Never silently: stderr and the run's page say so. A GPU that is too new for the framework's CUDA is
hidden from it, since its first kernel would fail; where `FAENA_GPU` is `gpu` the run must have one, and is stopped.
What is changed in a framework stands in a file of its own: `_faena_gpu_chainer`, `…_torch`, `…_tensorflow`, `…_keras`.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional

VISIBLE = "CUDA_VISIBLE_DEVICES"
_MESSAGE = (
    "GPU CALLS ARE ANSWERED ON THE CPU. The script asks {} for a GPU; {}. The arrays stay in main memory, and "
    "training takes longer."
)
NO_GPU = "this machine has none that it can use"
_MARK = ".gpu-on-cpu"


def _of(framework: str, change: str) -> Callable[[Any], None]:
    """Loads what is changed of a framework once somebody imports that."""

    def changed(module: Any) -> None:
        getattr(__import__("_faena_gpu_" + framework), change)(module)

    return changed


CHANGES: Dict[str, Callable[[Any], None]] = {
    "chainer.backends.cuda": _of("chainer", "change_cuda"),
    "chainer.link": _of("chainer", "change_link"),
    "chainer.device_resident": _of("chainer", "change_device_resident"),
    "chainer.dataset.convert": _of("chainer", "change_convert"),
    "torch": _of("torch", "change"),
    "keras.layers.cudnn_recurrent": _of("keras", "change_cudnn"),
    "tensorflow.python.keras.layers.cudnn_recurrent": _of("keras", "change_cudnn"),
    "tensorflow.python.framework.ops": _of("tensorflow", "change_ops"),
    "tensorflow.python.client.session": _of("tensorflow", "change_session"),
}
"""What is done to which module once it is imported."""


def sees_none() -> bool:
    """Whether this process was given no GPU."""
    return os.environ.get(VISIBLE) == ""


def may_answer() -> bool:
    """Whether calls may be answered on the CPU; else the framework's own error stops the script."""
    return os.environ.get("FAENA_GPU") == "cpu"


def hide_if_too_new(framework: str, cuda: Optional[str]) -> str:
    """Hides the GPUs that this process was given where they are too new for `cuda`, such as '10.0'; why, or nothing.

    Raises RuntimeError where the run must have a GPU.
    """
    if not cuda or not os.environ.get(VISIBLE):
        return ""
    import _faena_gpu_age

    why: str = _faena_gpu_age.too_new(framework, cuda, os.environ[VISIBLE])
    if why and not may_answer():
        raise RuntimeError(
            "The run demands a GPU (gpu='require') and {}. Use a newer {}, or gpu='auto'.".format(
                why, framework
            )
        )
    if why:
        os.environ[VISIBLE] = ""
        tell(framework, why + ", and is hidden from it")
    return why


_told = False


def tell(framework: str, why: str = NO_GPU) -> None:
    """Once a run: the processes of a run agree by a file in their spool folder."""
    global _told
    folder = os.environ.get("FAENA_SPOOL")
    if _told or not folder:
        return
    _told = True
    try:
        os.close(os.open(os.path.join(folder, _MARK), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    except FileExistsError:
        return
    except OSError:  # a full disk: rather twice than never
        pass
    import textwrap

    message = _MESSAGE.format(framework, why)
    line = "=" * 79
    sys.stderr.write("{0}\n{1}\n{0}\n".format(line, textwrap.fill("faena: " + message, 79)))
    sys.stderr.flush()
    from faena.script.spool import writer_of

    writer_of(folder).emit("note", {"code": "gpu_on_cpu", "message": message})
