"""What cannot be started in several processes is refused when it is submitted."""

from __future__ import annotations

from typing import Any

import pytest

from faena.kernel.errors import FaenaError
from faena.runs import distribution
from faena.runs.submission_schemas import Distributed, Submission

MPI = Distributed("mpi", 2)
TORCH = Distributed("torch", 2)


def submission(**given: Any) -> Submission:
    return Submission(**{"experiment": "e", "snapshot": "0" * 64, "script": "t.py", "cluster": "c", **given})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"distributed": MPI, "script": "train.sh"}, "is no script of Python"),
        ({"distributed": MPI, "script": "./a.out", "entry": "program"}, "is no script of Python"),
        ({"distributed": TORCH, "script": "n.ipynb"}, "cannot run in several processes"),
        ({"distributed": TORCH, "warm": True}, "ranks are started cold"),
        ({"distributed": Distributed("mpi", 0)}, "process_count_per_node is 0"),
        ({"distributed": Distributed("mpi", 257)}, "Use 1 to 256"),
        ({"distributed": Distributed("mpi", 256), "node_count": 100}, "are 25,600 ranks; 10,000 can be"),
        ({"distributed": Distributed("tensorflow", worker_count=0)}, "worker_count is 0"),
        (
            {"distributed": Distributed("tensorflow", worker_count=1), "node_count": 2},
            "leave nodes without any",
        ),
        ({"distributed": Distributed("tensorflow", worker_count=300)}, "too many for 1 nodes"),
    ],
)
def test_the_refusal_names_what_cannot_be(given: dict[str, Any], said: str) -> None:
    with pytest.raises(FaenaError, match=said):
        distribution.check(submission(**given))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"warm": True, "script": "n.ipynb"},
        {"distributed": MPI},
        {"distributed": MPI, "script": "pkg.train", "entry": "module"},
        {"distributed": MPI, "script": "python3", "entry": "program"},
        {"distributed": TORCH, "script": "train.sh", "node_count": 4},
    ],
)
def test_what_can_be_is_accepted(given: dict[str, Any]) -> None:
    distribution.check(submission(**given))
