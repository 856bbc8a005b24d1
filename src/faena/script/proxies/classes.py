"""Classes of the helper's objects, made here from what it says of them, so that isinstance, help, completion, `with`,
`for`, operators and `except` are as they would be without it.
"""

from __future__ import annotations

import builtins
import importlib
import threading

from faena.script.proxies import asking, errors, signatures

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Tuple

    Session = Any  # of `session`, which imports this

NATIVE = {
    ("faena.client.data.tabular_dataset", "TabularDataset"): ("faena.script.proxies.tables", "ReadHere"),
    ("faena.client.data.tabular_factory", "TabularDatasetFactory"): (
        "faena.script.proxies.tables",
        "MadeHere",
    ),
}
"""What is done in this process instead, by whom."""
_PROBES = ("__", "_repr_", "_ipython_")
"""How names begin that notebooks, pickle and inspect look for: those that there are are known."""
_making = threading.RLock()
_places: Dict[type, Tuple[str, str]] = {}
_found: Dict[Tuple[str, str], type] = {}
"""For the life of this process: what a name means outlives a helper."""
_of_objects: Dict[Tuple[str, str], type] = {}
"""Of those whose class is another one here."""


class ProxyType(type):
    """Of classes whose objects live in the helper."""

    def __new__(cls, name: str, bases: Tuple[type, ...], space: Dict[str, Any]) -> Any:
        """Of a class statement: those of the helper's classes are made by `_made`. Raises TypeError for an heir."""
        for base in bases:
            if base in _places:
                raise TypeError(
                    "{} inherits from {}, whose objects are in another process here: classes of Faena's can be used "
                    "in this Python, and not be inherited from.".format(name, base.__name__)
                )
        return type.__new__(cls, name, bases, space)

    def __call__(cls, *arguments: Any, **named: Any) -> Any:
        try:
            return asking.current().ask("call", cls, "", list(arguments), named)
        except BaseException as error:  # noqa: BLE001  whatever it is goes on
            raise errors.shortened(error) from None

    def __getattr__(cls, name: str) -> Any:
        if name.startswith(_PROBES) or cls is Proxy:
            raise AttributeError("type object {!r} has no attribute {!r}".format(cls.__name__, name))
        return asking.current().ask("get", cls, name)

    def __setattr__(cls, name: str, value: Any) -> None:
        if name.startswith("__"):
            type.__setattr__(cls, name, value)
            return
        asking.current().ask("set", cls, name, value)

    def __iter__(cls) -> Any:
        return iter(_of_class(cls, "__iter__"))

    def __len__(cls) -> int:
        return int(_of_class(cls, "__len__"))

    def __getitem__(cls, name: Any) -> Any:
        return _of_class(cls, "__getitem__", name)

    def __bool__(cls) -> bool:
        return True

    def __dir__(cls) -> List[str]:
        return sorted({*type.__dir__(cls), *asking.current().ask("dir", cls)})


def _of_class(cls: type, name: str, *arguments: Any) -> Any:
    return asking.current().ask("class", cls, name, list(arguments))


class Proxy(metaclass=ProxyType):
    """An object of the helper's."""

    __slots__ = ("__weakref__", "_faena", "_faena_count")
    _faena: Tuple[Session, int, int]
    _faena_count: int

    def __getattr__(self, name: str) -> Any:
        if name.startswith(_PROBES):
            raise AttributeError("{!r} object has no attribute {!r}".format(type(self).__name__, name))
        return ask(self, "attribute", name)

    def __setattr__(self, name: str, value: Any) -> None:
        ask(self, "set", name, value)

    def __delattr__(self, name: str) -> None:
        ask(self, "delete", name)

    def __dir__(self) -> List[str]:
        return sorted({*type.__dir__(type(self)), *ask(self, "dir")})

    def __repr__(self) -> str:
        return str(ask(self, "call", "__repr__", [], {}))

    def __str__(self) -> str:
        return str(ask(self, "call", "__str__", [], {}))

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError(
            "{} is in another process and cannot be pickled or copied.".format(type(self).__name__)
        )

    def __del__(self) -> None:
        session, number, pid = self._faena
        if session.pid == pid:
            session.released.append((number, self._faena_count))


def ask(value: Any, operation: str, *arguments: Any) -> Any:
    """Of a proxy's object."""
    session = value._faena[0]
    if session.is_gone:
        raise errors.stale(value)
    return session.ask(operation, value, *arguments)


def session_of(value: Any) -> Optional[Tuple[Any, int, int]]:
    """(session, number, …) of what is there still; None of what went with an earlier helper."""
    found: Any = value._faena
    return None if found is None or found[0].is_gone else found


def place_of(cls: type) -> Tuple[str, str]:
    return _places[cls]


def proxy(session: Session, number: int, module: str, name: str) -> Any:
    """The proxy of that object, the same one as long as it is used."""
    known = session.live.get(number)
    if known is not None:
        object.__setattr__(known, "_faena_count", known._faena_count + 1)
        return known
    made = object.__new__(_class_of_objects(session, module, name))
    object.__setattr__(made, "_faena", (session, number, session.pid))
    object.__setattr__(made, "_faena_count", 1)
    session.live[number] = made
    return made


def _class_of_objects(session: Session, module: str, name: str) -> Any:
    """Also of the builtin ones that are not copied, such as generators."""
    found: Any = find(session, module, name) if module != "builtins" else None
    if isinstance(found, ProxyType):
        return found
    with _making:
        if (module, name) not in _of_objects:
            _of_objects[module, name] = _made(session, module, name)
        return _of_objects[module, name]


def find(session: Session, module: str, name: str) -> Any:
    """The class here of one in the helper: an exception's is a class of exceptions."""
    known = _found.get((module, name))
    if known is not None:
        return known
    if module == "builtins" and hasattr(builtins, name):
        return getattr(builtins, name)
    with _making:
        known = _found.get((module, name))
        if known is None:
            native = errors.native(module, name)
            known = _found[module, name] = native or _made(session, module, name)
        return known


def _made(session: Session, module: str, name: str) -> Any:
    about = session.ask("describe", module, name)
    bases = tuple(dict.fromkeys(find(session, *place) for place in about["bases"]))
    if about["error"]:
        return errors.new_class(name, module, about["doc"], bases)
    space: Dict[str, Any] = {"__slots__": (), "__doc__": about["doc"], "__module__": about["module"]}
    native = NATIVE.get((module, name))
    first: Tuple[Any, ...] = ()
    if native is not None:
        first = (getattr(importlib.import_module(native[0]), native[1]),)
    for member, kind, doc, parameters in about["members"]:
        if first and hasattr(first[0], member) and not hasattr(object, member):
            continue
        space[member] = _member(about["module"], name, member, kind, doc, parameters)
    space["__qualname__"] = name
    signature = signatures.made(about["parameters"])
    if signature is not None:
        space["__signature__"] = signature
    made: Any = type.__new__(ProxyType, name.rpartition(".")[2], first + (bases or (Proxy,)), space)
    _places[made] = (module, name)
    return made


def _member(module: str, owner: str, name: str, kind: str, doc: Optional[str], parameters: Any) -> Any:
    if kind == "property":

        def get(self: Any) -> Any:
            try:
                return ask(self, "attribute", name)
            except BaseException as error:  # noqa: BLE001  whatever it is goes on
                raise errors.shortened(error) from None

        return property(get, doc=doc)
    if kind == "none":
        return None
    if kind == "method":

        def method(self: Any, *arguments: Any, **named: Any) -> Any:
            try:
                return ask(self, "call", name, list(arguments), named)
            except BaseException as error:  # noqa: BLE001  whatever it is goes on
                raise errors.shortened(error) from None

        return _dressed(method, module, owner, name, doc, parameters)

    def of_class(cls: Any, *arguments: Any, **named: Any) -> Any:
        try:
            return asking.current().ask("call", cls, name, list(arguments), named)
        except BaseException as error:  # noqa: BLE001  whatever it is goes on
            raise errors.shortened(error) from None

    if kind == "static" and parameters is not None:  # a class is what a classmethod is bound to
        parameters = [["cls", 0 if parameters and parameters[0][1] == 0 else 1, None], *parameters]
    return classmethod(_dressed(of_class, module, owner, name, doc, parameters))


def _dressed(
    function: Callable[..., Any], module: str, owner: str, name: str, doc: Optional[str], parameters: Any
) -> Callable[..., Any]:
    function.__module__ = module
    function.__name__ = name
    function.__qualname__ = "{}.{}".format(owner, name) if owner else name
    function.__doc__ = doc
    signature = signatures.made(parameters)
    if signature is not None:
        function.__signature__ = signature  # type: ignore[attr-defined]  # what inspect reads
    return function


def function(module: str, name: str, about: Dict[str, Any]) -> Any:
    """A function of the helper's, by its name, so that it outlives a helper."""

    def call(*arguments: Any, **named: Any) -> Any:
        try:
            return asking.current().ask("function", module, name, list(arguments), named)
        except BaseException as error:  # noqa: BLE001  whatever it is goes on
            raise errors.shortened(error) from None

    call._faena_place = (module, name)  # type: ignore[attr-defined]  # a field of ours on a function
    return _dressed(call, about["module"], "", name, about["doc"], about["parameters"])


def known(module: str, name: str) -> Optional[type]:
    """The class of that name, if there was one already."""
    return _found.get((module, name))
