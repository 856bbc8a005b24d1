"""Stretches of time, as people read them."""


def shown(seconds: float) -> str:
    """`0.42 s`, `12.3 s`, `2 m 05 s`, `3 h 07 m`, `4 d 02 h`."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} m"
    return f"{whole // 86400} d {whole % 86400 // 3600:02d} h"


def rough(seconds: float) -> str:
    """`40 s`, `12 m`, `3 h`, `2 d`: of what is guessed, one number."""
    for most, size, unit in ((90, 1, "s"), (5400, 60, "m"), (129_600, 3600, "h")):
        if seconds < most:
            return f"{max(1, round(seconds / size))} {unit}"
    return f"{round(seconds / 86400)} d"


def until(micros: int) -> str:
    """`now`, or `in 12 m`: of a time ahead that is guessed."""
    return "now" if micros < 5_000_000 else f"in {rough(micros / 1e6)}"
