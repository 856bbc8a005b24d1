"""A sweep without a server: its ledger is a list, and what a trial gives is a formula."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from faena.sweeps.learning import messages
from faena.sweeps.learning.messages import Answer, Draw, Drawn, Task, Told
from faena.sweeps.learning.sweeps import Sweeps
from faena.sweeps.schemas import Objective, Sampling
from faena.sweeps.space import Space

TPE, CMAES, GP = Sampling("bayesian"), Sampling("cmaes"), Sampling("bayesian", model="gp")
NSGA2 = Sampling("nsga2", population_size=8)
LOSS = Objective("loss", "minimize")
FLAT = {
    "--x": ["uniform", [-5, 5]],
    "--y": ["uniform", [-5, 5]],
    "--n": ["randint", [10]],
    "--size": ["choice", [[16, 32, 64]]],
}
FORKED = {
    "--x": ["uniform", [-5, 5]],
    "optimizer": [
        "choice",
        [
            [
                {"--opt": "sgd", "--momentum": ["uniform", [0, 1]]},
                {"--opt": "adam", "--beta": ["uniform", [0, 1]]},
            ]
        ],
    ],
}


def task(sampling: Sampling = TPE, space: dict[str, Any] | None = None, **given: Any) -> Task:
    return Task(sweep="s", space=space or FLAT, sampling=sampling, **{"objectives": [LOSS], **given})


def bowl(coordinates: dict[str, float]) -> float:
    """Least at 1 everywhere."""
    return sum((value - 1) ** 2 for value in coordinates.values())


@dataclass
class Ledger:
    """Its revision is the number of changes."""

    task: Task
    value: Callable[[dict[str, float]], float | None] = bowl
    changes: list[Told] = field(default_factory=list)

    def put(self, told: Told) -> None:
        self.changes.append(told)

    def completed(self, number: int, drawn: Drawn) -> None:
        value = self.value(drawn.coordinates)
        self.put(Told(number, drawn.coordinates, "completed", [value], attributes=drawn.attributes))

    def since(self, revision: int) -> list[Told]:
        return list({told.number: told for told in self.changes[revision:]}.values())

    @property
    def revision(self) -> int:
        return len(self.changes)

    async def changes_since(self, revision: int) -> tuple[Sequence[Told], int]:
        return self.since(revision), self.revision


def tell(sweeps: Sweeps, ledger: Ledger, base: int = 0) -> None:
    for body in bodies(ledger.task, base, ledger.revision, ledger.since(base)):
        assert sweeps.answer(messages.request(body)) is None


def bodies(of: Task, base: int, revision: int, trials: Sequence[Told]) -> Iterator[bytes]:
    for frame in messages.telling(of, base, revision, trials):
        yield frame[messages.LENGTH :]


def ask(sweeps: Sweeps, ledger: Ledger, number: int) -> Answer:
    answer = sweeps.answer(Draw("s", ledger.revision, number))
    assert answer is not None
    return messages.answer(messages.frame(answer)[messages.LENGTH :])


def rebuilt(ledger: Ledger, number: int) -> Answer:
    """What a process says that has just started."""
    sweeps = Sweeps()
    tell(sweeps, ledger)
    return ask(sweeps, ledger, number)


def drawn_for(ledger: Ledger, number: int) -> Drawn:
    answer = rebuilt(ledger, number)
    assert isinstance(answer, Drawn), answer
    return answer


def incrementally(ledger: Ledger, count: int) -> list[Drawn]:
    """Trials, one at a time: drawn, told as running, ended, told again."""
    sweeps, drawn, known = Sweeps(), [], 0
    tell(sweeps, ledger)
    for number in range(count):
        answer = ask(sweeps, ledger, number)
        assert isinstance(answer, Drawn), answer
        drawn.append(answer)
        running = Told(number, answer.coordinates, "running", attributes=answer.attributes)
        known = ledger.revision
        ledger.put(running)
        tell(sweeps, ledger, known)
        known = ledger.revision
        ledger.put(replace(running, state="completed", results=[ledger.value(answer.coordinates)]))
        tell(sweeps, ledger, known)
    return drawn


def values(of: Task, drawn: Drawn) -> dict[str, Any]:
    return Space.parse(of.space, of.constraints).at(drawn.coordinates).values
