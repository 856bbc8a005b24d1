"""What a server does at a signal to leave, and which socket it listens at."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Iterator

import pytest
import uvicorn

from faena.server.listener.binding import bound, handed_over
from faena.server.listener.quiet import QuietServer


async def _nothing(*_: object) -> None:
    pass


@pytest.mark.parametrize("again", [False, True], ids=["waited for", "asked twice"])
def test_it_says_at_once_that_it_leaves_and_leaves_when_balancers_know(again: bool) -> None:
    async def leave() -> list[str]:
        seen: list[str] = []
        server = QuietServer(
            uvicorn.Config(_nothing), drain=600 if again else 0.05, told=lambda: seen.append("told")
        )
        server.handle_exit(signal.SIGTERM, None)
        seen.append(f"leaves: {server.should_exit}")
        if again:
            server.handle_exit(signal.SIGTERM, None)
        async with asyncio.timeout(30):
            await server.main_loop()
        return seen

    assert asyncio.run(leave()) == ["told", "leaves: False", *(["told"] if again else [])]


def test_the_process_goes_on_until_all_is_closed() -> None:
    """Were the signal raised again after serving, it would end before its listeners and its database are closed."""

    async def leave() -> bool:
        server = QuietServer(uvicorn.Config(_nothing))
        with server.capture_signals():
            signal.raise_signal(signal.SIGINT)
            async with asyncio.timeout(30):
                await server.main_loop()
        return server.should_exit

    assert asyncio.run(leave())


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with bound("127.0.0.1", 0, 5) as made:
        yield made


def environment(pid: int, count: int = 1) -> dict[str, str]:
    return {"LISTEN_PID": str(pid), "LISTEN_FDS": str(count)}


class TestHandedOver:
    def test_a_server_listens_at_what_its_supervisor_opened(self, listener: socket.socket) -> None:
        given = environment(os.getpid())
        with socket.create_connection(listener.getsockname()) as early:
            found = handed_over(given, os.dup(listener.fileno()))
            assert found is not None
            with found:
                assert not found.get_inheritable()
                with found.accept()[0] as accepted:
                    assert accepted.getpeername() == early.getsockname()
        assert given == {}, "children take nothing for theirs"

    def test_what_is_meant_for_another_process_is_not_ours(self, listener: socket.socket) -> None:
        assert handed_over(environment(os.getpid() + 1), listener.fileno()) is None
        assert handed_over(environment(os.getpid(), 2), listener.fileno()) is None
        assert handed_over({}, listener.fileno()) is None

    def test_a_socket_that_does_not_listen_is_refused(self) -> None:
        with socket.socket() as other, pytest.raises(OSError, match="does not listen"):
            handed_over(environment(os.getpid()), other.fileno())
