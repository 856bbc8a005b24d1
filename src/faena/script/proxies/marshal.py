"""This side's share of messages: what is said of its own objects, and what is made of what is said of the helper's."""

from __future__ import annotations

import importlib
import itertools

from faena.script.proxies import asking, classes, containers, errors, raising, values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Tuple

    Session = Any  # of `session`, which imports this

_numbers = itertools.count(1)


def say(value: Any, encoder: values.Encoder) -> Any:
    """What is not plain: the helper's own again, errors, or an object that stays here and is asked for what it does."""
    if isinstance(value, (classes.Proxy, containers.LiveList, containers.LiveDict)):
        found = classes.session_of(value)
        if found is not None:
            return ["r", found[1]]
        if isinstance(value, list):
            return values.plain_list(encoder, value)
        if isinstance(value, dict):
            return values.plain_dict(encoder, value)
        raise errors.stale(value)
    if isinstance(value, classes.ProxyType):
        return ["k", *classes.place_of(value)]
    if isinstance(value, BaseException):
        return raising.said(value, encoder)
    place = getattr(value, "_faena_place", None)
    if isinstance(place, tuple):
        return ["v", *place]
    if isinstance(value, type) and issubclass(value, BaseException):
        return ["k", value.__module__, value.__qualname__]
    current = asking.current()
    current.serve()
    number = next(_numbers)
    current.given[number] = value
    return ["o", number, callable(value), type(value).__name__]


def decoder(session: Session, pieces: List[bytes]) -> values.Decoder:
    def referred(_: Any, number: int, module: str, name: str) -> Any:
        return classes.proxy(session, number, module, name)

    def live(decoding: values.Decoder, number: int, content: Any) -> Any:
        return containers.live(session, number, decoding.decode(content))

    others: Dict[str, Any] = {
        "r": referred,
        "k": lambda _, module, name: classes.find(session, module, name),
        "v": lambda decoding, module, name, about: classes.function(module, name, decoding.decode(about)),
        "m": lambda _, name: importlib.import_module(name),
        "o": lambda _, number: session.given[number],
        "L": live,
        "e": lambda decoding, *parts: raising.made(session, decoding, *parts),
        "N": lambda _: NotImplemented,
        "...": lambda _: Ellipsis,
    }
    return values.Decoder(others, pieces)


def error(decoding: values.Decoder, said: Any) -> BaseException:
    found = decoding.decode(said)
    return found if isinstance(found, BaseException) else RuntimeError(repr(found))


def answered(session: Session, said: Any, pieces: List[bytes]) -> Tuple[Any, List[Any]]:
    """To a call of one of this process's objects: ["call", number, name, arguments, named]."""
    encoder = values.Encoder(say)
    try:
        _, number, name, arguments, named = said
        decoding = decoder(session, pieces)
        if name == "drop":
            session.given.pop(number, None)
            return ["ok", None], []
        target = session.given[number]
        found = _done(target, name, decoding.decode(arguments), decoding.decode(named))
        return ["ok", encoder.encode(found)], encoder.pieces
    except BaseException as problem:  # noqa: BLE001  whatever it is, it is raised where it was asked
        encoder = values.Encoder(say)
        return ["error", raising.said(problem, encoder)], encoder.pieces


def _done(target: Any, name: str, arguments: List[Any], named: Dict[str, Any]) -> Any:
    if name == "get":
        return getattr(target, arguments[0])
    if name == "call":
        return target(*arguments, **named)
    return getattr(target, name[1:])(*arguments, **named)
