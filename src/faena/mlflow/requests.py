"""What several requests have in common."""

from __future__ import annotations

from msgspec import Struct

from faena.mlflow.errors import missing_value


class ById(Struct):
    """Of a run, by either of its names for its id."""

    run_id: str | None = None
    run_uuid: str | None = None

    @property
    def id(self) -> str:
        """Raises MlflowError where there is none."""
        self.check()
        return self.run_id or self.run_uuid or ""

    def check(self) -> None:
        """The same."""
        if not (self.run_id or self.run_uuid):
            raise missing_value("run_id")
