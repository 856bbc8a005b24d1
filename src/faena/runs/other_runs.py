"""Which other runs a submission names: those whose files, or whose checkpoint, the run was given. No I/O."""

from __future__ import annotations

import re
from collections.abc import Collection

import msgspec
from msgspec.structs import replace

from faena.kernel.errors import FaenaError
from faena.runs.submission_schemas import Submission

PRIVATE = "(private)"
"""What stands for the id of a run that whoever reads is not to know of. No run is called so."""
_NAMED = re.compile(rb'"run":"([^"\\]+)"')
"""As a submission is encoded. It finds too many at worst: a quotation mark within a text has a backslash before it."""


def named(submission: bytes) -> set[str]:
    """Their ids."""
    return {each.decode("utf-8", "replace") for each in _NAMED.findall(submission)}


def without(submission: bytes, hidden: Collection[str]) -> bytes:
    """The submission, with `PRIVATE` for each of these ids; one that cannot be read names nobody any more."""
    if not hidden:
        return submission
    try:
        asked = without_in(msgspec.json.decode(submission, type=Submission), hidden)
    except (msgspec.DecodeError, FaenaError, ValueError):
        return b""
    return msgspec.json.encode(asked)


def without_in(asked: Submission, hidden: Collection[str]) -> Submission:
    inputs = tuple(
        replace(each, run=PRIVATE, digest="") if each.run in hidden else each for each in asked.inputs
    )
    went_on = asked.checkpoint
    if went_on is not None and went_on.run in hidden:
        went_on = replace(went_on, run=PRIVATE, digest="")
    return replace(asked, inputs=inputs, checkpoint=went_on)
