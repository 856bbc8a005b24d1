"""Workers that are forked from an interpreter that has their packages loaded, and those that must not be."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from faena.scoring.templates import SETTING, Templates
from tests.examples import long_form
from tests.scoring.pools import Site, lives, run, site, until
from tests.script.conftest import TODAY, find_interpreter

PACKAGE = "joblib"
"""Stands for a large one; variables that begin with JOBLIB_ are read as it is loaded."""
SCRIPT = f"""
import os, json, random, signal, subprocess, sys
import {PACKAGE}
mine = os.getpid()
def init():
    print("init by", "a fork" if {PACKAGE}.loaded_by != os.getpid() else "a start")
def run(raw):
    given = json.loads(raw)
    if given == "die": os._exit(3)
    if given == "kill": os.kill(os.getpid(), signal.SIGKILL)
    if given == "child": return subprocess.Popen(["sleep", "1000"], start_new_session=True).pid
    return {{
        "loaded_by": {PACKAGE}.loaded_by, "pid": os.getpid(), "mine": mine, "cwd": os.getcwd(), "path": sys.path[0],
        "model_dir": os.environ.get("AZUREML_MODEL_DIR"), "argv": len(sys.argv), "stdin": sys.stdin.read(),
        "random": random.random(), "session": os.getsid(0), "group": os.getpgid(0),
    }}
"""


def packages(folder: Path, first: str = "") -> dict[str, str]:
    """Variables with which there is a package of fifty modules."""
    place = folder / "site-packages" / PACKAGE
    place.mkdir(parents=True)
    (place / "__init__.py").write_text(
        f"import os\nloaded_by = os.getpid()\n{first}\n"
        + "".join(f"from {PACKAGE} import part{number}\n" for number in range(50))
    )
    for number in range(50):
        (place / f"part{number}.py").write_text("")
    return {"PYTHONPATH": str(place.parent)}


async def state(here: Site) -> dict[str, Any]:
    found: dict[str, Any] = (await here.call("{}")).json
    return found


async def next_one(here: Site, how: str = "die") -> dict[str, Any]:
    """The worker that comes after one that has ended."""
    assert (await here.call(f'"{how}"')).status == 502
    return await state(here)


def is_forked(found: dict[str, Any]) -> bool:
    return bool(found["loaded_by"] != found["pid"])


@pytest.mark.parametrize("version", TODAY)
def test_the_second_worker_has_its_packages(version: str, tmp_path: Path) -> None:
    python = find_interpreter(version)
    if python is None:
        pytest.skip(f"no CPython {version} on this machine")
    variables = packages(tmp_path)

    async def test() -> None:
        async with site(
            tmp_path, SCRIPT, python=python, templates=True, variables=variables, model_dir="/models/1"
        ) as here:
            first = await state(here)
            second = await next_one(here)
            third = await next_one(here, "kill")
            assert [is_forked(each) for each in (first, second, third)] == [False, True, True]
            assert second["loaded_by"] == third["loaded_by"], "of one template"
            own = {"pid", "mine", "loaded_by", "random", "session", "group"}
            for found in (second, third):
                assert found["mine"] == found["pid"] == found["group"], (
                    "the script itself is loaded by each worker"
                )
                assert {name: found[name] for name in found.keys() - own} == {
                    name: first[name] for name in first.keys() - own
                }
                assert found["session"] not in (found["loaded_by"], os.getsid(0))
            assert len({each["random"] for each in (first, second, third)}) == 3
            assert [line for line in here.log.splitlines() if line.startswith("init")] == [
                "init by a start",
                "init by a fork",
                "init by a fork",
            ]
            assert here.pool.slots[0].restarts.count == 2
            child = (await here.call('"child"')).json
            template = second["loaded_by"]
            assert lives(template)
        await until(lambda: not lives(child) and not lives(template), "nothing of it outlives the pool")

    run(test)


@pytest.mark.long
def test_all_further_workers_have_them(tmp_path: Path) -> None:
    variables = packages(tmp_path)

    async def test() -> None:
        async with site(tmp_path, SCRIPT, templates=True, variables=variables, workers=3):
            pass
        async with site(tmp_path, SCRIPT, templates=True, variables=variables, workers=2) as here:
            assert here.log.count("init by a start") == 1, "what was learned lies in the endpoint's folder"
            assert here.log.count("init by a fork") == 2 + 2

    run(test)


@pytest.mark.long
@pytest.mark.parametrize(
    ("first", "why"),
    [
        (
            "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,), daemon=True).start()",
            "thread",
        ),
        long_form("kept = open(os.devnull)", "file or a device"),
        long_form("print('hello')", "writes"),
        long_form("import signal\nsignal.signal(signal.SIGUSR1, lambda *_: None)", "signals"),
    ],
)
def test_what_does_harm_to_a_fork_is_loaded_by_each_worker(first: str, why: str, tmp_path: Path) -> None:
    variables = packages(tmp_path, first)

    async def test() -> None:
        async with site(tmp_path, SCRIPT, templates=True, variables=variables) as here:
            assert not is_forked(await next_one(here))
            assert not is_forked(await next_one(here))
        assert why in (tmp_path / "packages.json").read_text()

    run(test)


@pytest.mark.long
def test_a_script_that_fails_in_a_fork_is_started(tmp_path: Path) -> None:
    variables = packages(tmp_path)
    script = SCRIPT + f"\nif {PACKAGE}.loaded_by != mine: os._exit(9)\n"

    async def test() -> None:
        async with site(tmp_path, script, templates=True, variables=variables) as here:
            assert not is_forked(await next_one(here))
            assert here.pool.error is None
            assert here.pool.slots[0].restarts.failed_starts == 0

    run(test)


@pytest.mark.long
def test_variables_that_are_set_too_late_are_not_for_forks(tmp_path: Path) -> None:
    variables = packages(tmp_path)
    script = "import os\nos.environ['JOBLIB_START_METHOD'] = 'spawn'\n" + SCRIPT

    async def test() -> None:
        async with site(tmp_path, script, templates=True, variables=variables) as here:
            assert (await here.call('"die"')).status == 502
            await until(lambda: here.log.count("init by a start") == 2, "the fork is put aside")
            while is_forked(found := await state(here)):
                pass
            assert lives(found["pid"])
            assert not is_forked(await next_one(here))

    run(test)


@pytest.mark.long
def test_a_source_folder_may_have_a_module_of_that_name(tmp_path: Path) -> None:
    variables = packages(tmp_path)

    async def test() -> None:
        async with site(tmp_path, SCRIPT, templates=True, variables=variables) as here:
            assert is_forked(await next_one(here))
        (tmp_path / "app" / f"{PACKAGE}.py").write_text("import os\nloaded_by = os.getpid()\n")
        async with site(tmp_path, SCRIPT, templates=True, variables=variables) as here:
            assert not is_forked(await next_one(here))

    run(test)


@pytest.mark.long
def test_a_changed_package_is_loaded_anew(tmp_path: Path) -> None:
    variables = packages(tmp_path)

    async def test() -> None:
        async with site(tmp_path, SCRIPT, templates=True, variables=variables) as here:
            before = await next_one(here)
            part = tmp_path / "site-packages" / PACKAGE / "part7.py"
            os.utime(part, ns=(1, 1))
            after = await next_one(here)
            assert is_forked(before) and is_forked(after)
            assert before["loaded_by"] != after["loaded_by"]
            os.kill(after["loaded_by"], 9)
            await until(lambda: not lives(after["loaded_by"]), "the template is gone")
            assert (await state(here))["pid"] == after["pid"], "what it has forked lives on"
            assert (await next_one(here))["loaded_by"] != after["loaded_by"]

    run(test)


@pytest.mark.long
def test_endpoints_of_a_workspace_share_them(tmp_path: Path) -> None:
    variables = packages(tmp_path)
    one, other = (tmp_path / name for name in ("one", "other"))
    shared = tmp_path / ".templates"

    async def test() -> None:
        async with AsyncExitStack() as later:
            async with site(one, SCRIPT, templates=Templates(one, shared), variables=variables) as here:
                await until(lambda: any(shared.glob("*")), "it is made as soon as the first worker is there")
                second = await next_one(here)
                assert is_forked(second)
                lent = Templates(other, shared)
                late = await later.enter_async_context(
                    site(other, SCRIPT, templates=lent, variables=variables)
                )
                before = await state(late)
                assert before["loaded_by"] == second["loaded_by"], "its first worker, too"
            await until(
                lambda: not lives(second["loaded_by"]), "the template leaves with the front that has it"
            )
            assert (await state(late))["pid"] == before["pid"], "what others have of it lives on"
            assert not is_forked(await next_one(late))
            assert not late.pool.error

    run(test)


@pytest.mark.long
def test_one_that_nobody_asks_leaves(tmp_path: Path) -> None:
    variables = packages(tmp_path)

    async def test() -> None:
        idle = Templates(tmp_path, tmp_path / ".templates", idle=0.3)
        async with site(tmp_path, SCRIPT, templates=idle, variables=variables) as here:
            first = await next_one(here)
            assert is_forked(first)
            await until(lambda: not lives(first["loaded_by"]), "it leaves")
            assert (await state(here))["pid"] == first["pid"]
            again = await next_one(here)
            assert is_forked(again), "there is another one"
            assert again["loaded_by"] != first["loaded_by"]

    run(test)


def test_they_can_be_switched_off(tmp_path: Path) -> None:
    variables = packages(tmp_path) | {SETTING: "off"}

    async def test() -> None:
        async with site(tmp_path, SCRIPT, templates=True, variables=variables) as here:
            assert not is_forked(await next_one(here))
        assert not (tmp_path / "packages.json").exists()

    run(test)
