"""Lists and dicts that are attributes of the helper's objects: a copy here, whose changes are made there, too."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Tuple

    Session = Any  # of `session`, which imports this

_OF_LISTS = ("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort")
_OF_DICTS = ("clear", "pop", "popitem", "setdefault", "update")
_OF_BOTH = ("__setitem__", "__delitem__")
_IN_PLACE = ("__iadd__", "__imul__")


class LiveList(list):  # type: ignore[type-arg]  # Python 3.8 cannot say of what
    """As the helper has it, and it has every change."""

    _faena: Any = None

    def __reduce__(self) -> Tuple[Any, Tuple[Any]]:
        return list, (list(self),)

    def __del__(self) -> None:
        _release(self)


class LiveDict(dict):  # type: ignore[type-arg]  # likewise
    """As the helper has it, and it has every change."""

    _faena: Any = None

    def __reduce__(self) -> Tuple[Any, Tuple[Any]]:
        return dict, (dict(self),)

    def __del__(self) -> None:
        _release(self)


def live(session: Session, number: int, content: Any) -> Any:
    made: Any = LiveDict(content) if isinstance(content, dict) else LiveList(content)
    made._faena = (session, number, session.pid)
    return made


def _release(value: Any) -> None:
    if value._faena is not None:
        session, number, pid = value._faena
        if session.pid == pid:
            session.released.append((number, 1))


def _changing(kind: Any, name: str) -> Callable[..., Any]:
    change = getattr(kind, name)

    def method(self: Any, *arguments: Any, **named: Any) -> Any:
        if self._faena is not None and not self._faena[0].is_gone:
            arguments = tuple(
                list(each) if hasattr(each, "__next__") else each for each in arguments
            )  # an iterator is used once, and is wanted twice
            self._faena[0].ask("change", self, name, list(arguments), named)
        return change(self, *arguments, **named)

    method.__name__ = name
    method.__doc__ = change.__doc__
    return method


for _name in _OF_LISTS + _OF_BOTH + _IN_PLACE:
    setattr(LiveList, _name, _changing(list, _name))
for _name in _OF_DICTS + _OF_BOTH:
    setattr(LiveDict, _name, _changing(dict, _name))
