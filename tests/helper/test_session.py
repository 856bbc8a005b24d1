"""What a helper does for its caller: values, objects, output, callbacks, interrupts, folders, and its own end."""

from __future__ import annotations

import datetime as dt
import decimal
import inspect
import os
import signal
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from faena.script.proxies import asking, names
from faena.script.proxies.errors import HelperGone
from faena.script.proxies.frames import TooLarge
from faena.script.proxies.session import Session

RunThere = Callable[..., Any]


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "größe \ud800",
        -(2**63),
        2**200,
        float("inf"),
        1e-300,
        b"\x00\xff",
        3 - 2j,
        [list(range(-100, 100)), [0.1] * 100, [2**63] * 100, [1, 1.0] * 100],
        [1, [2.5, (None, "x")], {"a": {1: {2}}, (1, 2): frozenset("ab")}],
        decimal.Decimal("1.10"),
        Path("a/b"),
        dt.date(2019, 10, 1),
        dt.timedelta(days=-1, microseconds=3),
        dt.datetime(2019, 10, 1, 12, 30, 15, 250),
        dt.datetime(
            2019, 10, 27, 2, 30, tzinfo=dt.timezone(dt.timedelta(hours=-3, minutes=-30), "X"), fold=1
        ),
        dt.datetime(2019, 10, 1, tzinfo=dt.UTC),
    ],
)
def test_plain_values_are_the_same_there_and_back(run_there: RunThere, value: Any) -> None:
    back = run_there("found = given", given=value)
    assert back == value
    assert type(back) is type(value)


def test_what_inherits_from_plain_types_and_numpy_comes_as_those(run_there: RunThere) -> None:
    given = [OrderedDict(a=np.int64(3)), np.float32(0.5), np.str_("x"), np.bool_(True)]
    assert run_there("found = given", given=given) == [{"a": 3}, 0.5, "x", True]


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3)[:, ::2],
        np.array(["a", "bc"]),
        np.array(["2019-10-01"], "datetime64[ns]"),
        np.array([1, None, "x"], object),
        np.zeros((0, 4), np.float32),
        np.array(3.5),
    ],
)
def test_arrays(run_there: RunThere, array: Any) -> None:
    back = run_there("found = given", given=array)
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.tolist() == array.tolist()


@pytest.mark.long
def test_data_frames(run_there: RunThere) -> None:
    frame = pd.DataFrame(
        {
            "whole": [1, 2, 3],
            "text": ["a", None, "ü"],
            "when": pd.to_datetime(["2019-10-01", None, "2019-10-03"]),
            "zone": pd.to_datetime(["2019-10-01"] * 3).tz_localize("Europe/Berlin"),
            "kind": pd.Categorical(["x", "y", "x"], ["x", "y", "z"]),
        },
        index=pd.Index([5, 6, 7], name="row"),
    )
    back = run_there("found = given", given=frame)
    pd.testing.assert_frame_equal(
        back.astype({"text": object}), frame.astype({"text": object}), check_dtype=False
    )
    assert str(back["zone"].dtype).endswith("Europe/Berlin]")
    series = run_there("found = given", given=frame["whole"])
    pd.testing.assert_series_equal(series, frame["whole"])
    empty = run_there("found = given", given=pd.DataFrame(columns=["a", "b"]))
    assert list(empty.columns) == ["a", "b"]
    assert len(empty) == 0


def test_an_object_is_one_proxy_until_nobody_has_it(run_there: RunThere, helper: Session) -> None:
    counted = run_there("import threading, faena.helper.state as state; found = state.objects")
    first = run_there("class Thing: pass\nfound = Thing()")
    first.other = first
    assert first.other is first
    before = len(counted)
    del first.other
    del first
    assert len(counted) == before - 1, "the last reference released it"


def test_lists_and_dicts_that_an_object_has_are_changed_there(run_there: RunThere) -> None:
    thing = run_there("class Thing: pass\nfound = Thing()\nfound.names, found.of = [1], {'a': {'b': 1}}")
    thing.names.append(2)
    thing.names += [3]
    thing.of["a"]["b"] = 5
    thing.of.update(c=iter([7]))
    assert thing.names == [1, 2, 3]
    assert thing.of["a"] == {"b": 5}
    assert run_there("found = thing.names", thing=thing) == [1, 2, 3]


def test_what_it_prints_comes_as_it_is_printed(
    run_there: RunThere, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[tuple[str, str]] = []

    def look() -> None:
        seen.append(capsys.readouterr())

    code = (
        "import sys; print('ü', end='\\r'); look(); print('b', end=''); print('c', file=sys.stderr); look()"
    )
    run_there(code, look=look)
    assert seen == [("ü\r", ""), ("b", "c\n")]
    run_there("import warnings; warnings.warn('it may be')")
    assert capsys.readouterr().err == "UserWarning: it may be\n"


def test_an_error_has_its_class_its_message_and_its_attributes(run_there: RunThere) -> None:
    with pytest.raises(KeyError, match="x") as caught:
        run_there("{}['x']")
    assert caught.value.__cause__ is None
    assert "KeyError: 'x'" in caught.value.remote_traceback  # type: ignore[attr-defined]  # errors from a helper have it
    code = "class Odd(OSError):\n  def __init__(self, a, b): super().__init__(a); self.b = b\nraise Odd('a', b=[1])"
    with pytest.raises(OSError, match="a") as caught_odd:
        run_there(code)
    assert type(caught_odd.value).__name__ == "Odd"
    assert caught_odd.value.b == [1]  # type: ignore[attr-defined]  # as it was there


def test_what_it_calls_of_ours_is_called_here_and_its_error_is_the_same_one(run_there: RunThere) -> None:
    class OwnError(Exception):
        pass

    error = OwnError("mine")

    class Stream:
        name = "s"

        def read(self, size: int) -> bytes:
            return b"x" * size

        def fail(self) -> None:
            raise error

    assert run_there("found = [stream.name, stream.read(3), callable(stream)]", stream=Stream()) == [
        "s",
        b"xxx",
        False,
    ]
    with pytest.raises(OwnError) as caught:
        run_there("stream.fail()", stream=Stream())
    assert caught.value is error
    nested = run_there("found = call(lambda number: number + 1)", call=lambda add: add(add(1)))
    assert nested == 3


def test_its_functions_are_functions_here(run_there: RunThere) -> None:
    indent = names.find("textwrap", "indent")
    assert indent("a", prefix="-") == "-a"
    assert list(inspect.signature(indent).parameters) == ["text", "prefix", "predicate"]
    assert "prefix" in (indent.__doc__ or "")
    assert run_there("found = indent('b', '+')", indent=indent) == "+b"


def test_a_thread_of_its_own_can_call_us(run_there: RunThere) -> None:
    told = threading.Event()
    thread = run_there(
        "import threading; found = threading.Thread(target=tell); found.start()", tell=told.set
    )
    assert told.wait(60)
    thread.join()


def test_it_is_where_we_are(run_there: RunThere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OF_THIS_TEST", "1")
    code = "import os; found = [os.getcwd(), os.environ.get('OF_THIS_TEST')]"
    assert run_there(code) == [str(tmp_path), "1"]
    monkeypatch.delenv("OF_THIS_TEST")
    assert run_there(code) == [str(tmp_path), None]
    other = tmp_path / "other"
    other.mkdir()
    found: list[Any] = []
    barrier = run_there("import threading; found = threading.Event()")

    def there() -> None:
        found.append(run_there(code))
        barrier.wait()
        found.append(run_there(code))

    thread = threading.Thread(target=there)
    thread.start()
    os.chdir(other)
    assert run_there(code)[0] == str(other)
    barrier.set()
    thread.join()
    assert found[1][0] == str(other)


def test_ctrl_c_ends_what_it_does_and_the_next_call_goes_on(run_there: RunThere) -> None:
    def interrupt() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run_there("import threading; interrupt(); threading.Event().wait()", interrupt=interrupt)
    blocking = (
        "import signal, threading\nthreading.Thread(target=interrupt).start()\nthreading.Event().wait()"
    )
    with pytest.raises(KeyboardInterrupt):
        run_there(blocking, interrupt=interrupt)
    with pytest.raises(ValueError, match="told"):
        run_there(
            "try:\n  interrupt()\nexcept KeyboardInterrupt:\n  raise ValueError('told')", interrupt=interrupt
        )
    assert run_there("found = 1") == 1


def test_what_cannot_be_handed_over_is_said_and_nothing_is_lost(
    run_there: RunThere, monkeypatch: pytest.MonkeyPatch
) -> None:
    from faena.script.proxies import frames

    monkeypatch.setattr(frames, "MOST_TEXT", 1000)
    with pytest.raises(TooLarge, match="1,000 of text"):
        run_there("found = given", given="x" * 1000)
    monkeypatch.undo()
    deep: list[Any] = []
    for _ in range(200):
        deep = [deep]
    with pytest.raises(ValueError, match="100 levels"):
        run_there("found = given", given=deep)
    with pytest.raises(ValueError, match="100 levels"):
        run_there("found = []\nfor _ in range(200): found = [found]")
    assert run_there("found = 1") == 1


def test_a_child_of_a_fork_has_a_connection_of_its_own(run_there: RunThere) -> None:
    thing = run_there("class Thing: pass\nfound = Thing()\nfound.count = 0")
    pid = os.fork()
    if pid == 0:
        try:
            thing.count += 1
            os._exit(0 if run_there("found = thing.count", thing=thing) == 1 else 1)
        except BaseException:  # noqa: BLE001  it must not go on as a second pytest
            os._exit(2)
    assert os.waitpid(pid, 0)[1] == 0
    assert thing.count == 1


def test_a_helper_that_died_is_said_and_another_one_takes_its_place(
    run_there: RunThere, helper: Session
) -> None:
    fraction = names.find("fractions", "Fraction")
    thing = run_there("import threading; found = threading.Event()")
    with pytest.raises(HelperGone, match="is gone"):
        run_there("import os, sys; os.write(2, b'the last'); os._exit(3)")
    with pytest.raises(HelperGone, match="Make it again"):
        thing.is_set()
    assert fraction(2, 6).denominator == 3
    assert asking.if_started() is not helper


def test_who_inherits_from_a_class_of_the_helpers_is_told_at_once(helper: Session) -> None:
    there = names.find("faena.client.runs.experiment", "Experiment")
    with pytest.raises(
        TypeError, match="Mine inherits from Experiment, whose objects are in another process"
    ):
        type(there)("Mine", (there,), {})
    with pytest.raises(TypeError, match="not be inherited from"):

        class Mine(names.later("faena.client.runs.experiment", "Experiment")):  # type: ignore[misc]  # found as it runs
            pass
