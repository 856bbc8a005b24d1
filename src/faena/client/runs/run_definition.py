"""`runDefinition` of a run's details, by the names of 2018 as well."""

from __future__ import annotations

from typing import Any


class RunDefinition(dict[str, Any]):
    """v1's answers had `Arguments` before they had `arguments`, and so on: scripts ask for either."""

    def __missing__(self, key: str) -> Any:
        later = key[:1].lower() + key[1:] if isinstance(key, str) else key
        if later == key:
            raise KeyError(key)
        return self[later]
