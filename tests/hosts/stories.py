"""What happens to a run on another host: links that are cut, processes that are killed or stand still."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

from faena.testing.kills.evidence import after
from faena.testing.waiting import until
from tests.hosts.ground import Lease
from tests.hosts.namespaces import Way
from tests.hosts.trials import THERE, Scene, Story

WAYS: tuple[Way, ...] = ("both", "to", "from")
_RUNNING = frozenset({"Running"})
_SILENT = _RUNNING | {"NotResponding"}
_AGAIN = 30.0
"""Seconds that an attempt may take to begin, once the run may be given to it."""


def of_links(lease: Lease, short: float, longer: float, longest: float) -> Iterator[Story]:
    """Of cuts for so many seconds, each in all ways."""
    for way in WAYS:
        yield cut(short, way, lease)
        yield cut(longer, way, lease)
        yield cut(longest, way, lease)


def cut(seconds: float, way: Way, lease: Lease) -> Story:
    name = f"link cut {seconds:g} s, {way}"
    if seconds < lease.quiet:
        return Story(name, lambda scene: _hold(scene, seconds, way), 1, _RUNNING)
    if seconds < lease.fence:
        return Story(name, lambda scene: _answers_late(scene, seconds, way), 1, _SILENT)
    return Story(name, lambda scene: _is_lost(scene, seconds, way), 2, moved=True)


def _hold(scene: Scene, seconds: float, way: Way) -> None:
    with scene.host.away(way):
        scene.pass_time(seconds)
    scene.pass_time(3.0)


def _answers_late(scene: Scene, seconds: float, way: Way) -> None:
    with scene.host.away(way):
        over = after(seconds)
        scene.until_status("NotResponding", seconds)
        until(over, "the cut is over", seconds=seconds + 60)
    scene.until_status("Running", _AGAIN)


def _is_lost(scene: Scene, seconds: float, way: Way) -> None:
    """Its script is ended, and has been when the run goes again on the other host."""
    with scene.host.away(way):
        over = after(seconds)
        scene.until_status("NotResponding", seconds)
        scene.until_attempt(2, seconds + _AGAIN)
        assert scene.site.lived()[2].host == THERE
        until(over, "the cut is over", seconds=seconds + 60)
    scene.until_back()


def of_phases(lease: Lease) -> Iterator[Story]:
    """Of cuts that are long enough for a node to be lost, before its script starts and after it has ended."""
    yield Story("link cut before the start", lambda scene: _before_start(scene, lease), 2, unbegun=1)
    yield Story("link cut after the end", lambda scene: _after_end(scene, lease), 1, outputs=6)


def _before_start(scene: Scene, lease: Lease) -> None:
    """The node is given a run of which it never hears."""
    with scene.host.away():
        scene.submit()
        scene.until_status("Starting", 10.0)
        scene.join_other()
        scene.until_attempt(2, lease.lost + _AGAIN)
    scene.until_back()


def _after_end(scene: Scene, lease: Lease) -> None:
    """What the script left is on its way: the run says so, and has it once the link works again."""
    scene.site.release()
    until(lambda: scene.site.lived()[1].ended, "the script has ended", seconds=_AGAIN)
    with scene.host.away():
        scene.until_status("Completed", lease.lost + _AGAIN)
        assert "may be missing" in scene.note("left_on_node")
    until(lambda: "has come since" in scene.note("left_on_node"), "all has come", seconds=90)


def of_processes(lease: Lease) -> Iterator[Story]:
    yield Story("runner killed, again there", _runner_killed, 2)
    yield Story("runner killed, host gone", lambda scene: _runner_lost(scene, lease), 2, moved=True)
    yield Story("guard killed", lambda scene: scene.kill("guard"), 2)
    yield Story("script killed", lambda scene: scene.kill("script"), 2, retries=1)
    yield Story("runner stopped", lambda scene: _runner_stopped(scene, lease), 2, moved=True)
    yield Story("guard stopped, link cut", lambda scene: _guard_stopped(scene, lease), 2, moved=True)
    yield Story(
        "server killed, 10 s", lambda scene: _no_server(scene, min(10.0, lease.fence / 2)), 1, _SILENT
    )
    yield Story(
        "server stopped, 10 s", lambda scene: _server_stopped(scene, min(10.0, lease.fence / 2)), 1, _SILENT
    )
    yield Story("server killed, for long", lambda scene: _no_server(scene, lease.fence * 1.2), 2)


def _runner_killed(scene: Scene) -> None:
    os.kill(scene.runner.pid, signal.SIGKILL)
    scene.runner.wait()
    scene.start_again()


def _runner_lost(scene: Scene, lease: Lease) -> None:
    os.kill(scene.runner.pid, signal.SIGKILL)
    scene.until_attempt(2, lease.lost + _AGAIN)
    scene.start_again()


def _runner_stopped(scene: Scene, lease: Lease) -> None:
    """The guard has the clock: what becomes of the runner does not matter."""
    os.kill(scene.runner.pid, signal.SIGSTOP)
    try:
        scene.until_attempt(2, lease.lost + _AGAIN)
    finally:
        os.kill(scene.runner.pid, signal.SIGCONT)
    scene.until_back()


def _guard_stopped(scene: Scene, lease: Lease) -> None:
    """It cannot end the script, and is killed by its runner; the script dies with it."""
    os.kill(scene.pid("guard"), signal.SIGSTOP)
    with scene.host.away():
        scene.until_attempt(2, lease.lost + _AGAIN)
    scene.until_back()


def _no_server(scene: Scene, seconds: float) -> None:
    """Nobody on its host asks it anything meanwhile, so that none is started; then somebody does."""
    server = scene.site.do("server")
    os.kill(server, signal.SIGKILL)
    until(after(seconds), "it is away", seconds=seconds + 60)
    scene.pass_time(3.0)


def _server_stopped(scene: Scene, seconds: float) -> None:
    """It holds its own absence against nobody."""
    server = scene.site.do("server")
    os.kill(server, signal.SIGSTOP)
    until(after(seconds), "it is back", seconds=seconds + 60)
    os.kill(server, signal.SIGCONT)
    scene.pass_time(3.0)
