"""What a pickle holds, without loading it: the class of its object, and the modules that it needs."""

from __future__ import annotations

import bz2
import lzma
import pickletools
import zlib
from collections.abc import Callable
from typing import Any

from msgspec import Struct

PREDICTING = {
    "sklearn": "scikit-learn",
    "xgboost": "xgboost",
    "lightgbm": "lightgbm",
    "catboost": "catboost",
    "imblearn": "imbalanced-learn",
}
"""Packages whose objects have `predict`, and what indexes call them."""
_JOBLIB = "joblib.numpy_pickle"
_BUILDERS = ("copyreg", "copy_reg")
_STRINGS = (
    "SHORT_BINUNICODE",
    "BINUNICODE",
    "UNICODE",
    "BINUNICODE8",
    "SHORT_BINSTRING",
    "BINSTRING",
    "STRING",
)
_NOTHING_YET = ("PROTO", "FRAME", "MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT", "MARK")
_MEMORY = ("BINGET", "LONG_BINGET", "GET")
_MOST = 1 << 20
"""Bytes of the unpacked pickle that are looked at."""
_MOST_STEPS = 100_000
_MOST_MEMORY = 1 << 27
_LAST_PROTOCOL = 5


class Pickled(Struct, frozen=True):
    module: str
    """Of the object's class; empty: it is a container, a number or the like."""
    name: str
    modules: tuple[str, ...]
    """As far as they were seen."""
    is_plain: bool
    """Whether `pickle` loads it: joblib's files with arrays, and compressed ones, only joblib does."""

    @property
    def shown(self) -> str:
        return f"{self.module}.{self.name}" if self.module else self.name


def read(head: bytes) -> Pickled | None:
    """None: no pickle. `head` may end anywhere."""
    packed = _unpacked(head)
    data = head if packed is None else packed
    if len(data) < 3 or data[0] != 0x80 or data[1] > _LAST_PROTOCOL:
        return None
    return _looked_through(data[:_MOST], is_packed=packed is not None)


def _looked_through(data: bytes, *, is_packed: bool) -> Pickled:
    strings: list[str] = []
    memory: dict[int, str] = {}
    found: list[tuple[str, str]] = []
    first, last, is_whole, has_arrays = "", "", False, False
    try:
        for step, (code, value, _) in enumerate(pickletools.genops(data)):
            name = code.name
            if not first and name not in _NOTHING_YET:
                first = name
            if name in _STRINGS:
                strings = [*strings[-1:], str(value)]
            elif name == "MEMOIZE":
                memory[len(memory)] = strings[-1] if strings else ""
            elif name in ("BINPUT", "LONG_BINPUT", "PUT"):
                memory[_number(value)] = strings[-1] if strings else ""
            elif name in _MEMORY:
                strings = [*strings[-1:], memory.get(_number(value), "")]
            elif name in ("GLOBAL", "STACK_GLOBAL"):
                module, _, attribute = str(value).partition(" ") if name == "GLOBAL" else _two(strings)
                found.append((module, attribute))
                if module == _JOBLIB:  # bytes of an array follow, which are no pickle
                    has_arrays = True
                    break
            elif name == "STOP":
                is_whole = True
            elif name not in _NOTHING_YET:
                last = name
            if step > _MOST_STEPS:
                break
    except (ValueError, IndexError, UnicodeDecodeError, OverflowError):
        pass  # the head ends in the middle
    classes = [each for each in found if each[0] not in _BUILDERS]
    of_class = (
        first in ("GLOBAL", *_STRINGS) and bool(classes) and not (is_whole and last.startswith("TUPLE"))
    )
    module, attribute = classes[0] if of_class else ("", _WORDS.get(first, "a tuple or the like"))
    if module in ("builtins", "__builtin__", "numpy", _JOBLIB) or module.startswith("numpy."):
        module, attribute = "", "an array" if module.startswith("numpy") or module == _JOBLIB else attribute
    return Pickled(
        module,
        attribute,
        tuple(dict.fromkeys(each[0] for each in found)),
        is_plain=is_whole and not has_arrays and not is_packed,
    )


_WORDS = {"EMPTY_DICT": "a dictionary", "EMPTY_LIST": "a list", "EMPTY_TUPLE": "a tuple", "NONE": "None"}


def _two(strings: list[str]) -> tuple[str, str, str]:
    return (strings[0], " ", strings[1]) if len(strings) > 1 else ("", " ", "")


def _number(value: Any) -> int:
    return int(value) if value is not None else -1


def _unpacked(head: bytes) -> bytes | None:
    """What joblib compressed, as far as it is looked at; None: it is not compressed."""
    for mark, unpack in _COMPRESSED:
        if head.startswith(mark):
            try:
                return unpack(head)
            except (zlib.error, OSError, EOFError, lzma.LZMAError, ValueError):
                return None
    return None


def _zlib(bits: int) -> Callable[[bytes], bytes]:
    return lambda data: zlib.decompressobj(bits).decompress(data, _MOST)


_COMPRESSED: tuple[tuple[bytes, Callable[[bytes], bytes]], ...] = (
    (b"\x78", _zlib(15)),
    (b"\x1f\x8b", _zlib(31)),
    (b"BZh", lambda data: bz2.BZ2Decompressor().decompress(data, _MOST)),
    (b"\xfd7zXZ", lambda data: lzma.LZMADecompressor(memlimit=_MOST_MEMORY).decompress(data, _MOST)),
    (
        b"\x5d\x00",
        lambda data: lzma.LZMADecompressor(lzma.FORMAT_ALONE, _MOST_MEMORY).decompress(data, _MOST),
    ),
)
