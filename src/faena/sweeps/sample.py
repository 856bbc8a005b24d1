"""`python -m faena.sweeps.sample`: draws trials for the server that started it, and leaves with it.

Frames come on standard input and are answered on standard output; what there is to say besides is on standard error.
"""

from __future__ import annotations

import os
import select
import sys
import threading
from typing import BinaryIO

from faena.kernel.errors import ServiceException
from faena.sweeps.learning import messages
from faena.sweeps.learning.messages import Refused
from faena.sweeps.learning.sweeps import Sweeps

_BROKEN = 2


def main() -> int:
    answers = _own_output()
    requests = sys.stdin.buffer
    threading.Thread(target=_leave_at_end, args=(requests.fileno(),), daemon=True).start()
    sweeps = Sweeps()
    while True:
        try:
            request = _next(requests)
        except ValueError as error:
            sys.stderr.write(f"What came cannot be read: {error}\n")
            refused = Refused(ServiceException.__name__, f"The sampler's process was sent nonsense: {error}")
            _write(answers, messages.frame(refused))
            return _BROKEN
        if request is None:
            return 0
        if (answer := sweeps.answer(request)) is not None:
            _write(answers, messages.frame(answer))


def _own_output() -> BinaryIO:
    """Standard output for answers only: what a library prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _leave_at_end(stream: int) -> None:
    """When nobody can ask any more: in the middle of a draw, too, which nobody would take."""
    ends = select.poll()
    ends.register(stream, 0)  # it is told when the other end is closed, and of nothing else
    ends.poll()
    os._exit(0)


def _next(stream: BinaryIO) -> messages.Request | None:
    """None: there is no more. Raises ValueError."""
    head = stream.read(messages.LENGTH)
    if len(head) < messages.LENGTH:
        return None
    size = messages.length(head)
    body = stream.read(size)
    return messages.request(body) if len(body) == size else None


def _write(answers: BinaryIO, frame: bytes) -> None:
    try:
        answers.write(frame)
        answers.flush()
    except OSError:  # the server has died
        os._exit(0)


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    os._exit(status)  # without taking down what it has loaded
