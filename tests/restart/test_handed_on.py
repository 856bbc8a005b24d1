"""What a server leaves to the next one of its process, and how it comes to that."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from faena.kernel.errors import Conflict, UserErrorException
from faena.people.settings import as_given, read
from faena.server.election import Leadership
from faena.server.lifetime import Leaving
from faena.server.restart.handed_on import HandedOn, children, reap, taken
from faena.server.restart.restarting import Restarting
from faena.workspaces.model import create_folder

VARIABLE = "FAENA_HANDED_ON"


def environment(left: HandedOn) -> dict[str, str]:
    return {VARIABLE: msgspec.json.encode(left).decode()}


class TestTaken:
    def test_descriptors_are_for_the_process_and_for_none_of_its_children(self) -> None:
        ours, theirs = os.pipe()
        os.set_inheritable(ours, True)
        try:
            given = environment(HandedOn(os.getpid(), people=ours))
            left = taken(given)
            assert left is not None
            assert left.descriptors == (ours,)
            assert not os.get_inheritable(ours)
            assert given == {}
        finally:
            os.close(ours)
            os.close(theirs)

    @pytest.mark.parametrize("said", ["", "{}", "[", '{"pid": "one"}'])
    def test_what_is_no_such_thing_is_nothing(self, said: str) -> None:
        assert taken({VARIABLE: said}) is None

    def test_what_another_process_was_left_is_not_ours(self) -> None:
        assert taken(environment(HandedOn(os.getpid() + 1, people=0))) is None


def test_the_next_server_has_the_locks_and_whoever_connects_meanwhile_is_answered(tmp_path: Path) -> None:
    folder = create_folder(tmp_path, "team").path
    first = Leadership.take(folder)
    assert first is not None
    left = first.hand_on(HandedOn(os.getpid()))
    assert left.is_served
    first.listener.close()  # as it does when it leaves
    with socket.socket(socket.AF_UNIX) as early:
        early.connect(str(first.socket))
        assert Leadership.take(folder) is None, "nobody else is elected between the two"
        second = Leadership.handed_on(folder, left)
        try:
            assert second.lost() is None
            second.listener.accept()[0].close()
        finally:
            second.listener.close()
            second.leave()


def test_the_children_of_the_server_before_do_not_stay_as_dead_ones() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert child.pid in children()

    async def ended() -> None:
        reap([child.pid])
        assert child.stdin is not None
        child.stdin.close()
        async with asyncio.timeout(60):
            while Path(f"/proc/{child.pid}").exists():
                await asyncio.sleep(0.005)

    asyncio.run(ended())
    child.wait()


def test_the_next_server_reads_the_file_of_settings_as_it_is_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "server.toml"
    file.write_text("port = 1\naddress = '10.0.0.1'\n")
    given = as_given({"FAENA_SERVER_OWNER": "ada", "PATH": "/bin"}, Path("server.toml"), {"port": "2"})
    monkeypatch.chdir("/")
    file.write_text("port = 1\naddress = '10.0.0.2'\n")
    found = read(given)
    assert (found.address, found.port, found.owner) == ("10.0.0.2", 2, "ada")


class Asked:
    """A server that is asked to restart; `fault`: why the next one would not start."""

    def __init__(self, *, is_shared: bool = True, fault: str = "") -> None:
        self.fault = fault
        self.left = asyncio.Event()
        self.restarting = Restarting(
            Path("team"), {} if is_shared else None, self.left.set, lambda folder, given: self._found()
        )

    async def _found(self) -> str:
        return self.fault


class TestAsking:
    def test_it_leaves_once_large_transfers_are_over(self) -> None:
        async def scenario() -> None:
            asked, over = Asked(), asyncio.Event()

            async def moved() -> None:
                await over.wait()

            asked.restarting.until_ready = moved
            await asked.restarting.ask()
            await asked.restarting.ask()  # twice is once
            assert not asked.left.is_set()
            over.set()
            await asked.left.wait()

            async def look() -> Leaving:
                return Leaving.ASKED

            assert await asked.restarting.reason(look) is Leaving.RESTARTED

        asyncio.run(scenario())

    def test_it_goes_on_where_the_next_one_would_not_start(self) -> None:
        async def scenario() -> None:
            asked = Asked(fault="the port is taken.")
            with pytest.raises(Conflict, match=r"would not start: the port is taken\. This one goes on"):
                await asked.restarting.ask()
            assert not asked.left.is_set()

        asyncio.run(scenario())

    def test_one_that_was_started_in_the_background_is_stopped_instead(self) -> None:
        async def scenario() -> None:
            with pytest.raises(UserErrorException, match="faena server stop"):
                await Asked(is_shared=False).restarting.ask()

        asyncio.run(scenario())

    def test_what_is_installed_anew_is_waited_for_until_it_is_whole(self) -> None:
        async def scenario() -> None:
            asked = Asked(fault="No module named 'faena.kernel'")
            looks = 0

            async def look() -> Leaving:
                nonlocal looks
                looks += 1
                if looks == 3:
                    asked.fault = ""
                if looks == 4:
                    await asked.left.wait()
                    return Leaving.ASKED
                return Leaving.OUTDATED

            assert await asked.restarting.reason(look) is Leaving.RESTARTED

        asyncio.run(scenario())

    def test_other_reasons_are_as_ever(self) -> None:
        async def scenario() -> None:
            async def idle() -> Leaving:
                return Leaving.IDLE

            async def outdated() -> Leaving:
                return Leaving.OUTDATED

            assert await Asked().restarting.reason(idle) is Leaving.IDLE
            assert await Asked(is_shared=False).restarting.reason(outdated) is Leaving.OUTDATED

        asyncio.run(scenario())
