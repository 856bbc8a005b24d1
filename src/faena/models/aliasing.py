"""Use cases of aliases: a name of a model's own, such as `champion`, that means one of its versions."""

from __future__ import annotations

from faena.db import Read, Write
from faena.kernel.clock import Micros
from faena.kernel.errors import ModelNotFoundException
from faena.kernel.nearest import nearest
from faena.models import alias_store as store
from faena.models import service
from faena.models.model import ModelVersion, check_alias
from faena.models.schemas import ModelView

_SHOWN = 10


def put(write: Write, name: str, alias: str, version: int, now: Micros) -> ModelView:
    """Have the alias mean this version from now on, and no other. Repeating it has no second effect.

    Raises ModelNotFoundException, and WebserviceException for what cannot be an alias.
    """
    check_alias(alias)
    model = service.get(write, name, version)
    if alias not in model.aliases:
        store.put(write, name, alias, model.version, now)
    return service.view(write, service.get(write, name, version))


def remove(write: Write, name: str, alias: str, version: int | None) -> None:
    """Silent where there is none. `version`: only while it means this one."""
    store.remove(write, name, alias, version)


def get(read: Read, name: str, alias: str) -> ModelVersion:
    """The version that the alias means now. Raises ModelNotFoundException, naming the aliases that there are."""
    version = store.version_of(read, name, alias)
    if version is not None:
        return service.get(read, name, version)
    service.get(read, name, None)
    wanted = f"{name}@{alias[:80]}"
    raise ModelNotFoundException(
        f"ModelNotFound: Model with name {wanted} not found in provided workspace. {_there(read, name, alias)}"
    )


def _there(read: Read, name: str, alias: str) -> str:
    if alias.lower() == "latest":
        return f"The latest version is {name}, without an alias."
    there = store.of_models(read, [name]).get(name, {})
    if not there:
        return f"{name} has no aliases: `faena alias-model {name}:VERSION ALIAS` gives it one."
    shown = nearest(alias, there) or list(there)[:_SHOWN]
    more = "" if len(shown) == len(there) else " among others"
    return f"Its aliases are {', '.join(f'{each} (version {there[each]})' for each in shown)}{more}."
