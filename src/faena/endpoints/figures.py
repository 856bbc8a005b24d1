"""Rates, times and shares of endpoints in words, the same on pages and in the terminal. No I/O."""

from __future__ import annotations

from faena.endpoints.schemas import ActivityView, EndpointView, RevisionView

NONE = "-"
_LONGEST = 60.0
"""Seconds up to which times are counted."""


def rate(per_second: float) -> str:
    """`0/s`, `0.35/s`, `12.4/s`, `1,234/s`."""
    if per_second == 0:
        return "0/s"
    if per_second < 1:
        return f"{per_second:.2f}/s"
    return f"{per_second:.1f}/s" if per_second < 100 else f"{per_second:,.0f}/s"


def latency(seconds: float | None) -> str:
    """`0.42 ms`, `8.1 ms`, `120 ms`, `1.2 s`."""
    if seconds is None:
        return NONE
    if seconds >= _LONGEST:
        return f"over {_LONGEST:g} s"
    if seconds >= 1:
        return f"{seconds:.1f} s"
    milliseconds = seconds * 1000
    digits = 2 if milliseconds < 1 else 1 if milliseconds < 10 else 0
    return f"{milliseconds:.{digits}f} ms"


def errors(activity: ActivityView) -> str:
    """How many, and with which statuses: `0`, `12: 502 (3), 401 (9)`."""
    found = [f"{status} ({count:,})" for status, count in activity.statuses.items() if int(status) >= 400]
    return f"{activity.errors:,}: {', '.join(found)}" if found else "0"


def shadow(counts: dict[str, int]) -> str:
    """`1,204 same, 3 different`; empty where nobody was asked."""
    known = [name for name in ("same", "different", "skipped") if counts.get(name)]
    return ", ".join(f"{counts[name]:,} {name}" for name in known)


def share(of: RevisionView, shown: EndpointView) -> str:
    """What it gets of all that is asked, and what it got where that differs: `90 %`, `90 % (88 % now)`, `shadow`.

    What a shadow is asked besides is nobody's share.
    """
    if shown.shadow == of.number and not of.weight:
        return "shadow"
    whole = sum(each.weight for each in shown.revisions)
    wanted = 100 * of.weight / whole if of.weight else 0
    weight = f"{wanted:.3g} %" if of.weight else ""
    counts = {} if shown.activity is None else shown.activity.revisions
    answered = {number: count for number, count in counts.items() if number != str(shown.shadow)}
    if shown.shadow == of.number or not (total := sum(answered.values())):
        return weight
    got = f"{100 * answered.get(str(of.number), 0) / total:.0f} %"
    return weight if got in ("0 %", f"{wanted:.0f} %") else f"{weight} ({got} now)".strip()


def cpu(cores: float | None) -> str:
    """`0 %`, `4 %`, `130 %` of a core."""
    return "" if cores is None else f"{cores * 100:.0f} %"


def models(revision: RevisionView) -> str:
    return ", ".join(f"{use.name}:{use.version}" for use in revision.models) or "none"


def workers(revision: RevisionView) -> str:
    """`2 of 2`, how many are ready; how many there are to be where none is known."""
    ready = sum(each.state in ("Ready", "Busy") for each in revision.processes)
    return f"{ready} of {revision.workers.count}" if revision.processes else str(revision.workers.count)


def place(shown: EndpointView) -> str:
    """`shop/shed`: its cluster and machine; empty for what is on the server's host."""
    cluster = shown.settings.cluster
    return f"{cluster}/{shown.machine}" if shown.machine else f"{cluster}, no machine yet" if cluster else ""
