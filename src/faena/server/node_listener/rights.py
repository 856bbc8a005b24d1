"""What may be asked by a machine, and by an attempt of a run there. Whatever is not here is refused.

A `*` stands for one part of a path, `**` for any rest, `{own}` for what the token is of.
"""

from __future__ import annotations

from functools import lru_cache

Rule = tuple[str, str]
"""Verbs with blanks between, and a path."""

JOIN = ("POST", "/nodes/join")

_BYTES: tuple[Rule, ...] = (
    ("GET", "/version"),
    ("GET HEAD", "/objects/*"),
    ("GET", "/objects/*/address"),
    ("POST", "/objects/missing"),
    ("POST", "/objects/several"),
    ("POST", "/objects/batch"),
    ("GET PUT", "/uploads/*"),
    ("GET", "/snapshots/**"),
    ("GET", "/environment-locks/**"),
    ("GET", "/datastores/**"),
    ("GET", "/sample-data/**"),
)
OF_MACHINE: tuple[Rule, ...] = (
    ("POST", "/nodes/{own}/work"),
    ("POST", "/nodes/{own}/beat"),
    ("POST", "/nodes/{own}/leave"),
    # endpoints whose fronts are there, of which the server names no others
    ("GET PUT", "/nodes/{own}/endpoints"),
    ("GET", "/nodes/{own}/endpoints/*/revisions/*"),
    ("POST", "/nodes/{own}/endpoint-answers/*"),
    *_BYTES,
)
OF_BRIDGE: tuple[Rule, ...] = (
    ("POST", "/ray/{own}/gangs"),
    ("GET", "/runner.zip"),
)
"""Of the one who has a Ray cluster start nodes, which join with the same token. `{own}`: the cluster of ours."""
OF_ATTEMPT: tuple[Rule, ...] = (
    ("GET POST PUT", "/attempts/{own}/**"),
    *_BYTES,
    # what a script asks, of its own run and of others, as one on the server's host may
    *(
        ("GET", f"/{word}/**")
        for word in ("runs", "models", "datasets", "file-datasets", "experiments", "environments", "sweeps")
    ),
    ("GET", "/workspace"),
    ("GET", "/runs"),
    ("GET", "/models"),
    ("POST", "/runs"),
    ("PATCH", "/runs/*"),
    ("PUT", "/runs/*/tags"),
    ("DELETE", "/runs/*/tags"),
    ("PUT", "/runs/*/properties"),
    ("PUT", "/runs/*/metrics/*"),
    ("POST", "/runs/*/files"),
    ("PUT", "/models/*/registrations/*"),
    ("POST PUT", "/datasets/**"),
    ("POST PUT", "/file-datasets/**"),
    ("PUT", "/datastores/*/content"),
    ("POST", "/secrets/values"),
    ("POST", "/door/runs/{own}"),
)


def allows(rules: tuple[Rule, ...], own: str, verb: str, path: str) -> bool:
    """`own`: what stands for `{own}`, which may have several parts."""
    parts = path.split("/")
    if {".", ".."} & set(parts):
        return False
    return any(
        verb in verbs and _is(pattern, own, parts) for verbs, pattern in _by_word(rules).get(_word(parts), ())
    )


@lru_cache(8)
def _by_word(rules: tuple[Rule, ...]) -> dict[str, list[tuple[list[str], str]]]:
    """By the first word of the path: verbs, and the path."""
    found: dict[str, list[tuple[list[str], str]]] = {}
    for verbs, pattern in rules:
        found.setdefault(_word(pattern.split("/")), []).append((verbs.split(), pattern))
    return found


def _word(parts: list[str]) -> str:
    return parts[1] if len(parts) > 1 else ""


def _is(rule: str, own: str, parts: list[str]) -> bool:
    pattern = rule.replace("{own}", own).split("/")
    if pattern[-1] == "**":
        pattern, parts = pattern[:-1], parts[: len(pattern) - 1]
    return len(pattern) == len(parts) and all(
        wanted in ("*", found) for wanted, found in zip(pattern, parts, strict=True)
    )
