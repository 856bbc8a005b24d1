"""What a sampler attaches to a trial: CMA-ES keeps its optimizer there, and its generation, as NSGA-II does.

Kept by the server as bytes that it does not look into. The optimizer is a pickle, which Optuna loads: so it is looked
through here first, since a ledger may have come from elsewhere.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from faena.sweeps.space import Dimension

_PREFIXES = ("cma:", "nsga2:")
_OPTIMIZER = "cma:optimizer:"
_PART = 2045
"""Optuna keeps a text of hexadecimal digits in parts of so many."""
_ALLOWED = {
    "cmaes._cma": {"CMA"},
    "numpy": {"ndarray", "dtype"},
    "numpy.core.multiarray": {"_reconstruct", "scalar"},
    "numpy._core.multiarray": {"_reconstruct", "scalar"},
    "numpy._core.numeric": {"_frombuffer"},
}


class _Kept(msgspec.Struct):
    layout: str
    system: dict[str, Any]
    optimizer: bytes = b""


def layout(dimensions: Sequence[Dimension]) -> str:
    """An optimizer belongs to the bounds that it was made with: with others it would be led astray."""
    text = repr([(each.name, each.kind, each.low, each.high) for each in dimensions])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def encode(system: Mapping[str, Any], layout: str) -> bytes:
    kept = {key: value for key, value in system.items() if key.startswith(_PREFIXES)}
    parts = [key for key in kept if key.startswith(_OPTIMIZER)]
    digits = "".join(kept.pop(f"{_OPTIMIZER}{place}") for place in range(len(parts)))
    if not kept and not digits:
        return b""
    return msgspec.msgpack.encode(_Kept(layout, kept, _without_leftovers(bytes.fromhex(digits))))


def decode(attributes: bytes, layout: str) -> dict[str, Any]:
    """Nothing where they are of another space, or were not made by `encode`."""
    if not attributes:
        return {}
    try:
        kept = msgspec.msgpack.decode(attributes, type=_Kept)
        if kept.optimizer:
            _Careful(io.BytesIO(kept.optimizer)).load()
    except Exception:  # noqa: BLE001  unpickling raises whatever it likes; without them CMA-ES starts anew
        return {}
    if kept.layout != layout or any(key.startswith(_OPTIMIZER) for key in kept.system):
        return {}
    digits = kept.optimizer.hex()
    parts = [digits[start : start + _PART] for start in range(0, len(digits), _PART)]
    return kept.system | {f"{_OPTIMIZER}{place}": part for place, part in enumerate(parts)}


def _without_leftovers(optimizer: bytes) -> bytes:
    """cmaes keeps values for a stopping rule that Optuna does not use in an array which it never clears: whatever was
    in the process's memory there would go into the ledger, and the same draw be other bytes each time."""
    if not optimizer:
        return b""
    loaded = _Careful(io.BytesIO(optimizer)).load()
    if (values := getattr(loaded, "_funhist_values", None)) is not None:
        values[:] = 0
    return pickle.dumps(loaded)


class _Careful(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if name in _ALLOWED.get(module, ()):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no part of an optimizer")
