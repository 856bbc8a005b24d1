"""What is streamed is damaged: an answer says so, where that is known before its first byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from faena.kernel.errors import ObjectDamaged
from faena.objects.service import begun


async def _parts(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        if not part:
            raise ObjectDamaged("damaged")
        yield part


async def _whole(*parts: bytes) -> bytes:
    return b"".join([part async for part in await begun(_parts(*parts))])


def test_all_parts_come_in_their_order() -> None:
    assert asyncio.run(_whole(b"a", b"b", b"c")) == b"abc"
    assert asyncio.run(_whole()) == b""


def test_a_first_part_that_is_damaged_is_told_before_anything_is_sent() -> None:
    with pytest.raises(ObjectDamaged):
        asyncio.run(begun(_parts(b"")))
