"""Headers of a request, as ASGI gives them."""

from __future__ import annotations


class Headers:
    """Names are in lower case, as servers give them."""

    def __init__(self, given: object) -> None:
        self._given: list[tuple[bytes, bytes]] = list(given)  # type: ignore[call-overload]  # pairs, as ASGI says

    def all(self, name: str) -> list[str]:
        wanted = name.encode()
        return [value.decode("latin-1") for key, value in self._given if key == wanted]

    def only(self, name: str) -> str | None:
        """None where there is none, or several: which of them counts would be anybody's guess."""
        found = self.all(name)
        return found[0] if len(found) == 1 else None

    def accepts(self, kind: str) -> bool:
        return any(kind in accepted for accepted in self.all("accept"))

    def cookie(self, name: str) -> str | None:
        for line in self.all("cookie"):
            for pair in line.split(";"):
                found, _, value = pair.strip().partition("=")
                if found == name:
                    return value
        return None
