"""What a client of MLflow's is told by a process that leaves: to ask again."""

from __future__ import annotations

import pytest

from faena.kernel.errors import FaenaError, ServiceException, StorageFull, WorkspaceGone, WriterStopped
from faena.mlflow.errors import of_ours


@pytest.mark.parametrize("kind", [WorkspaceGone, WriterStopped, StorageFull, ServiceException])
def test_what_passes_is_asked_for_again(kind: type[FaenaError]) -> None:
    assert of_ours(kind("Ask again.")).status == 503
