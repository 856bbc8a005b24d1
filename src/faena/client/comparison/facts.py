"""Asks the server what is to be compared, and no more than that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from faena.client.api import ServerApi
from faena.client.comparison.run_comparison import RunComparison
from faena.comparison import code, packages, values
from faena.comparison.model import SECTIONS, Section
from faena.data.schemas import SnapshotFile
from faena.kernel.errors import NotFound, UserErrorException
from faena.runs.schemas import RunView
from faena.runs.submission_schemas import Submission


def compare(api: ServerApi, left: str, right: str, only: Sequence[str] | None = None) -> RunComparison:
    """What differs between two runs: in all sections, or in those of `only`, in this order.

    Raises NotFound for a run that is not there, UserErrorException for a section that there is not.
    """
    if isinstance(only, str):
        only = [only]
    for name in only or ():
        if name not in SECTIONS:
            raise UserErrorException(f"{name[:80]!r} is no section. Use one of: {', '.join(SECTIONS)}.")
    asked = _Asked(api, api.run(left), api.run(right))
    chosen = [name for name in SECTIONS if not only or name in only]
    return RunComparison(left, right, tuple(_HOW[name](asked) for name in chosen))


@dataclass(slots=True)
class _Asked:
    """Two runs; what several sections need is asked once."""

    api: ServerApi
    left: RunView
    right: RunView
    _submissions: tuple[Submission, Submission] | None = None

    @property
    def submissions(self) -> tuple[Submission, Submission]:
        if self._submissions is None:
            records = self.api.records
            self._submissions = records.submission(self.left.id), records.submission(self.right.id)
        return self._submissions

    def code(self) -> Section:
        if self.left.snapshot == self.right.snapshot:
            files = self._files(self.left)
            return Section("code", (), len(files), "" if files else "Neither run has a snapshot.")
        return code.compare(self._files(self.left), self._files(self.right), self._bytes)

    def _bytes(self, digest: str) -> bytes | None:
        try:
            return self.api.records.object(digest)
        except NotFound:  # collected, or lost
            return None

    def _files(self, run: RunView) -> Sequence[SnapshotFile]:
        return self.api.records.snapshot(run.snapshot) if run.snapshot else ()

    def packages(self) -> Section:
        return packages.compare(self._lock(self.left), self._lock(self.right))

    def _lock(self, run: RunView) -> dict[str, Any] | None:
        return self.api.records.lock(run.id) if run.lock else None

    def metrics(self) -> Section:
        ranges = self.api.records.metric_ranges
        return values.metrics(ranges(self.left.id), ranges(self.right.id))


_HOW: dict[str, Callable[[_Asked], Section]] = {
    "status": lambda asked: values.status(asked.left, asked.right),
    "code": _Asked.code,
    "git": lambda asked: values.git(*asked.submissions),
    "packages": _Asked.packages,
    "arguments": lambda asked: values.arguments(*asked.submissions),
    "variables": lambda asked: values.variables(*asked.submissions),
    "data": lambda asked: values.data(*asked.submissions),
    "machine": lambda asked: values.machine(asked.left, asked.right, asked.submissions),
    "phases": lambda asked: values.phases(asked.left.phases, asked.right.phases),
    "metrics": _Asked.metrics,
}
