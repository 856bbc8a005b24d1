"""Use cases of notices: rules come and go, ends of runs are noted for them."""

from __future__ import annotations

import secrets
from pathlib import Path

from faena.db import Database, Read, Write
from faena.kernel.clock import Micros
from faena.kernel.errors import NotAllowed, NotFound, UserErrorException
from faena.kernel.ids import check_experiment_name, new_request_id
from faena.notices import model, store
from faena.notices.model import Notice, Rule, Target, Way
from faena.notices.schemas import RuleIn, RuleView
from faena.people import sharing
from faena.people import store as people
from faena.runs import store as runs
from faena.runs import transitions
from faena.workspaces import needs
from faena.workspaces.secrets import Secrets

TOPIC = "notices"
"""Rings when there is one to be brought."""
_TARGETS = "notices.json"
_MOST = 1000


class Targets:
    """Addresses, commands and keys of rules, encrypted in a file beside the database. Blocks."""

    def __init__(self, folder: Path) -> None:
        self._kept = Secrets(folder, _TARGETS)

    def put(self, rule_id: str, target: Target) -> None:
        self._kept.put({f"{rule_id}.to": target.to, f"{rule_id}.key": target.key})

    def get(self, rule_id: str) -> Target | None:
        """None where there is none, as in a restored copy of a workspace."""
        found = self._kept.get([f"{rule_id}.to", f"{rule_id}.key"])
        to, key = found[f"{rule_id}.to"], found[f"{rule_id}.key"]
        return None if to is None or key is None else Target(to, key)

    def remove(self, rule_id: str) -> None:
        self._kept.delete([f"{rule_id}.to", f"{rule_id}.key"])


def made(asked: RuleIn, owner: str, now: Micros) -> tuple[Rule, Target]:
    """Raises UserErrorException, and NotAllowed for a command of somebody who is not on the server's host."""
    given = [(way, to) for way in Way if (to := getattr(asked, way.value))]
    if len(given) != 1:
        raise UserErrorException(f"Give one of {', '.join(Way)}, not {len(given) or 'none'} of them.")
    [(way, to)] = given
    if way is Way.COMMAND and owner:
        raise NotAllowed(
            "A command is for who is on the server's host, where it would run. Use a webhook or a mail."
        )
    experiment = None if asked.experiment is None else check_experiment_name(asked.experiment)
    shown = model.checked_target(way, to)
    rule = Rule(
        secrets.token_hex(6), owner, way, shown, experiment, model.checked_ends(asked.ends), asked.below, now
    )
    return rule, Target(to, secrets.token_urlsafe(32))


def add(write: Write, rule: Rule) -> None:
    if len(store.list_rules(write)) >= _MOST:
        raise UserErrorException(
            f"There are {_MOST:,} rules for notices. Remove one before another is added."
        )
    store.add_rule(write, rule)


def get(read: Read, rule_id: str) -> Rule:
    found = next((each for each in store.list_rules(read) if each.id == rule_id), None)
    if found is None:
        raise NotFound(f"There is no rule {rule_id[:80]!a} for notices. `faena notice list` lists them.")
    return found


def withheld(read: Read, rule: Rule, experiment: str) -> str:
    """Why whoever made the rule is not told of a run of `experiment` now; empty: they are.

    Who was let in after the rule was made is somebody else by the same name.
    """
    if not rule.owner:
        return ""
    since = people.let_in_at(read, rule.owner)
    if since is None or since > rule.created_at:
        return f"{rule.owner} is let in no more"
    if experiment and not sharing.sees(read, rule.owner, experiment):
        return f"the run's experiment is not there for {rule.owner} any more"
    return ""


def view(rule: Rule, key: str = "", warning: str = "") -> RuleView:
    return RuleView(
        rule.id,
        rule.owner,
        rule.way.value,
        rule.shown,
        rule.experiment,
        rule.ends,
        rule.below,
        rule.created_at,
        key,
        warning,
    )


@transitions.on_end.add
def _note(write: Write, ended: transitions.Ended) -> None:
    """In the transaction of the end: a server that is killed after it brings the notice when it is back."""
    rules = store.list_rules(write)
    run = runs.get(write, ended.run_id) if rules else None
    if run is None:
        return
    status, is_below = ended.outcome.reason.status.value, run.parent is not None
    noted = [
        Notice(new_request_id(), rule.id, run.id, 0, ended.at)
        for rule in rules
        if rule.concerns(run.experiment, status, is_below=is_below)
        and (not rule.owner or sharing.sees(write, rule.owner, run.experiment))
    ]
    if noted:
        store.add(write, noted, ended.at)
        write.notify(TOPIC)


@needs.servers.add
def _is_waited_for(read: Read) -> bool:
    """A notice that is to be brought, now or at a further try."""
    return store.next_due(read) is not None


async def remove(database: Database, targets: Targets, rule_id: str) -> None:
    import asyncio

    await database.write(lambda write: store.remove_rule(write, rule_id))
    await asyncio.to_thread(targets.remove, rule_id)
