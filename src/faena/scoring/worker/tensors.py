"""The Open Inference Protocol, version 2: tensors as JSON or as bytes behind it."""

from __future__ import annotations

import functools
import json

from . import answers, outputs
from .answers import BadInput, Said
from .datatypes import CODES, NUMPY, numpy
from .inputs import Named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Sequence

_KEPT = 4096
LENGTH_HEADER = "inference-header-content-length"


class Asked:
    """One request: its tensors, and how they want the answer."""

    def __init__(self, header_length: str | None, path: str, body: bytes) -> None:
        """Raises BadInput."""
        head, rest = _parts(header_length, body)
        self._head = _object(head) if header_length is None or len(head) > _KEPT else _known(head)
        inputs = self._head.get("inputs")
        if not isinstance(inputs, list) or not inputs or not all(isinstance(each, dict) for each in inputs):
            raise BadInput("inputs is a list of tensors, each with name, shape, datatype and data.")
        self._rest = memoryview(rest)
        names = [str(each.get("name")) for each in inputs]
        if len(set(names)) < len(names):
            raise BadInput("inputs names a tensor twice.")
        self.given = Named(dict(zip(names, map(self._tensor, inputs))))
        if len(self._rest):
            raise BadInput("{:,} bytes behind the last tensor belong to none.".format(len(self._rest)))
        parts = path.split("/")
        self._model = parts[3] if len(parts) > 3 else ""
        self._version = parts[5] if len(parts) > 5 and parts[4] == "versions" else None

    def answer(self, result: Any, known: Sequence[str] = ()) -> bytes | Said:
        """`known`: how the model calls its outputs. Raises NotJson, and BadInput for an output that there is not."""
        wanted = self._wanted()
        tensors: list[dict[str, Any]] = []
        raw: list[bytes] = []
        found = outputs.named(result, wanted, known)
        strange = [name for name in wanted or () if name not in found]
        if strange:
            raise BadInput("There is no output {!r}: there is {}.".format(strange[0][:80], ", ".join(found)))
        for name, value in found.items():
            if wanted is not None and name not in wanted:
                continue
            binary = self._binary if wanted is None or wanted[name] is None else wanted[name]
            tensors.append(outputs.described(name, value, raw if binary else None))
        said: dict[str, Any] = {"model_name": self._model, "outputs": tensors}
        if self._version is not None:
            said["model_version"] = self._version
        if "id" in self._head:
            said["id"] = self._head["id"]
        head = answers.text(said).encode()
        if not raw:
            return head
        headers = [("Inference-Header-Content-Length", str(len(head)))]
        return Said(200, b"".join([head, *raw]), "application/octet-stream", headers)

    @property
    def _binary(self) -> bool:
        parameters = self._head.get("parameters")
        return isinstance(parameters, dict) and bool(parameters.get("binary_data_output"))

    def _wanted(self) -> dict[str, bool | None] | None:
        """The outputs that were asked for by name, and whether as bytes."""
        listed = self._head.get("outputs")
        if not isinstance(listed, list) or not listed:
            return None
        found: dict[str, bool | None] = {}
        for each in listed:
            if not isinstance(each, dict) or not isinstance(each.get("name"), str):
                raise BadInput("outputs is a list of objects with a name.")
            parameters = each.get("parameters")
            found[each["name"]] = parameters.get("binary_data") if isinstance(parameters, dict) else None
        return found

    def _tensor(self, told: dict[str, Any]) -> Any:
        name, shape, kind = told.get("name"), told.get("shape"), told.get("datatype")
        if not isinstance(name, str) or (kind not in NUMPY and kind != "BYTES"):
            raise BadInput(
                "The tensor {!r} has the datatype {!r}: use BYTES, {}.".format(name, kind, ", ".join(NUMPY))
            )
        if not isinstance(shape, list) or not all(type(each) is int and each >= 0 for each in shape):
            raise BadInput("The shape of tensor {!r} is not a list of whole numbers.".format(name))
        count = 1
        for each in shape:
            count *= each
        parameters = told.get("parameters")
        size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
        if size is not None:
            return self._binary_tensor(name, kind, shape, count, size)
        if "data" not in told:
            raise BadInput("The tensor {!r} has neither data nor binary_data_size.".format(name))
        return _json_tensor(name, kind, shape, count, told["data"])

    def _binary_tensor(self, name: str, kind: str, shape: list[int], count: int, size: Any) -> Any:
        if type(size) is not int or not 0 <= size <= len(self._rest):
            raise BadInput(
                "The tensor {!r} has {!r} bytes, and {:,} are left.".format(name, size, len(self._rest))
            )
        data, self._rest = self._rest[:size], self._rest[size:]
        if kind == "BYTES":
            return _shaped(_texts(name, bytes(data), count), shape)
        wanted = count * _size(kind)
        if size != wanted:
            raise BadInput(
                "The tensor {!r} has {:,} bytes, and {:,} are {} of shape {}.".format(
                    name, size, wanted, kind, shape
                )
            )
        library = numpy()
        if library is not None:
            try:
                return library.frombuffer(data, NUMPY[kind]).reshape(shape)
            except (ValueError, OverflowError) as error:  # more dimensions, or longer ones, than numpy has
                raise BadInput("The tensor {!r} cannot be: {}.".format(name, error)) from None
        import struct

        return _shaped(list(struct.unpack("<{}{}".format(count, CODES[kind]), data)), shape)


def _parts(header_length: str | None, body: bytes) -> tuple[bytes, bytes]:
    if header_length is None:
        return body, b""
    if not (header_length.isascii() and header_length.isdigit()) or int(header_length[:20]) > len(body):
        raise BadInput(
            "Inference-Header-Content-Length is {!r} of {:,} bytes.".format(header_length[:40], len(body))
        )
    length = int(header_length)
    return body[:length], body[length:]


@functools.lru_cache(maxsize=16)
def _known(text: bytes) -> dict[str, Any]:
    """Before tensors as bytes the same comes again and again. Nobody changes what comes back."""
    return _object(text)


def _object(text: bytes) -> dict[str, Any]:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput("The body is not JSON: {}.".format(error)) from None
    if not isinstance(said, dict):
        raise BadInput("The body is no JSON object with inputs.")
    return said


def _size(kind: str) -> int:
    import struct

    return struct.calcsize("<" + CODES[kind])


def _json_tensor(name: str, kind: str, shape: list[int], count: int, data: Any) -> Any:
    flat: list[Any] = []
    outputs.flatten(data, flat, count)
    if len(flat) != count:
        raise BadInput(
            "The tensor {!r} has {:,} values; its shape {} has {:,}.".format(name, len(flat), shape, count)
        )
    library = numpy() if kind != "BYTES" else None
    if library is None:
        return _shaped(flat, shape)
    try:
        made = library.array(flat, NUMPY[kind]).reshape(shape)
        if made.dtype.kind in "iu" and any(type(each) is float for each in flat):
            cut = [each for each, whole in zip(flat, made.reshape(-1).tolist()) if each != whole]
            if cut:
                raise ValueError("{!r} is no whole number".format(cut[0]))
        return made
    except (TypeError, ValueError, OverflowError) as error:
        raise BadInput("The tensor {!r} is no {}: {}.".format(name, kind, error)) from None


def _texts(name: str, data: bytes, count: int) -> list[str]:
    found: list[str] = []
    at = 0
    while at + 4 <= len(data) and len(found) < count:
        length = int.from_bytes(data[at : at + 4], "little")
        found.append(data[at + 4 : at + 4 + length].decode("utf-8", "replace"))
        at += 4 + length
    if at != len(data) or len(found) != count:
        raise BadInput(
            "The bytes of tensor {!r} are not {:,} texts, each behind its length.".format(name, count)
        )
    return found


def _shaped(flat: list[Any], shape: list[int]) -> Any:
    for size in reversed(shape[1:]):
        flat = [flat[at : at + size] for at in range(0, len(flat), size)] if size else []
    return flat
