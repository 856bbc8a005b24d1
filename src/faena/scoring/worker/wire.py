"""How a front and its worker speak: frames over a socket, and memory that both have mapped.

The front sends requests as frames. The worker takes them in their order, writes into the shared memory which one it
runs, and puts each answer into a ring behind that; a byte on the socket says that there are some. So whatever happens
to the worker, its front knows of each request whether it was answered, running, or never begun.
"""

from __future__ import annotations

import struct

VERSION = 1

HEAD = struct.Struct("<IBBHQdI")
"""Of a frame to the worker: length of all that follows this field, version, kind, length of the request's id, number,
deadline (monotonic seconds), length of the description. The id, the description (JSON or empty) and the body follow.

Numbers are a worker's own and go up by one: it answers in their order.
"""
LENGTH = struct.Struct("<I")
LENGTH_BYTES = 4
LONGEST = (1 << 32) - 1 - HEAD.size

SCORE, INVOCATIONS, INFER = 1, 2, 3
BEGIN, STOP = 16, 17
"""Kinds. BEGIN is the first frame: its description says what to load. STOP: answer what came before, then leave."""
MORE = 0x40
"""Added to a request's kind: the next one belongs to the same batch."""

REPORT = struct.Struct("<IBBQ")
"""Of a frame to the front: length of all that follows this field, version, kind, number of the request or 0."""
BELL, READY, BROKEN, LARGE = 0, 1, 2, 3
"""BELL: answers are in the ring. READY and BROKEN: what `init()` came to, JSON. LARGE: an answer that does not go into
the ring: what a record holds, behind its number."""

PAGE = 4096
"""Bytes before the ring. In it are unsigned 64-bit numbers (times are doubles), at these indices:"""
RUNNING = 0
"""The last request that was begun."""
SINCE = 1
"""When it was begun, monotonic seconds."""
FIRST, LAST = 2, 3
"""Where several are begun before they are run together: those that run. FIRST is 0 where RUNNING says it."""
REVOKED = 7
"""Written by the front: requests up to this one that have not been begun are not to be."""
HEAD_AT = 8
"""Bytes that the worker has put into the ring, ever."""
TAIL_AT = 16
"""Written by the front: bytes that it has taken out. (Cells of different writers do not share a cache line.)"""

SENT = 17
"""Written by the front: the last request that it has written to the socket."""
LOOKING = 18
"""Written by the front: 1 while it looks into the ring by itself, and needs no bell."""

RING = 1 << 20
"""A power of two."""
RECORD = struct.Struct("<QIIIIHBB4x")
"""Of an answer: number, length of the record with padding (0: the rest of the ring is empty, go on at its beginning),
microseconds that it ran, length of the body, length of the description, status, flags, rows in its batch (up to 255).
The description (JSON: content type and headers; or empty) and the body follow; a record's length is a multiple of 32.
"""
LARGEST_ANSWER = 1 << 30
LARGEST = RING // 4
"""A record with more goes over the socket."""
NOT_BEGUN = 0
"""As a status: the request had been revoked. It may have been the one in RUNNING when the front looked, which then has
it for begun: without this it would wait for an answer for ever, and those behind it, too."""
RAISED = 1
"""Flags: `run` raised, or what it returned is no answer."""
