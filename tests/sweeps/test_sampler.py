"""The server's side of the sampler's process: when it is there, and what happens where it dies."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import optuna
import pytest
from msgspec.structs import replace

from faena.kernel.discovery import child_environment
from faena.kernel.errors import ServiceException, UserErrorException
from faena.sweeps.learning import messages
from faena.sweeps.learning.export import export_study
from faena.sweeps.learning.extras import learns, why_no_export, why_not
from faena.sweeps.learning.messages import Drawn, Told
from faena.sweeps.learning.sampler import Sampler
from faena.sweeps.schemas import Objective, Sampling
from tests.sweeps.learning_house import CMAES, FLAT, FORKED, LOSS, TPE, Ledger, rebuilt, task

SECONDS = 60

PRELUDE = f"""
import os, sys, time
from faena.sweeps.learning import messages
from faena.sweeps.learning.messages import Draw, Drawn
def read():
    head = sys.stdin.buffer.read({messages.LENGTH})
    return messages.request(sys.stdin.buffer.read(messages.length(head))) if head else os._exit(0)
def until_draw():
    while not isinstance(request := read(), Draw):
        pass
    return request
def say(frame):
    sys.stdout.buffer.write(frame)
    sys.stdout.buffer.flush()
"""


def stand_in(script: str) -> Sequence[str]:
    """A process that misbehaves in the sampler's place."""
    return (sys.executable, "-c", PRELUDE + script)


@asynccontextmanager
async def sampler(tmp_path: Path, **given: Any) -> AsyncIterator[Sampler]:
    made = Sampler(tmp_path / "logs" / "sampler.log", **given)
    try:
        yield made
    finally:
        pid = made.pid
        await made.close()
        assert pid is None or not is_there(pid)


def has_process(made: Sampler) -> bool:
    return made.pid is not None


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def gone(pid: int) -> None:
    async with asyncio.timeout(SECONDS):
        while is_there(pid):
            await asyncio.sleep(0.01)


class TestLife:
    def test_it_starts_with_the_first_draw_and_leaves_after_the_last_sweep(self, tmp_path: Path) -> None:
        async def live() -> None:
            async with sampler(tmp_path, idle=0.05) as made:
                assert not has_process(made)
                first, second = Ledger(task()), Ledger(replace(task(), sweep="t"))
                await made.draw(first.task, 0, first.changes_since)
                pid = made.pid
                assert pid is not None
                await made.draw(second.task, 0, second.changes_since)
                made.release("s")
                await made.draw(second.task, 1, second.changes_since)
                assert made.pid == pid
                made.release("t")
                await gone(pid)
                assert isinstance(await made.draw(first.task, 0, first.changes_since), Drawn)

        asyncio.run(live())

    def test_it_is_there_before_the_first_draw_where_it_was_prepared(self, tmp_path: Path) -> None:
        async def live() -> None:
            async with sampler(tmp_path, idle=0.05) as made:
                ledger = Ledger(task())
                made.prepare(ledger.task)
                made.prepare(ledger.task)
                async with asyncio.timeout(SECONDS):
                    while not has_process(made):
                        await asyncio.sleep(0.01)
                pid = made.pid
                await made.draw(ledger.task, 0, ledger.changes_since)
                assert made.pid == pid
                made.release("s")
                assert pid is not None
                await gone(pid)

        asyncio.run(live())

    def test_it_stays_for_a_sweep_that_will_draw_later(self, tmp_path: Path) -> None:
        async def live() -> None:
            async with sampler(tmp_path, idle=0.05) as made:
                ledger = Ledger(task())
                await made.draw(ledger.task, 0, ledger.changes_since)
                pid = made.pid
                assert pid is not None
                made.release("s")
                made.prepare(replace(task(), sweep="t"))
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.3):
                        await gone(pid)

        asyncio.run(live())

    def test_one_that_nobody_draws_from_leaves_with_its_sweep_or_the_server(self, tmp_path: Path) -> None:
        async def live() -> None:
            async with sampler(tmp_path, idle=0.05) as made:
                made.prepare(task())
                made.release("s")  # before it could be started
                async with asyncio.timeout(SECONDS):
                    while not has_process(made):
                        await asyncio.sleep(0.01)
                assert made.pid is not None
                await gone(made.pid)
                made.prepare(task())  # and it is closed at once

        asyncio.run(live())

    def test_closing_waits_for_one_that_is_leaving(self, tmp_path: Path) -> None:
        async def live() -> None:
            async with sampler(tmp_path, idle=0) as made:
                ledger = Ledger(task())
                await made.draw(ledger.task, 0, ledger.changes_since)
                pid = made.pid
                assert pid is not None
                made.release("s")
                while has_process(made):
                    await asyncio.sleep(0)
            assert not is_there(pid)

        asyncio.run(live())

    def test_it_leaves_where_no_sweep_draws_for_long(self, tmp_path: Path) -> None:
        async def live() -> None:
            async with sampler(tmp_path, patience=0.05) as made:
                ledger = Ledger(task())
                before = await made.draw(ledger.task, 0, ledger.changes_since)
                assert made.pid is not None
                await gone(made.pid)
                assert await made.draw(ledger.task, 0, ledger.changes_since) == before

        asyncio.run(live())

    @pytest.mark.long
    def test_a_sweep_goes_on_as_if_it_had_not_been_killed(self, tmp_path: Path) -> None:
        """After 9 trials CMA-ES has its first optimizer, after 17 the next."""

        async def sweep(*killed_before: int) -> list[Drawn]:
            async with sampler(tmp_path) as made:
                ledger, found = Ledger(task(CMAES)), []
                for number in range(20):
                    if number in killed_before:
                        assert made.pid is not None
                        os.kill(made.pid, signal.SIGKILL)
                    drawn = await made.draw(ledger.task, number, ledger.changes_since)
                    assert isinstance(drawn, Drawn)
                    found.append(drawn)
                    ledger.completed(number, drawn)
                return found

        assert asyncio.run(sweep(1, 9, 14)) == asyncio.run(sweep())

    def test_only_what_changed_is_told(self, tmp_path: Path) -> None:
        asked: list[int] = []

        async def live() -> None:
            async with sampler(tmp_path) as made:
                ledger = Ledger(task())

                async def since(revision: int) -> tuple[Sequence[Told], int]:
                    asked.append(revision)
                    return await ledger.changes_since(revision)

                for number in range(3):
                    drawn = await made.draw(ledger.task, number, since)
                    assert isinstance(drawn, Drawn)
                    ledger.completed(number, drawn)
                wider = task(space={**FLAT, "--x": ["uniform", [-9, 9]]})
                await made.draw(wider, 3, since)

        asyncio.run(live())
        assert asked == [0, 0, 1, 0]

    def test_many_at_once_take_turns_and_each_gets_its_own(self, tmp_path: Path) -> None:
        async def live() -> None:
            async with sampler(tmp_path) as made:
                ledgers = [
                    Ledger(replace(task(Sampling("bayesian", seed=seed)), sweep=f"{seed}"))
                    for seed in range(4)
                ]
                found = await asyncio.gather(
                    *(
                        made.draw(each.task, number, each.changes_since)
                        for number in range(5)
                        for each in ledgers
                    )
                )
                expected = [rebuilt(_alone(each), number) for number in range(5) for each in ledgers]
                assert found == expected

        asyncio.run(live())

    @pytest.mark.long
    def test_the_loop_goes_on_while_it_draws(self, tmp_path: Path) -> None:
        """Ten thousand trials are told and learned from, and nothing else waits for it."""
        where = {"--x": 0.1, "--y": 0.2, "--n": 3, "--size": 1}

        async def live() -> float:
            async with sampler(tmp_path) as made:
                ledger = Ledger(task())
                await made.draw(ledger.task, 0, ledger.changes_since)
                for number in range(10_000):
                    ledger.put(Told(number, where, "completed", [number / 7]))
                drawing = asyncio.create_task(made.draw(ledger.task, 10_000, ledger.changes_since))
                longest, before = 0.0, time.thread_time()  # of CPU: others may have the cores
                turns = 0
                while not drawing.done():
                    await asyncio.sleep(0)
                    now = time.thread_time()
                    longest, before, turns = max(longest, now - before), now, turns + 1
                assert isinstance(drawing.result(), Drawn)
                assert turns > 20
                return longest

        assert asyncio.run(live()) < 1

    def test_closing_ends_a_draw(self, tmp_path: Path) -> None:
        async def live() -> None:
            async with sampler(tmp_path, command=stand_in("until_draw(); time.sleep(600)")) as made:
                ledger = Ledger(task())
                drawing = asyncio.create_task(made.draw(ledger.task, 0, ledger.changes_since))
                while made.pid is None:
                    await asyncio.sleep(0.01)
                await made.close()
                with pytest.raises(ServiceException, match="leaving"):
                    await drawing
                with pytest.raises(ServiceException, match="leaving"):
                    await made.draw(ledger.task, 0, ledger.changes_since)

        asyncio.run(live())

    def test_a_draw_that_nobody_waits_for_any_more_is_not_taken_for_the_next_one(
        self, tmp_path: Path
    ) -> None:
        async def live() -> None:
            async with sampler(tmp_path) as made:
                ledger = Ledger(task())
                await made.draw(ledger.task, 0, ledger.changes_since)
                drawing = asyncio.create_task(made.draw(ledger.task, 1, ledger.changes_since))
                await asyncio.sleep(0)
                drawing.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await drawing
                assert await made.draw(ledger.task, 2, ledger.changes_since) == rebuilt(ledger, 2)

        asyncio.run(live())


class TestDeath:
    def test_killed_in_the_middle_of_a_draw_it_is_asked_again(self, tmp_path: Path) -> None:
        once = tmp_path / "once"
        script = f"""
request = until_draw()
if not os.path.exists({str(once)!r}):
    open({str(once)!r}, "w").close()
    os.kill(os.getpid(), 9)
say(messages.frame(Drawn({{"--x": request.number}})))
read()
"""

        async def live() -> None:
            async with sampler(tmp_path, command=stand_in(script)) as made:
                ledger = Ledger(task())
                assert await made.draw(ledger.task, 7, ledger.changes_since) == Drawn({"--x": 7})

        asyncio.run(live())
        assert once.exists()

    @pytest.mark.few(2)
    @pytest.mark.parametrize(
        ("script", "said"),
        [
            ("until_draw(); os.kill(os.getpid(), 9)", "was killed by SIGKILL, the last of 5 tries"),
            (
                "until_draw(); sys.exit('no memory left')",
                r"ended with status 1 \(no memory left\), the last of 2 tries",
            ),
            ("sys.exit(3)", "ended with status 3, the last of 2 tries"),
            ("until_draw(); say(b'\\xff' * 8); read()", "makes no sense"),
            ("until_draw(); say(b'\\0\\0\\0\\2{]'); read()", "makes no sense"),
            ("until_draw(); say(b'\\0\\0\\0\\2'); os._exit(0)", "ended with status 0"),
            (
                "while True: until_draw(); say(messages.frame(messages.TellAll()))",
                "does not take in what it is told",
            ),
        ],
    )
    def test_again_and_again_is_an_error_that_names_what_happened(
        self, tmp_path: Path, script: str, said: str
    ) -> None:
        asyncio.run(self._fails(tmp_path, script, said))

    def test_one_that_takes_too_long_is_given_up(self, tmp_path: Path) -> None:
        asyncio.run(self._fails(tmp_path, "until_draw(); time.sleep(600)", "longer than 0.2 s", limit=0.2))

    async def _fails(self, tmp_path: Path, script: str, said: str, **given: Any) -> None:
        async with sampler(tmp_path, command=stand_in(script), **given) as made:
            ledger = Ledger(task())
            with pytest.raises(ServiceException, match=said):
                await made.draw(ledger.task, 7, ledger.changes_since)
            assert not has_process(made)

    def test_after_an_error_the_next_draw_is_as_any(self, tmp_path: Path) -> None:
        async def live() -> None:
            async with sampler(tmp_path) as made:
                wrong = Ledger(task(constraints=["n > 100"]))
                with pytest.raises(UserErrorException, match="n > 100"):
                    await made.draw(wrong.task, 0, wrong.changes_since)
                ledger = Ledger(task())
                assert isinstance(await made.draw(ledger.task, 0, ledger.changes_since), Drawn)

        asyncio.run(live())

    def test_a_ledger_that_cannot_be_read_harms_nothing(self, tmp_path: Path) -> None:
        async def broken(_: int) -> tuple[Sequence[Told], int]:
            raise OSError("the database is locked")

        async def live() -> None:
            async with sampler(tmp_path) as made:
                ledger = Ledger(task())
                await made.draw(ledger.task, 0, ledger.changes_since)
                pid = made.pid
                with pytest.raises(OSError, match="locked"):
                    await made.draw(ledger.task, 1, broken)
                await made.draw(ledger.task, 1, ledger.changes_since)
                assert made.pid == pid

        asyncio.run(live())

    @pytest.mark.long
    def test_it_dies_with_its_server(self, tmp_path: Path) -> None:
        """Also while it draws, which it does not look up from."""
        script = f"""
import asyncio, sys, os
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from pathlib import Path
from faena.sweeps.learning.sampler import Sampler
from tests.sweeps.learning_house import Ledger, task
async def live():
    made, ledger = Sampler(Path({str(tmp_path / "log")!r})), Ledger(task())
    await made.draw(ledger.task, 0, ledger.changes_since)
    print(made.pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(live())
"""
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as server:
            assert server.stdout
            pid = int(server.stdout.readline())
            server.kill()
        asyncio.run(gone(pid))


class TestMissing:
    def test_nothing_is_missing_for_samplings_that_do_not_learn(self) -> None:
        for kind in ("random", "grid", "sobol"):
            assert not learns(Sampling(kind))
            assert why_not(Sampling(kind)) is None

    def test_what_is_missing_is_named(self, tmp_path: Path) -> None:
        """In a Python that has the packages of this one but those."""
        found = _without(tmp_path, "optuna", "cmaes", "torch")
        assert found["imported"] == []
        tpe, cmaes, gp, export = found["tpe"], found["cmaes"], found["gp"], found["export"]
        assert "needs optuna, which" in tpe
        assert "pip install 'faena[tuning]'" in tpe
        assert "needs optuna and cmaes" in cmaes
        assert "optuna and torch" in gp
        assert "faena[gp]" in gp
        assert "5.6 GB" in gp
        assert "/whl/cpu" in gp
        assert "faena[tuning]" in export
        assert found["random"] is None
        assert found["draw"] == tpe

    def test_what_is_there_is_not(self) -> None:
        assert why_not(TPE) is None
        assert why_not(CMAES) is None
        assert why_no_export() is None


class TestExport:
    @pytest.mark.long
    @pytest.mark.parametrize("name", ["study.log", "study.db"])
    def test_optuna_opens_it(self, tmp_path: Path, name: str) -> None:
        space = {
            **FORKED,
            "--lr": ["loguniform", [-6, -1]],
            "--layers": ["choice", [[1, True, [2]]]],
            "--f": ["flag", []],
        }
        where = {"--lr": -2.0, "--x": 1.0, "--layers": 2, "--f": 1}
        sgd, adam = (
            {"optimizer": 0, "optimizer/0/--momentum": 0.5},
            {"optimizer": 1, "optimizer/1/--beta": 0.25},
        )
        at = 1_764_400_000_000_000
        trials = [
            Told(
                0, where | sgd, "completed", [1.5], {1: 2.0, 2: 1.5}, started_at=at, ended_at=at + 5_000_000
            ),
            Told(1, where | adam, "stopped", [None], {1: 3.0, 2: None}),
            Told(2, where | {"--x": 99.0} | adam, "completed", [0.0]),
            Told(3, where | adam, "failed", [1.0]),
            Told(4, where | adam, "completed", [None]),
            Told(5, where | adam, "running", violations={"memory": 1.0}),
        ]
        exported = export_study(tmp_path / name, task(space=space), trials)
        assert (exported.trials, exported.left_out) == (5, 1)
        study = optuna.load_study(study_name="s", storage=_storage(tmp_path / name))
        assert [trial.state.name for trial in study.trials] == [
            "COMPLETE",
            "PRUNED",
            "FAIL",
            "FAIL",
            "RUNNING",
        ]
        assert [trial.user_attrs["trial"] for trial in study.trials] == [0, 1, 3, 4, 5]
        best = study.best_trial
        assert best.value == 1.5
        assert best.params["--lr"] == pytest.approx(0.1353352832366127)
        assert best.params["--layers"] == "[2]"
        assert best.params["--f"] is True
        assert best.params["optimizer/0/--momentum"] == 0.5
        assert best.user_attrs["--opt"] == "sgd"
        assert best.intermediate_values == {1: 2.0, 2: 1.5}
        assert best.duration is not None
        assert best.duration.total_seconds() == 5
        assert study.trials[1].value == 3.0
        assert study.trials[4].constraints == {"memory": 1.0}
        assert list(tmp_path.iterdir()) == [tmp_path / name]
        study.ask({"--x": optuna.distributions.FloatDistribution(-5, 5)})  # Optuna goes on with it

    def test_several_objectives_and_no_trials(self, tmp_path: Path) -> None:
        both = task(objectives=[LOSS, Objective("speed", "maximize")])
        export_study(tmp_path / "none", both, [])
        where = {"--x": 0.1, "--y": 0.2, "--n": 3, "--size": 1}
        trials = [Told(0, where, "stopped", [1.0, 2.0]), Told(1, where, "stopped", [1.0, None])]
        export_study(tmp_path / "two", both, trials)
        study = optuna.load_study(study_name="s", storage=_storage(tmp_path / "two"))
        assert [trial.values for trial in study.best_trials] == [[1.0, 2.0]]
        assert len(study.trials) == 2

    def test_what_is_there_is_not_overwritten(self, tmp_path: Path) -> None:
        (tmp_path / "study").write_text("mine")
        with pytest.raises(UserErrorException, match="there already"):
            export_study(tmp_path / "study", task(), [])
        assert (tmp_path / "study").read_text() == "mine"


def _storage(path: Path) -> Any:
    if path.suffix == ".db":
        return f"sqlite:///{path}"
    return optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))


def _alone(ledger: Ledger) -> Ledger:
    return Ledger(replace(ledger.task, sweep="s"))


def _without(tmp_path: Path, *names: str) -> dict[str, Any]:
    packages = tmp_path / "packages"
    packages.mkdir()
    for folder in (Path(each) for each in sys.path if each.endswith("-packages")):
        for each in folder.iterdir():
            if each.name.split("-")[0].split(".")[0] not in names and not (packages / each.name).exists():
                (packages / each.name).symlink_to(each)
    script = f"""
import asyncio, json, sys
sys.path = [each for each in sys.path if not each.endswith("-packages")]
sys.path += [{str(packages)!r}, {str(Path(messages.__file__).parents[3])!r}]
from pathlib import Path
from faena.kernel.errors import FaenaError
from faena.sweeps.learning.extras import why_no_export, why_not
from faena.sweeps.learning.messages import Task
from faena.sweeps.learning.sampler import Sampler
from faena.sweeps.schemas import Objective, Sampling
async def draw():
    task = Task(sweep="s", space={{}}, sampling=Sampling("bayesian"), objectives=[Objective("x", "minimize")])
    try:
        await Sampler(Path("log")).draw(task, 0, None)
    except FaenaError as error:
        return error.message
said = {{
    "tpe": why_not(Sampling("bayesian")), "cmaes": why_not(Sampling("cmaes")), "random": why_not(Sampling("random")),
    "gp": why_not(Sampling("bayesian", model="gp")), "export": why_no_export(), "draw": asyncio.run(draw()),
    "imported": [name for name in ("optuna", "scipy", "numpy", "torch") if name in sys.modules],
}}
print(json.dumps(said))
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], capture_output=True, check=False, env=child_environment()
    )
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    return found
