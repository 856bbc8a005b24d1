"""What people and workspaces cost; for `benchmarks.scale`."""

from __future__ import annotations

import time
from contextlib import ExitStack
from itertools import cycle

from benchmarks.ground import workspace
from benchmarks.load import cpu_seconds
from benchmarks.memory import pss_mb, with_children
from benchmarks.postgresql import running
from benchmarks.scale_questions import Figures, Visitor, rest, timed
from benchmarks.team_ground import served, team
from faena import Workspace
from faena.workspaces import database_place

_REST_S = 10.0
_ASKING = 100
"""People who ask one after the other, each over a connection of their own."""


def of_people(kind: str, count: int) -> Figures:
    """Each with a token of their own."""
    with team(kind) as there:
        tokens = there.people(count)
        found = rest(there)
        visitors = [Visitor(there.url, token) for token in tokens[-_ASKING:]]
        first, turns = there.cpu()[0], cycle(visitors)
        for visitor in visitors:
            visitor.get("/me")
        told = 1000 * (there.cpu()[0] - first) / len(visitors)
        found["each of the last 100 is greeted: TLS, token, an answer"] = f"CPU {told:.1f} ms"
        found["they ask for the first page in turn"] = timed(there, lambda: next(turns).get("/ui/runs"))
        found["page: people"] = timed(there, lambda: visitors[0].get("/ui/people"))
        found["the API's list of people"] = timed(there, lambda: visitors[0].get("/people"))
        server, _ = there.memory()
        found["memory of the server, 100 connections open"] = f"{server:.0f} MB"
        for visitor in visitors:
            visitor.close()
    return found


def of_workspaces(kind: str, count: int) -> Figures:
    """Each has a server of its own; on PostgreSQL a database of its own, of one server."""
    with ExitStack() as all_of_them:
        url, pid = all_of_them.enter_context(running(count)) if kind == "postgresql" else ("", 0)
        databases = [url.replace("/faena?", f"/faena{number}?") for number in range(count)] if url else []
        first = all_of_them.enter_context(workspace())
        made = [
            first if not number else Workspace.create(f"bench{number}", first.folder.with_name(f"w{number}"))
            for number in range(count)
        ]
        began, servers = time.perf_counter(), []
        for number, each in enumerate(made):
            if databases:
                database_place.choose(each.files.path, databases[number])
            servers.append(all_of_them.enter_context(served(each))[1])
        started = (time.perf_counter() - began) / count
        time.sleep(2.0)
        before = sum(map(cpu_seconds, servers)), cpu_seconds(pid) if pid else 0.0
        time.sleep(_REST_S)
        used = sum(map(cpu_seconds, servers)) - before[0]
        held = sum(path.stat().st_blocks * 512 for each in made for path in each.files.path.rglob("*"))
        found = {
            "a server starts": f"{started:.1f} s",
            "servers at rest: memory": f"{sum(map(pss_mb, servers)):,.0f} MB",
            "servers at rest: CPU": f"{100 * used / _REST_S:.1f} % of a core",
            "on disk, empty": f"{held / 1e6:,.1f} MB",
        }
        if pid:
            of_database = 100 * (cpu_seconds(pid) - before[1]) / _REST_S
            found["the database at rest: CPU"] = f"{of_database:.1f} % of a core"
            found["the database at rest: memory"] = f"{sum(map(pss_mb, with_children(pid))):,.0f} MB"
    return found
