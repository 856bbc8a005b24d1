"""What the answers are made from: the parts of a server that they ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from faena.db import Database
from faena.kernel.clock import Clock, Micros
from faena.objects.contract import ObjectFiles
from faena.objects.service import Objects
from faena.workspaces import store as workspaces
from faena.workspaces.model import WorkspaceFolder

if TYPE_CHECKING:
    from faena.mlflow.callers import Caller
    from faena.mlflow.run_tokens import RunOfToken


@dataclass(slots=True)
class Services:
    database: Database
    objects: Objects
    clock: Clock
    folder: Callable[[], WorkspaceFolder]
    begun: bool = False
    """Whether somebody has spoken MLflow with this server: from then on there is the experiment of who names none."""

    callers: dict[RunOfToken, tuple[float, Caller]] = field(default_factory=dict)
    """Whose the tokens of runs are, and until when that need not be looked up."""

    async def begin(self) -> None:
        if not self.begun:
            now = self.now()
            await self.database.write(
                lambda write: workspaces.create_experiment(write, workspaces.DEFAULT, now)
            )
            self.begun = True

    @property
    def files(self) -> ObjectFiles:
        return self.objects.files

    def now(self) -> Micros:
        return self.clock.now()
