"""`python -m faena.sweeps.sample`: draws trials for the server that started it, and leaves with it.

Frames come on standard input and are answered on standard output; what there is to say besides is on standard error.
"""

from __future__ import annotations

import os
import queue
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
    requests: queue.SimpleQueue[bytes | ValueError] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, requests), daemon=True).start()
    sweeps = Sweeps()
    while True:
        body = requests.get()
        try:
            if isinstance(body, ValueError):
                raise body
            request = messages.request(body)
        except ValueError as error:
            sys.stderr.write(f"What came cannot be read: {error}\n")
            refused = Refused(ServiceException.__name__, f"The sampler's process was sent nonsense: {error}")
            _write(answers, messages.frame(refused))
            return _BROKEN
        if (answer := sweeps.answer(request)) is not None:
            _write(answers, messages.frame(answer))


def _own_output() -> BinaryIO:
    """Standard output for answers only: what a library prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _read(stream: BinaryIO, requests: queue.SimpleQueue[bytes | ValueError]) -> None:
    """Apart from the work, so that the end of the input ends the process in the middle of a draw, too."""
    try:
        while len(head := stream.read(messages.LENGTH)) == messages.LENGTH:
            size = messages.length(head)
            if len(body := stream.read(size)) < size:
                break
            requests.put(body)
    except ValueError as error:
        requests.put(error)
        return
    os._exit(0)


def _write(answers: BinaryIO, frame: bytes) -> None:
    try:
        answers.write(frame)
        answers.flush()
    except OSError:  # the server has died
        os._exit(0)


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    os._exit(status)  # the reader may still wait for input, which Python would abort at
