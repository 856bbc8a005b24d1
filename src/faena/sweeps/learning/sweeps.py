"""The sweeps that the sampler's process knows, and its answers."""

from __future__ import annotations

import sys
import traceback
from contextlib import suppress

from faena.kernel.errors import FaenaError, ServiceException
from faena.sweeps.learning import messages
from faena.sweeps.learning.drawing import draw
from faena.sweeps.learning.known import Known
from faena.sweeps.learning.messages import Answer, Forget, Prepare, Refused, TellAll, ToldTell

_MOST = 16
_MOST_TRIALS = 40_000
"""Sweeps that are known at once, and their trials, of 3.5 KB each; those that were told of the longest ago are told
anew when they come again."""


class Sweeps:
    def __init__(self) -> None:
        self._known: dict[str, Known | FaenaError] = {}

    def answer(self, request: messages.Request) -> Answer | None:
        """None: it asks for none."""
        if isinstance(request, ToldTell):
            self._tell(request)
            return None
        if isinstance(request, Forget):
            self._known.pop(request.sweep, None)
            return None
        if isinstance(request, Prepare):
            with suppress(Exception):  # the first draw says what it is
                _made(request.task)  # which loads what it takes
            return None
        known = self._known.get(request.sweep)
        if isinstance(known, FaenaError):
            return Refused(known.code, known.message)
        if known is None or known.revision != request.revision:
            return TellAll()
        try:
            return draw(known, request.number)
        except FaenaError as error:
            return Refused(error.code, error.message)
        except Exception as error:  # noqa: BLE001  whatever Optuna raises belongs to this sweep, not to the others
            traceback.print_exc(file=sys.stderr)
            return Refused(ServiceException.__name__, f"Optuna could not draw a trial: {error!r}")

    def _tell(self, request: ToldTell) -> None:
        name = request.task.sweep
        known = self._known.pop(name, None)
        if request.first and request.base == 0:
            known = _made(request.task)
        if known is None:
            return
        if isinstance(known, Known):
            if known.task != request.task or known.revision != (request.base if request.first else None):
                return
            for told in request.trials:
                known.tell(told)
            known.revision = request.revision if request.last else None
        self._known[name] = known
        while len(self._known) > 1 and (len(self._known) > _MOST or self._count() > _MOST_TRIALS):
            del self._known[next(iter(self._known))]

    def _count(self) -> int:
        return sum(len(known) for known in self._known.values() if isinstance(known, Known))


def _made(task: messages.Task) -> Known | FaenaError:
    try:
        return Known(task)
    except FaenaError as error:
        return error
