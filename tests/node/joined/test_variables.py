"""What tells of a machine is that of the node; what a user chose stays."""

from __future__ import annotations

from faena.node.joined.variables import OF_A_MACHINE, here, is_of_a_machine
from faena.runs.variables import PASSED_ON, PASSED_ON_PREFIXES


def test_places_are_the_nodes_and_language_the_submitters() -> None:
    passed_on = {
        "HOME": "/home/me",
        "PATH": "/mine",
        "LANG": "de_DE.UTF-8",
        "MY_SETTING": "1",
        "CUDA_HOME": "/x",
    }
    environ = {
        "HOME": "/srv/node",
        "PATH": "/usr/bin",
        "LANG": "C",
        "SECRET": "of the node",
        "NCCL_DEBUG": "INFO",
    }
    assert here(passed_on, environ) == {
        "HOME": "/srv/node",
        "PATH": "/usr/bin",
        "LANG": "de_DE.UTF-8",
        "MY_SETTING": "1",
        "NCCL_DEBUG": "INFO",
    }


def test_each_variable_that_is_passed_on_is_of_the_one_kind_or_the_other() -> None:
    chosen = {name for name in PASSED_ON if not is_of_a_machine(name)}
    assert chosen == {
        "LANG",
        "LANGUAGE",
        "TZ",
        "TZDIR",
        "FAENA_DEAD_DATA",
        "FAENA_EVENT_FILES",
        "FAENA_MLFLOW",
        "FAENA_REMOVED_NAMES",
    }
    assert OF_A_MACHINE < PASSED_ON
    assert [prefix for prefix in PASSED_ON_PREFIXES if not is_of_a_machine(f"{prefix}X")] == ["LC_"]
