"""A name for a run that was given none by who knows runs by names alone: two words and a number, easily said."""

from __future__ import annotations

import secrets

_KINDS = (
    "amber", "brave", "calm", "clever", "crisp", "eager", "early", "fair", "gentle", "golden", "grand", "happy",
    "keen", "lively", "lucky", "merry", "mild", "noble", "proud", "quick", "quiet", "rapid", "ready", "shiny", "silent",
    "smooth", "steady", "sunny", "swift", "tidy", "warm", "wise",
)  # fmt: skip
_THINGS = (
    "ant", "bear", "bee", "cat", "crane", "crow", "deer", "dove", "duck", "eagle", "elk", "finch", "fox", "goat",
    "hare", "hawk", "heron", "horse", "ibis", "jay", "lark", "lynx", "mole", "moth", "otter", "owl", "ram", "seal",
    "stork", "swan", "toad", "wren",
)  # fmt: skip


def new() -> str:
    return f"{secrets.choice(_KINDS)}-{secrets.choice(_THINGS)}-{secrets.randbelow(1000)}"
