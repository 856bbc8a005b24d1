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
