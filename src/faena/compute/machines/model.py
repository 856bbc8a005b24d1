"""Machines. No I/O."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Struct, field

from faena.compute.machines.schemas import JoinRequest
from faena.compute.model import MAX_CORES
from faena.kernel.clock import Micros
from faena.kernel.errors import UserErrorException

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._\-]{0,61}[A-Za-z0-9])?", re.ASCII)
_ADDRESS = re.compile(r"[A-Za-z0-9.:\-_%]{0,255}", re.ASCII)
_MOST_LABELS, _LONGEST_LABEL = 64, 255
_MOST_GPUS = 64


class Told(Struct, frozen=True, gc=False):
    """What a machine says of itself when it joins."""

    cores: int
    gpus: tuple[str, ...] = ()
    memory_bytes: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    address: str = ""
    version: str = ""
    python: str = ""
    platform: str = ""
    temporary: bool = False


class Machine(Struct, frozen=True):
    """A host that joined. `node`: the runner that it has now, or had last."""

    id: str
    cluster: str
    name: str
    token: str
    """The digest of its own token."""
    node: str | None
    told: Told
    draining: bool
    joined_at: Micros
    heard_at: Micros


def told_by(asked: JoinRequest, seen_at: str) -> Told:
    """`seen_at`: the address that its request came from. Raises UserErrorException for what cannot be."""
    _check(
        bool(_NAME.fullmatch(asked.name)), "name", asked.name, "letters, digits, '.', '_' and '-', 1 to 63"
    )
    _check(1 <= asked.cores <= MAX_CORES, "cores", asked.cores, f"a whole number from 1 to {MAX_CORES}")
    _check(0 <= asked.memory_bytes < 1 << 62, "memory_bytes", asked.memory_bytes, "bytes")
    _check(bool(_ADDRESS.fullmatch(asked.address)), "address", asked.address, "a host name or an address")
    whole = all(gpu and len(gpu) <= 64 and gpu.isprintable() and "," not in gpu for gpu in asked.gpus)
    _check(
        whole and len(asked.gpus) <= _MOST_GPUS,
        "gpus",
        list(asked.gpus),
        f"up to {_MOST_GPUS} indexes or UUIDs",
    )
    _check_labels(asked.labels)
    return Told(
        asked.cores,
        asked.gpus,
        asked.memory_bytes,
        asked.labels,
        asked.address or seen_at,
        asked.version[:64],
        asked.python[:32],
        asked.platform[:64],
        asked.temporary,
    )


def _check_labels(labels: dict[str, str]) -> None:
    if len(labels) > _MOST_LABELS:
        raise UserErrorException(f"{len(labels)} labels are too many: a machine has up to {_MOST_LABELS}.")
    for key, value in labels.items():
        if not all(0 < len(each) <= _LONGEST_LABEL and each.isprintable() for each in (key, value)):
            raise UserErrorException(
                f"The label {f'{key}={value}'[:80]!a} cannot be shown: key and value have 1 to {_LONGEST_LABEL} "
                "characters, in one line."
            )


def _check(is_so: bool, field: str, given: Any, rule: str) -> None:
    if not is_so:
        raise UserErrorException(f"{field} of a machine that joins is {ascii(given)[:120]}. Use {rule}.")


def encoded(told: Told) -> bytes:
    return msgspec.json.encode(told)


def decoded(told: bytes | str) -> Told:
    """What cannot be read any more is not known."""
    try:
        return msgspec.json.decode(told, type=Told)
    except msgspec.MsgspecError:
        return Told(1)
