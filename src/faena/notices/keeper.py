"""Brings notices: each once it is due, again where that fails, until it came or there is no more hope."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from faena.db import Database, Write
from faena.kernel.clock import Clock
from faena.kernel.errors import FaenaError
from faena.kernel.lanes import Lane
from faena.kernel.notifications import Notifications
from faena.notices import messages, model, service, store
from faena.notices.failures import NeverBrought, NotBrought
from faena.notices.means import Means
from faena.notices.messages import Message
from faena.notices.model import Notice, Rule, Target, Way
from faena.notices.service import TOPIC, Targets

_log = logging.getLogger(__name__)

_QUIET = 60.0
_AFTER_FAILURE = 5.0
_AT_ONCE = 4
_KEPT_DAYS = 30
_DAY = 86_400_000_000
_LANE = Lane("notices", _AT_ONCE)


class Keeper:
    def __init__(
        self,
        database: Database,
        notifications: Notifications,
        clock: Clock,
        targets: Targets,
        workspace: str,
        means: Means,
        pages: Callable[[], str],
    ) -> None:
        """`pages`: where people find those of the server now; empty where nobody elsewhere does."""
        self._database = database
        self._notifications = notifications
        self._clock = clock
        self._targets = targets
        self._workspace = workspace
        self._means = means
        self.pages = pages

    async def run_forever(self) -> None:
        with self._notifications.subscribe(TOPIC) as subscription:
            while True:
                try:
                    pause = await self.step()
                except Exception:  # noqa: BLE001  a defect must not end all notices
                    _log.exception("notices could not be brought; the next try is in %g s", _AFTER_FAILURE)
                    pause = _AFTER_FAILURE
                await subscription.wait(pause)

    async def step(self) -> float:
        """Bring what is due; seconds until the next look."""
        now = self._clock.now()
        if due := await self._database.read_first(lambda read: store.due(read, now)):
            rules = {rule.id: rule for rule in await self._database.read_first(store.list_rules)}
            await asyncio.gather(*(self._try(notice, rules.get(notice.rule)) for notice in due))
            await self._database.write(lambda write: store.forget(write, now - _KEPT_DAYS * _DAY))
        following = await self._database.read_first(store.next_due)
        if following is None:
            return _QUIET
        return min(_QUIET, max(0.0, (following - self._clock.now()) / 1e6))

    async def _try(self, notice: Notice, rule: Rule | None) -> None:
        failure: str | None = None
        pause: float | None = None
        try:
            message = await self._database.read_first(
                lambda read: messages.of_notice(read, notice, self._workspace, self.pages())
            )
            if rule is not None and message is not None:
                await self.bring(rule, message)
        except FaenaError as error:  # what is kept of the rule cannot be read
            failure, pause = error.message, model.pause_after(notice.tries + 1)
        except NotBrought as error:
            failure = str(error)
            pause = None if isinstance(error, NeverBrought) else model.pause_after(notice.tries + 1)
        now = self._clock.now()
        due = None if pause is None else now + round(pause * 1e6)
        sent = now if failure is None else None

        def note(write: Write) -> None:
            store.note(write, notice.id, tries=notice.tries + 1, sent=sent, due=due, failure=failure)

        await self._database.write(note)

    async def bring(self, rule: Rule, message: Message) -> None:
        """Raises NotBrought."""
        experiment = message.values["run"]["experiment"]
        if why := await self._database.read_first(lambda read: service.withheld(read, rule, experiment)):
            raise NeverBrought(why)
        target = await asyncio.to_thread(self._targets.get, rule.id)
        if target is None:
            raise NeverBrought("where to is not known here any more: add the rule again")
        await _LANE.run(self._bring, rule, target, message)

    def _bring(self, rule: Rule, target: Target, message: Message) -> None:
        from faena.notices import commands, mail, webhook  # few servers bring any, and these load much

        notice_id = message.values["id"]
        match rule.way:
            case Way.WEBHOOK:
                webhook.send(target.to, target.key, notice_id, message.json, lambda to: self._may(rule, to))
            case Way.MAIL:
                mail.send(self._means.mail_server, self._means.mail_from, target.to, notice_id, message)
            case Way.COMMAND:
                commands.run(target.to, message)

    def doubt(self, rule: Rule, target: Target) -> str:
        """Why nothing can be brought as it is now; empty where nothing speaks against it. Blocks."""
        from faena.notices import webhook

        if rule.way is Way.MAIL and not self._means.mail_server:
            why = "this server has no mail server: FAENA_SERVER_MAIL_SERVER in docs/notices.md"
        elif rule.way is Way.WEBHOOK:
            why = webhook.doubt(target.to, lambda to: self._may(rule, to))
        else:
            why = ""
        return f"The rule is kept, and nothing will come as it is now: {why}." if why else ""

    def _may(self, rule: Rule, address: str) -> bool:
        """Who is on the server's host reaches what that host does."""
        return not rule.owner or model.may_reach(address, self._means.networks)
