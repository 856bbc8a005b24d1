"""Standard output and error as a shell expects them: any encoding, a reader that leaves, one that was never there."""

from __future__ import annotations

import codecs
import encodings.ascii
import io
import os
import select
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

HUNG_UP = 141
"""The shell's code of a program whose reader closed the pipe: 128 and SIGPIPE."""

_PLAIN_ASCII = "faena_ascii"


def prepare() -> None:
    """Have what the terminal cannot encode be replaced, and what was closed before the start lead nowhere."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, _nowhere(number))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # click takes a stream of ASCII for one that was set up wrongly, and would write UTF-8 into it
            is_ascii = codecs.lookup(stream.encoding).name == "ascii"
            stream.reconfigure(encoding=_PLAIN_ASCII if is_ascii else None, errors="replace")


def has(letters: str) -> bool:
    """Whether the terminal can show them."""
    try:
        letters.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return False
    return True


def finish() -> None:
    """Write what is still in the buffers. Raises OSError, BrokenPipeError where nobody reads any more."""
    sys.stdout.flush()
    sys.stderr.flush()


def give_up() -> None:
    """What is still in the buffers goes nowhere: the interpreter would try to write it, and complain, as it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(nowhere, number)
    os.close(nowhere)


@contextmanager
def following() -> Iterator[None]:
    """Around what tells as things come: a reader that leaves ends the command at once, not at the next line."""
    try:
        is_ours = sys.stdout.fileno() == 1
    except (OSError, ValueError):
        is_ours = False  # a notebook's, which outlives the command
    mode = os.fstat(1).st_mode if is_ours else 0
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        threading.Thread(target=_end_with_reader, daemon=True).start()
    yield


def write_bytes(parts: Iterator[bytes]) -> None:
    """Text in UTF-8, such as a log: as it is, or in the encoding of the terminal where that is another one."""
    is_same = codecs.lookup(sys.stdout.encoding).name == "utf-8"
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    try:
        for part in parts:
            if is_same:
                sys.stdout.buffer.write(part)
            else:
                sys.stdout.write(decoder.decode(part))
        sys.stdout.write(decoder.decode(b"", final=True))
        sys.stdout.flush()
    except BrokenPipeError:  # where `parts` come from it would be taken for a connection that broke
        give_up()
        sys.exit(HUNG_UP)


def _end_with_reader() -> None:
    waiting = select.poll()
    waiting.register(1, 0)  # a hang-up is told without being asked for
    waiting.poll()
    os._exit(HUNG_UP)


def _nowhere(number: int) -> io.TextIOWrapper:
    """A stream on the null device, under the number of the one that was closed: no file or socket shall get it."""
    opened = os.open(os.devnull, os.O_RDWR)
    if opened != number:
        try:
            os.fstat(number)
        except OSError:
            os.dup2(opened, number)
            os.close(opened)
            opened = number
    return open(opened, "r" if number == 0 else "w", encoding="utf-8", closefd=False)


def _find(name: str) -> codecs.CodecInfo | None:
    if name != _PLAIN_ASCII:
        return None
    found = encodings.ascii.getregentry()
    return codecs.CodecInfo(
        found.encode,
        found.decode,
        found.streamreader,
        found.streamwriter,
        found.incrementalencoder,
        found.incrementaldecoder,
        _PLAIN_ASCII,
    )


codecs.register(_find)
