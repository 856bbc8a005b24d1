"""`python -m faena.server FOLDER`: the server of the workspace in FOLDER, unless another process is it already."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import logging
import os
import signal
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from faena.kernel import leftovers, settings
from faena.kernel.discovery import Rendezvous
from faena.kernel.errors import FaenaError
from faena.kernel.startup_errors import REFUSED, refusal, tell_reason
from faena.server.election import Leadership
from faena.server.several.common_clock import CommonClock
from faena.server.several.membership import Membership, are_there_others
from faena.server.taking_over import take_over

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable

    from faena.server.restart.handed_on import HandedOn
    from faena.server.restart.taking_place import Shared

_IDLE_SECONDS = 60.0
_LEAVING_SECONDS = 30.0
"""Seconds in which a server that leaves has closed all; what it acknowledged is on the disk long before."""


class NotStarted(Exception):
    """Why no server can be made of this process."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(cause)
        self.cause = cause


SHARED = "--shared"
"""In the place of the descriptor: a server for people elsewhere, set up by its environment, in the foreground."""


REHEARSAL = "--rehearse"
"""Likewise: whether a shared server would start."""


def main() -> None:
    """The second argument, where there is one: a descriptor to say the reason by, where this cannot be the server."""
    folder = Path(sys.argv[1])
    if sys.argv[2:] == [REHEARSAL]:
        from faena.server.restart.rehearsal import rehearse

        sys.exit(rehearse(folder))
    is_shared = sys.argv[2:] == [SHARED]
    if is_shared:
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)  # until it can be restarted
    descriptor = int(sys.argv[2]) if len(sys.argv) > 2 and not is_shared else None
    if descriptor is not None:
        os.set_inheritable(descriptor, False)
    try:
        _be_server(folder, is_shared=is_shared)
    except NotStarted as error:
        reason = refusal(error.cause, folder)
        if descriptor is not None:
            tell_reason(descriptor, reason)
        sys.stderr.write(f"{reason.message}\n")
        sys.exit(REFUSED)


def _be_server(folder: Path, *, is_shared: bool) -> None:
    """Silent where another process is the server already; a shared one takes its place. Raises NotStarted."""
    from faena.workspaces.model import refuse_foreign

    shared = None
    try:
        if is_shared:
            from faena.server.restart.taking_place import Shared

            shared = Shared.of_this_process()
        refuse_foreign(folder)
        # before the slow imports: clients connect and wait
        leadership = _taken(folder, shared)
    except (OSError, FaenaError) as error:
        raise NotStarted(error) from error
    if leadership is None:
        return  # whoever started this one finds the other at the socket
    left = None
    try:
        left = asyncio.run(_serve(leadership, shared))
    except ImportError as error:  # an installation that is not whole
        raise NotStarted(error) from error
    finally:
        if left is None or left.handed_on is None:
            leadership.leave()
        if left is not None and left.needs_successor:
            logging.info("what came while this server left needs the next one, which is started")
            with contextlib.suppress(FaenaError):  # else whoever asks next starts it
                Rendezvous(folder).start_server().close()
        with contextlib.suppress(OSError, FaenaError):
            leftovers.sweep(settings.runtime())
    if left.handed_on is not None and shared is not None:
        from faena.server.restart.handed_on import go_on_as

        go_on_as((str(folder), SHARED), left.handed_on, shared.given)
    if left.failure:
        sys.exit(left.failure)


def _taken(folder: Path, shared: Shared | None) -> Leadership | Membership | None:
    """None where this process is not needed. Raises OSError and FaenaError."""
    from faena.workspaces import database_place

    if shared is not None and shared.settings.database:
        database_place.choose(folder, shared.settings.database)
    if not isinstance(database_place.place(folder), Path):  # which several processes may have
        if shared is not None:
            return Membership(folder, shared.shared_lock)
        if are_there_others(folder):
            return None
    if shared is None:
        return Leadership.take(folder)
    if shared.left is not None and shared.left.is_served:
        return Leadership.handed_on(folder, shared.left)
    return take_over(folder)


@dataclass(slots=True)
class _Left:
    """How a server left."""

    needs_successor: bool = False
    handed_on: HandedOn | None = None
    """To the next one, in this process."""
    failure: str = ""
    """Why it had to, where that was no good order."""


async def _serve(leadership: Leadership | Membership, started: Shared | None) -> _Left:
    from faena.server.starting import uncollected

    with uncollected():
        import uvicorn

        from faena.environments import user_pythons
        from faena.kernel.clock import SystemClock
        from faena.kernel.installation import installed
        from faena.server import object_files
        from faena.server.app import House, open_house
        from faena.server.application import build_app
        from faena.server.collecting import collect_now_and_then
        from faena.server.lifetime import Leaving, until_leaving
        from faena.server.listener import bounds
        from faena.server.listener.configuration import configured
        from faena.server.listener.leaving import sent_on
        from faena.server.listener.quiet import QuietServer
        from faena.server.listener.repeats import CountingHandler, tell_often
        from faena.server.operation import logs
        from faena.server.operation.probes import with_probes
        from faena.server.restart.handed_on import HandedOn, reap
        from faena.server.restart.restarting import Restarting, ready_to_restart
        from faena.server.several.steward import Steward
        from faena.workspaces import database_place
        from faena.workspaces.identity import claim
        from faena.workspaces.model import open_folder

    shared = None if started is None else started.settings
    log = CountingHandler()
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(format=form, level=logging.INFO, handlers=[log])
    if shared is not None and shared.log_format == "json":
        log.setFormatter(logs.JsonFormatter())
        logs.tell_requests()
    bounds.raise_descriptors()
    asked = asyncio.Event()
    running = installed()
    restarting = Restarting(leadership.folder, None if started is None else started.given, asked.set)

    def is_lost() -> bool:
        """Then the next server of this path need not wait for this one."""
        if leadership.lost() is None:
            return False
        leadership.give_up()
        return True

    left = _Left()
    reasons: list[Leaving] = []

    def look(house: House) -> Awaitable[Leaving]:
        return until_leaving(
            asked,
            house.activity,
            lambda: house.is_idle,
            idle_seconds=float(os.environ.get("FAENA_SERVER_IDLE_SECONDS", _IDLE_SECONDS)),
            is_damaged=lambda: house.database.look() is not None,
            is_broken=lambda: bool(house.broken or steward.deposed),
            is_lost=is_lost,
            running=running,
        )

    async def leave(house: House, server: uvicorn.Server) -> None:
        reason = await restarting.reason(lambda: look(house))
        if reason is Leaving.RESTARTED:
            left.handed_on = house.team.hand_on(leadership.hand_on(HandedOn(os.getpid())))
        if reason is Leaving.LOST:
            logging.info("leaving: %s", leadership.lost())
            leadership.give_up()
            server.force_exit = True  # whoever waits for an answer asks again, where the workspace is now
        elif reason is Leaving.BROKEN:
            left.failure = f"leaving: {reason}: {house.broken or steward.deposed}"
        else:
            logging.info("leaving: %s", reason)
        # a thread whose disk or file system never answers must not keep the workspace from its next server
        faulthandler.dump_traceback_later(_LEAVING_SECONDS, exit=True)
        house.watched.readiness.leaving = True
        reasons.append(reason)
        if reason.is_orderly and leadership.is_last:
            await house.engine.close()
        server.should_exit = True

    drain = 0.0 if shared is None else shared.drain

    def say_so() -> None:
        house.watched.readiness.leaving = True

    def told() -> None:
        """By a signal to end."""
        left.handed_on = None
        restarting.is_asked = False
        faulthandler.dump_traceback_later(drain + _LEAVING_SECONDS, exit=True)
        say_so()

    async with AsyncExitStack() as stack:
        try:
            folder = claim(open_folder(leadership.folder))
            if shared is not None and shared.objects:
                await asyncio.to_thread(object_files.choose, folder, shared.objects, shared.objects_cache)
            clock = CommonClock(SystemClock())
            is_alone = isinstance(database_place.place(leadership.folder), Path)
            house = await stack.enter_async_context(
                open_house(folder, clock, is_lost, shared, leads=is_alone)
            )
            steward = Steward(house, leadership, clock)
            with uncollected():
                app = build_app(house, asked.set, is_lost, steward.seat, restarting.ask)
            restarting.until_ready = lambda: ready_to_restart(
                None if is_alone else say_so, drain, house.team.until_nothing_moves
            )
            await steward.begin(app)
            stack.push_async_callback(steward.end)
            await house.team.open(app, None if started is None else started.left)
            await steward.be_told()
            if house.team.url:
                sys.stderr.write(f"People sign in at {house.team.url}\n")
        except Exception as error:
            raise NotStarted(error) from error
        server = QuietServer(
            configured(
                sent_on(with_probes(app, house.watched.readiness)),
                bounds.for_socket(),
                backlog=512,
                keep_alive=3600,
            ),
            house.watched.lag.late,
            drain=drain,
            told=told,
        )
        restarting.listen()
        reap([] if started is None else started.children)
        leaving = asyncio.create_task(leave(house, server))
        leaving.add_done_callback(lambda _: setattr(server, "should_exit", True))  # also where it fails
        telling = asyncio.gather(
            tell_often(log), collect_now_and_then(), asyncio.to_thread(user_pythons.warn)
        )
        own = [leadership.listener] if isinstance(leadership, Leadership) else []
        await server.serve(sockets=own)
        if leaving.done() and (failure := leaving.exception()) is not None:
            logging.error("leaving failed", exc_info=failure)
            left.failure = left.failure or f"leaving failed: {failure!r}"
        for task in (leaving, telling):
            task.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        if reasons and reasons[0].may_have_successor:
            # nobody can bring any work from here on; machines that have joined cannot start the next server
            misses = reasons[0] is Leaving.OUTDATED and house.node_listener.is_open
            left.needs_successor = misses or await house.has_work()
    return left


if __name__ == "__main__":
    if sys.argv[2:] != [SHARED]:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    main()
