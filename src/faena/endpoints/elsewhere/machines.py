"""What machines are told of the endpoints that they hold, and what they say of them: in memory, as they say it again.

A machine asks and waits, so that no way leads to it but its own; what is asked of a front there goes the same way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from faena.compute.leases import Leases
from faena.endpoints import service
from faena.endpoints.elsewhere.schemas import Held, Question, Report, Said, WantedEndpoint
from faena.kernel.errors import WebserviceException
from faena.kernel.notifications import Notifications
from faena.kernel.questions import Questions, TooMany


def topic(machine: str) -> str:
    """Of what a machine is told."""
    return f"machine:{machine}"


class _Machine:
    def __init__(self) -> None:
        self.wanted: dict[str, WantedEndpoint] = {}
        self.end: frozenset[str] = frozenset()
        self.report: Report | None = None

    def held(self, questions: tuple[Question, ...]) -> Held:
        endpoints = tuple(self.wanted[each] for each in sorted(self.wanted))
        end = tuple(sorted(self.end))
        version = hashlib.sha256(msgspec.json.encode((endpoints, end))).hexdigest()[:16]
        return Held(version, endpoints, end, questions, self.report is None)


class Machines:
    """Of one server, on its event loop. Machines go by their ids."""

    def __init__(self, notifications: Notifications, leases: Leases) -> None:
        self._notifications = notifications
        self._leases = leases
        self._machines: dict[str, _Machine] = {}
        self._questions = Questions[Question](self._tell)

    # The keeper's side

    def want(
        self, machine: str, node: str, wanted: Mapping[str, WantedEndpoint], end: frozenset[str]
    ) -> None:
        """All that a machine is to hold from now on, and what it is to end. `node`: its runner."""
        its = self._its(machine)
        if (dict(wanted), end) != (its.wanted, its.end):
            its.wanted, its.end = dict(wanted), end
            self._tell(machine)
        if wanted or end:
            self._leases.call(node)
        else:
            self._leases.call_off(node)

    def is_wanted(self, machine: str, endpoint: str) -> bool:
        """Whether it is to hold an endpoint, as it was told last."""
        return endpoint in self._its(machine).wanted

    def said(self, machine: str, endpoint: str) -> Said | None:
        """What it said last of an endpoint. None: it has none such, or has said nothing yet."""
        report = self._its(machine).report
        return None if report is None else report.endpoints.get(endpoint)

    def endpoints_on(self, machine: str) -> frozenset[str] | None:
        """Those that it says it has; None: it has said nothing since the server was started."""
        report = self._its(machine).report
        return None if report is None else frozenset(report.endpoints)

    def forget(self, machine: str) -> None:
        """It has been removed."""
        self._machines.pop(machine, None)

    @property
    def known(self) -> list[str]:
        return list(self._machines)

    async def ask(self, machine: str, question: Question, seconds: float) -> bytes:
        """Raises WebserviceException where no answer comes in so many seconds."""
        try:
            return await self._questions.ask(
                machine, lambda named: msgspec.structs.replace(question, id=named), seconds
            )
        except TooMany:
            raise WebserviceException("Too much is asked of its machine at this moment. Try again.") from None
        except TimeoutError:
            raise WebserviceException(
                f"The machine of {_name(question.endpoint)} did not answer within {seconds:g} seconds."
            ) from None

    # The machine's side

    def held_by(self, machine: str) -> Held:
        return self._its(machine).held(self._questions.waiting(machine))

    def take(self, machine: str, report: Report) -> None:
        self._its(machine).report = report
        self._notifications.notify({service.ENDPOINTS})

    def take_questions(self, machine: str, asked: tuple[Question, ...]) -> None:
        """They are on their way to it, and are not told again."""
        self._questions.told(machine, [question.id for question in asked])

    def take_answer(self, machine: str, question: str, answer: bytes) -> None:
        """Nothing happens where nobody waits for it any more."""
        self._questions.answer(machine, question, answer)

    def _its(self, machine: str) -> _Machine:
        return self._machines.setdefault(machine, _Machine())

    def _tell(self, machine: str) -> None:
        self._notifications.notify({topic(machine)})


def _name(endpoint: str) -> str:
    return endpoint.rpartition(".")[0]
