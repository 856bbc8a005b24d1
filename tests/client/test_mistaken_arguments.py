"""What cannot be is refused in our words, naming what was given; never by an error of Python's."""

from __future__ import annotations

import enum
import sys
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faena import Workspace
from faena.client.data.datastore import Datastore
from faena.client.runs.submit import submit
from faena.client.script_arguments import LONGEST, argument_text
from faena.client.submission.script_run_config import ScriptRunConfig
from faena.kernel.errors import UserErrorException

Call = Callable[..., Any]
STORE = object.__new__(Datastore)


@pytest.mark.parametrize(
    ("call", "given", "said"),
    [
        (Workspace.get, (None,), "not None"),
        (Workspace.get, (3,), "not 3"),
        (Workspace.connect, (None, None), "url of a server is text"),
        (Workspace.connect, ("https://faena.example.org", 3), "token of a server is text"),
        (Workspace.connect, ("https://faena.example.org", None), "not logged in there"),
        (Workspace.from_config, (3,), "path is 3"),
        (STORE.upload, (None,), "src_dir is None"),
        (STORE.upload_files, (None,), "files is None"),
        (STORE.upload_files, ([None],), "files is "),
    ],
)
def test_handles(call: Call, given: tuple[Any, ...], said: str) -> None:
    with pytest.raises(UserErrorException, match=said):
        call(*given)


def test_tags_that_are_no_dict(tmp_path: Path) -> None:
    (tmp_path / "t.py").touch()
    config = ScriptRunConfig(str(tmp_path), "t.py")
    with pytest.raises(UserErrorException, match="tags is 'x'"):
        submit(None, "e", config, {}, tags="x", parent=None, name="")  # type: ignore[arg-type]  # a mistake


class Colour(enum.Enum):
    RED = 1


@pytest.mark.parametrize("argument", [None, object(), b"x", [1], {}, Colour.RED, print, np.zeros(2)])
def test_what_no_script_can_get(argument: object) -> None:
    with pytest.raises(UserErrorException, match=r"nothing that a script can get"):
        argument_text(argument)


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        ("a b", "a b"),
        (3, "3"),
        (True, "True"),
        (0.1, "0.1"),
        (Decimal("0.10"), "0.10"),
        (Fraction(1, 2), "1/2"),
        (Path("a/b"), "a/b"),
        (np.float64(0.5), "0.5"),
        (np.int64(3), "3"),
        (np.bool_(True), "True"),
        (np.array(2), "2"),
    ],
)
def test_what_scripts_get(argument: object, text: str) -> None:
    assert argument_text(argument) == text


def test_an_argument_that_linux_does_not_give() -> None:
    assert argument_text("x" * LONGEST)
    for text in ("x" * (LONGEST + 1), "é" * (LONGEST // 2 + 1)):
        with pytest.raises(UserErrorException, match="131,071"):
            argument_text(text)


def test_a_library_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    import faena.extensions

    for name in ("keras", "tensorflow"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "faena.script.extensions.keras_training", raising=False)
    with pytest.raises(UserErrorException, match="KerasReport needs keras"):
        faena.extensions.KerasReport  # noqa: B018  to name it loads it
    with pytest.raises(ImportError):  # for scripts that go on without it
        faena.extensions.KerasReport  # noqa: B018  to name it loads it
