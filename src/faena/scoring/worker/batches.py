"""Several requests as one call: their rows one behind the other, or as a list for `run_batch`."""

from __future__ import annotations

import sys

from .answers import Said
from .failures import answer_to
from .jobs import OF_A_CALL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .calling import Calling
    from .jobs import Job, Jobs


class Batches:
    """`most`: rows of a call."""

    def __init__(self, calling: Calling, jobs: Jobs, most: int) -> None:
        self._calling = calling
        self._jobs = jobs
        self._most = most
        self._told = False

    def parts(self, jobs: list[Any]) -> list[list[Any]]:
        """Those that are run together; one with more rows than a call may have is run alone."""
        parts: list[list[Any]] = []
        room = 0
        modes: set[str] = set()
        for job in jobs:
            is_answer = isinstance(job, Said)
            rows = 1 if is_answer else self.rows(job)
            if not is_answer:
                modes.add(_mode(job))
            if rows > room or not parts or len(modes) > 1:
                parts.append([])
                room = self._most
                modes = set() if is_answer else {_mode(job)}
            parts[-1].append(job)
            room -= rows
        return parts

    def rows(self, job: Job) -> int:
        if not self._calling.rows:
            return 1
        first = next(iter(job[1].values()))
        return max(1, len(first)) if getattr(first, "shape", ()) else 1

    def answer(self, jobs: list[Job]) -> list[bytes | Said]:
        """Of each; where the batch fails they are run one by one, so that what one of them does costs no other."""
        if len(jobs) == 1:
            return [self._jobs.run_alone(jobs[0])]
        try:
            results = self._together(jobs)
        except BaseException as error:
            self._tell(error)
            return [self._jobs.run_alone(job) for job in jobs]
        return [_finished(job, result) for job, result in zip(jobs, results)]

    def _together(self, jobs: list[Job]) -> list[Any]:
        if self._calling.run_batch is not None:
            results = self._calling.run_batch([job[0][0] for job in jobs])
            if not isinstance(results, (list, tuple)) or len(results) != len(jobs):
                raise ValueError("run_batch() returned no list of {} results".format(len(jobs)))
            return list(results)
        counts = [self.rows(job) for job in jobs]
        named = {
            name: _joined([job[1][name] for job in jobs]) for name in jobs[0][1] if name not in OF_A_CALL
        }
        named.update({name: jobs[0][1][name] for name in OF_A_CALL if name in jobs[0][1]})
        result = self._calling.run(**named)
        return _split(result, counts)

    def _tell(self, error: BaseException) -> None:
        if not self._told:
            self._told = True
            sys.stderr.write(
                "A batch failed ({}: {}): its requests are run one by one. This is told once.\n".format(
                    type(error).__name__, error
                )
            )


def _finished(job: Job, result: Any) -> bytes | Said:
    try:
        if isinstance(result, BaseException):
            raise result
        return job[2](result)
    except BaseException as error:
        return answer_to(error)


def _mode(job: Job) -> str:
    """What those that are run together have alike; an object that goes to the model as it is goes alone."""
    if any(isinstance(value, dict) for name, value in job[1].items() if name not in OF_A_CALL):
        return "alone {}".format(id(job))
    return repr([job[1].get(name) for name in OF_A_CALL])


def _joined(values: list[Any]) -> Any:
    if hasattr(values[0], "columns"):
        import pandas

        return pandas.concat(values, ignore_index=True)
    import numpy

    if any(value.shape[1:] != values[0].shape[1:] or value.dtype != values[0].dtype for value in values):
        raise ValueError("their rows differ in shape or type")
    return numpy.concatenate(values)


def _split(result: Any, counts: list[int]) -> list[Any]:
    """Raises ValueError where it is not a row for each that was given."""
    total = sum(counts)
    if not (isinstance(result, (list, tuple)) or hasattr(result, "__array__")) or len(result) != total:
        raise ValueError("run() returned no row for each of the {} that it was given".format(total))
    rows = result.iloc if hasattr(result, "iloc") else result
    parts, at = [], 0
    for count in counts:
        parts.append(rows[at : at + count])
        at += count
    return parts
