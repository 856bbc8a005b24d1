"""Numbers with their nouns, as people write them."""


def counted(number: float, noun: str, *, several: str = "") -> str:
    """`1 file`, `2,000 files`, `0.5 seconds`; `several` is the plural where it is not the noun with an s."""
    shown = f"{number:,}" if isinstance(number, int) else f"{number:g}"
    return f"{shown} {noun if number == 1 else several or noun + 's'}"
