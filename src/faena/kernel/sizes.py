"""Numbers of bytes, as people write and read them: by powers of 1000."""

from __future__ import annotations

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def shown(value: int) -> str:
    """`712 B`, `4.2 kB`, `1.3 GB`."""
    if value < 1000:
        return f"{value} B"
    amount, units = value / 1000, ["kB", "MB", "GB", "TB"]
    while amount >= 999.5 and len(units) > 1:
        amount /= 1000
        del units[0]
    return f"{amount:.3g} {units[0]}"


def parsed(text: str) -> int:
    """Of `20GB`, `500 MB`, `1.5TB` or a number. Raises ValueError."""
    whole = text.replace(" ", "").upper()
    number = whole.rstrip("BKMGT")
    try:
        return round(float(number) * _UNITS[whole[len(number) :]])
    except (KeyError, ValueError, OverflowError):
        raise ValueError(f"{text[:40]!r} is no size. Use 500MB, 20GB or bytes.") from None
