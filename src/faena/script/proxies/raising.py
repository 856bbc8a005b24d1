"""Errors on their way between this process and the helper."""

from __future__ import annotations

from faena.script.proxies import classes, errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional

    from faena.script.proxies.values import Decoder, Encoder

    Session = Any  # of `session`, which imports this

_KEPT: Dict[int, BaseException] = {}
"""Errors of this process that went through the helper, by number: the same ones come back."""
_MOST_KEPT = 32
_LONGEST = 20_000


def said(error: BaseException, encoder: Encoder) -> Any:
    """An error of this process, for the helper."""
    import traceback

    if len(_KEPT) >= _MOST_KEPT:
        _KEPT.pop(next(iter(_KEPT)), None)
    _KEPT[id(error)] = error
    kind = type(error)
    lines = traceback.format_exception(kind, error, error.__traceback__)
    return [
        "e",
        kind.__module__,
        kind.__qualname__,
        [each if _is_atom(each) else repr(each)[:1000] for each in error.args],
        id(error),
        str(error)[:_LONGEST],
        "".join(lines)[-_LONGEST:],
    ]


def _is_atom(value: Any) -> bool:
    return value is None or type(value) in (str, int, float, bool) and abs(hash(value)) < 2**62


def made(
    session: Session,
    decoding: Decoder,
    module: str,
    name: str,
    arguments: Any,
    attributes: Any,
    text: str,
    kept: Optional[int],
) -> BaseException:
    """An error that the helper says: its class, arguments, attributes; its traceback, which is not shown."""
    if kept is not None and kept in _KEPT:
        return _KEPT.pop(kept)
    found: Any = classes.find(session, module, name)
    if not (isinstance(found, type) and issubclass(found, BaseException)):
        found = errors.RemoteError
    given = tuple(decoding.items(arguments))
    try:
        error: BaseException = found.__new__(found, *given)
        error.args = given
        for key, value in decoding.decode(attributes).items():
            setattr(error, key, value)
    except Exception:  # noqa: BLE001  a class of somebody else's may want anything
        error = errors.RemoteError("{}: {}".format(name, given))
    error.remote_traceback = text  # type: ignore[attr-defined]  # a field of ours on any error
    return error
