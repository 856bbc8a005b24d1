"""What the pages ask of the server, which is all that a browser's session may: decision 44 says of each line why."""

from __future__ import annotations

import re

PAGES = "/ui/"
_READING = ("GET", "HEAD")
ACTIONS = (
    "cancel",
    "rerun",
    "register",
    "archive",
    "unarchive",
    "delete",
    "note",
    "tags",
    "comment",
    "uncomment",
)
"""What a run's page does with its run, each by a form of its own."""
MODEL_ACTIONS = ("alias", "unalias")
"""What a model's page does with its aliases."""
PEOPLE_ACTIONS = ("role", "remove", "revoke")
"""What the page of people does: it makes no tokens, since a session must not make what outlives it. One that was begun
a moment ago confirms one that `faena login --browser` has made, by the page `/ui/log-in`."""
QUOTA_ACTIONS = ("quota",)
"""What the page of quotas does."""
SHARING_ACTIONS = ("private", "public", "share", "unshare", "owner")
"""What the page of an experiment's rights does."""
NOTICE_ACTIONS = ("notice", "unnotice")
"""What the page of notices does. It adds no commands, which run on the server's host."""
TRACE_ACTIONS = ("feedback",)
"""What a trace's page does."""
_ASKED = tuple(
    re.compile(line)
    for line in (
        rf"/ui/runs/[^/]+/do/({'|'.join(ACTIONS)})",
        rf"/ui/models/[^/]+/do/({'|'.join(MODEL_ACTIONS)})",
        rf"/ui/people/do/({'|'.join(PEOPLE_ACTIONS)})",
        r"/ui/log-in",
        rf"/ui/quotas/do/({'|'.join(QUOTA_ACTIONS)})",
        rf"/ui/sharing/do/({'|'.join(SHARING_ACTIONS)})",
        rf"/ui/notices/do/({'|'.join(NOTICE_ACTIONS)})",
        rf"/ui/traces/[^/]+/do/({'|'.join(TRACE_ACTIONS)})",
        r"/ui/deletions/[0-9]+/undo",
        r"/sweeps/[^/]+/(pause|resume)",
        r"/endpoints/[^/]+/try",
        r"/views",
    )
)
_VIEW = re.compile(r"/views/[0-9]+")
"""A saved view is renamed and deleted by these verbs."""


def is_asked(verb: str, path: str) -> bool:
    """Whether a page does this: read what is below `PAGES`, or one of the lines above."""
    if verb in _READING:
        return path == PAGES.rstrip("/") or path.startswith(PAGES)
    if verb in ("PATCH", "DELETE"):
        return _VIEW.fullmatch(path) is not None
    return verb == "POST" and any(line.fullmatch(path) for line in _ASKED)


def is_page(address: str) -> bool:
    """Whether it is the address of one of our pages, whatever a browser makes of it."""
    return address.startswith(PAGES) and all("!" <= each <= "~" and each != "\\" for each in address)
