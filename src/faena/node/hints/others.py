"""Advice for everything else that a script commonly ends with."""

from __future__ import annotations

import re

from faena.kernel.python36 import versions
from faena.node.hints.reading import Raised
from faena.node.hints.world import World

_PYTHON_2 = (
    "Missing parentheses in call to",
    "multiple exception types must be parenthesized",
    "leading zeros in decimal integer",
    "invalid token",
)
_OLD_STATEMENT = re.compile(
    r"^[ \t]*(?:(?:print|exec)[ \t]+[^(=\s]|except[ \t]+\w+[ \t]*,[ \t]*\w+[ \t]*:|raise[ \t]+\w+[ \t]*,)",
    re.MULTILINE,
)
_NEWER = (
    ((3, 7), re.compile(r"future feature annotations is not defined")),
    ((3, 8), re.compile(r"\w[ \t]*:=|[(,][ \t]*/[ \t]*[,)]|f['\"][^'\"\n]*\{[\w.]+=[}!:]")),
    ((3, 10), re.compile(r"^[ \t]*match[ \t]+[^=\n]*:[ \t]*(?:#.*)?$", re.MULTILINE)),
    ((3, 11), re.compile(r"^[ \t]*except[ \t]*\*", re.MULTILINE)),
    ((3, 12), re.compile(r"^[ \t]*type[ \t]+\w+[ \t]*=", re.MULTILINE)),
)
"""From which Python on what a script writes can be read, with what it looks like."""
_ASYNC = re.compile(
    r"\b(?:async|await)[ \t]*[=,).:]|[.,(=][ \t]*(?:async|await)\b|^[ \t]*import[ \t]+async\b", re.MULTILINE
)
_MAGIC = re.compile(r"^[ \t]*[%!][ \t]?\w", re.MULTILINE)
_FROM_ENVIRON = re.compile(r"os\.environ\[|<frozen os>|[/\\]os\.py\"")
_NO_GPU = (
    "Found no NVIDIA driver",
    "Torch not compiled with CUDA enabled",
    "torch.cuda.is_available() is False",
    "No CUDA GPUs are available",
    "no CUDA-capable device",
    "cudaErrorNoDevice",
    "CUDA driver version is insufficient",
    "cudaErrorInsufficientDriver",
    "CUDA environment is not correctly set up",
    "CuPy is not correctly installed",
)
_NO_NETWORK = (
    "Temporary failure in name resolution",
    "Name or service not known",
    "nodename nor servname",
    "Network is unreachable",
    "getaddrinfo failed",
)


def advise(raised: Raised, world: World) -> str | None:
    text = raised.message
    if (raised.kind == "EOFError" and "reading a line" in text) or raised.kind in ("BdbQuit", "Abort"):
        return NO_TERMINAL
    if "Inappropriate ioctl for device" in text:
        return NO_TERMINAL
    if "$DISPLAY" in text or "headless" in text:
        return (
            "No screen stands behind a run: draw with matplotlib.use('Agg') and savefig('outputs/…'), or "
            "run.log_image."
        )
    if raised.kind in ("SyntaxError", "IndentationError", "TabError"):
        return _of_syntax(raised, world)
    if raised.kind == "KeyError" and _FROM_ENVIRON.search(raised.traceback):
        name = text.strip("'\"")
        return (
            f"The run has no environment variable {name[:100]}: only a documented list is passed on from where "
            "it was submitted "
            f"(docs/environment-variables.md). Give it with --env {name[:100]} (environment_variables)."
        )
    if raised.kind == "OutOfMemoryError" or "CUDA out of memory" in text:
        return "The GPU's memory is full: use a smaller batch or model."
    if raised.kind in ("MemoryError", "_ArrayMemoryError") or "Unable to allocate" in text:
        return (
            "There is not enough memory: use a smaller batch, read the data in parts, or run fewer nodes at "
            "once (max_nodes)."
        )
    if any(sign in text for sign in _NO_GPU):
        return _no_gpu(world)
    return _of_versions_and_networks(raised, world)


NO_TERMINAL = (
    "No terminal stands behind a run, so that nobody can answer input(), a password prompt or a debugger. Give "
    "the value as an "
    "argument of the script or as an environment variable (--env)."
)


def _of_syntax(raised: Raised, world: World) -> str | None:
    if _MAGIC.search(raised.traceback):
        return (
            "A line that begins with % or ! is a notebook's: submit the notebook itself (.ipynb), or take "
            "the line out."
        )
    if any(sign in raised.message for sign in _PYTHON_2) or _OLD_STATEMENT.search(raised.traceback):
        return (
            "That is Python 2, and runs have Python 3: convert it (`2to3 -w`, which Python has up to 3.12)."
        )
    python = versions.minor_of(world.python)
    for since, form in _NEWER:
        if python is not None and python < since and form.search(f"{raised.traceback}\n{raised.message}"):
            return (
                f"That is written for Python {_told(since)} or newer, and this one is {_told(python)}: have the run "
                f"use a newer one (--python '>={_told(since)}', or another --interpreter)."
            )
    if python is not None and python >= (3, 7) and _ASYNC.search(raised.traceback):
        return (
            "`async` and `await` are no names since Python 3.7: rename them, take a newer version of the package that "
            "has them, or have the run use Python 3.6."
        )
    if raised.kind == "TabError":
        return "Tabs and blanks are mixed in front of lines, which Python 3 refuses: use one of them."
    return None


def _told(version: tuple[int, int]) -> str:
    return "{}.{}".format(*version)


def _no_gpu(world: World) -> str:
    if world.gpu == "none":
        return (
            "The run asked for no GPU, and so it sees none: --use-gpu (use_gpu=True). Where there is none, calls of "
            "Chainer, PyTorch and TensorFlow are answered on the CPU then; or have the script look "
            "(torch.cuda.is_available())."
        )
    return "There is no GPU that it could use here: have the script look (torch.cuda.is_available()) and use the CPU."


def _of_versions_and_networks(raised: Raised, world: World) -> str | None:
    text = raised.message
    if any(sign in text for sign in _NO_NETWORK):
        return (
            "The machine cannot reach that name. A proxy is passed on from where the run is submitted "
            "(https_proxy), or given "
            "with --env https_proxy=…."
        )
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return (
            "The certificate of the other side is not known: --env SSL_CERT_FILE=… (and REQUESTS_CA_BUNDLE) "
            "name whom to trust."
        )
    if raised.kind == "TypeError" and "'Loader'" in text:
        return f"Use yaml.safe_load, or ask for an older PyYAML with {world.pinning('pyyaml<6')}."
    if raised.kind == "TypeError" and "Descriptors cannot" in text:
        return f"The package needs an older protobuf: {world.pinning('protobuf<3.21')}."
    return None
