"""The end of an attempt: how its script ended, its last bytes and files, and its closing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from faena.attempts.checkpoint_files import STILL_S
from faena.attempts.folder import SPECIAL
from faena.attempts.output_names import remains
from faena.attempts.outputs import insist, keep
from faena.kernel import process_identity
from faena.kernel.errors import UserErrorException
from faena.node import data, notes, outcome
from faena.node.context import AttemptContext


def finish(
    context: AttemptContext,
    *,
    node: str = "",
    adopted: bool = False,
    removed: bool = False,
    told: Sequence[dict[str, str]] = (),
) -> dict[str, Any]:
    """Each step may be repeated, by this process or by the next one. What `node` is to do next.

    An attempt that leaves no files ends in one request. `removed`: its folder went while its script ran. `told`:
    notes that there are already.
    """
    order, api, key, folder = context.order, context.api, context.key, context.folder
    shipper = context.shipper
    found, ended = _outcome(context, adopted=adopted, removed=removed)
    started_at = folder.started_at()
    if started_at is None and (started_at := outcome.may_have_started_at(found, folder)) is not None:
        shipper.assume_started(started_at)
    restarted = adopted and order.get("boot", process_identity.boot()) != process_identity.boot()
    told = [*told, *_notes(context, restarted=restarted, removed=removed)]
    files, refused = remains(folder.code, SPECIAL)
    if files or refused or data.may_bring_back(order):
        insist(shipper.finish)
        insist(lambda: api.ended(key, found, ended))
        if not (restarted or removed):
            _take_last_checkpoint(context, found, ended, adopted=adopted)
        keep(api, key, files, refused)
        if started_at is not None:
            insist(lambda: _bring_back(context))
    ending = {"outcome": found, "started_at": started_at, "notes": told}
    following = insist(lambda: shipper.close(ending, node))
    folder.forget()
    return following


def _outcome(context: AttemptContext, *, adopted: bool, removed: bool) -> tuple[dict[str, Any], int | None]:
    """How the script ended, in the run's words, and when, in microseconds."""
    order, folder = context.order, context.folder
    if removed:
        found, ended = outcome.removed(folder), None
    else:
        found, ended = outcome.read(
            folder,
            context.key,
            order["max_run_duration_seconds"],
            adopted=adopted,
            was_in=order.get("folder") if adopted else None,
        )
    if found["reason"] != "completed":
        from faena.node.hints.advice import with_advice  # with all that is known of failures

        found = with_advice(found, folder, order)
        found = {**found, "message": context.redaction.text(found["message"])}
        if order["node_count"] > 1 and not order.get("distributed"):
            found["rank"] = context.key.rank
    return found, ended


def _notes(context: AttemptContext, *, restarted: bool, removed: bool) -> list[dict[str, str]]:
    """`restarted`: whether the machine was, while the script ran."""
    key, folder = context.key, context.folder
    found = [
        notes.unreadable(key, record, str(error)) for record, error in outcome.unreadable(folder).items()
    ]
    if restarted:
        found.append(notes.restarted())
    if (grace := outcome.killed_after(folder)) is not None:
        found.append(notes.killed(key, grace, context.order["node_count"]))
    if (clock := outcome.clock_set(folder)) is not None:
        found.append(notes.clock_set(key, *clock, elsewhere=not context.api.shares_files))
    if not removed and (left_out := context.events.finish()):
        found.append(notes.event_files(key, left_out))
    return found


def _take_last_checkpoint(
    context: AttemptContext, found: dict[str, Any], ended: int | None, *, adopted: bool
) -> None:
    """Once the script is gone. Who adopts an attempt knows of its files when they were written, and no more."""
    whole_until = None
    if adopted:
        context.checkpoints.know(insist(lambda: context.api.taken_checkpoint(context.key)))
        last = ended * 1000 if ended is not None else context.folder.last_written()
        whole_until = last - int(STILL_S * 1e9)
    context.checkpoints.finish(ended_well=found["reason"] == "completed", whole_until=whole_until)


def _bring_back(context: AttemptContext) -> None:
    if outcome.was_fenced(context.folder) and context.shipper.cancel_requested.is_set():
        if data.may_bring_back(context.order):  # what a later attempt has brought there is newer
            why = f"Not uploaded: what attempt {context.key.attempt} has left, since the run went on without it."
            context.api.note(context.key, "data_not_uploaded", why)
        return
    elsewhere = None if context.api.shares_files else context.api
    try:
        refused = data.bring_back(context.order, context.folder, elsewhere)
    except (KeyError, TypeError, AttributeError, UserErrorException) as error:  # a damaged order
        refused = [f"what the order says of it cannot be read ({type(error).__name__}: {error})"]
    if refused:
        context.api.note(context.key, "data_not_uploaded", f"Not uploaded: {data.some(refused)}.")
