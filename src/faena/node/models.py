"""Brings a registered model to the node, where a script asks for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from faena.attempts.api import ServerApi
from faena.data import staging
from faena.kernel.errors import UserErrorException
from faena.kernel.transport import segment
from faena.script import models as cache


def bring(api: ServerApi, open_object: Callable[[str], IO[bytes]], arguments: dict[str, Any]) -> str:
    """The path of the model in the cache `folder`, made when missing; of `name@alias` the version that it means now,
    else the latest when `version` is None.

    Bytes are shared with the objects where the file system can, else copied: never linked, since a script of root's
    may write even what is read-only. Raises ModelNotFoundException.
    """
    name = cache.check_name(arguments["model_name"])
    version = cache.check_version(arguments.get("version"))
    folder = Path(arguments["folder"])
    if not folder.is_absolute():
        raise UserErrorException(f"{str(folder)[:300]!r} is not an absolute path.")
    name, alias = cache.split_alias(name)
    which = "" if version is None else f"/versions/{version}"
    if alias is not None:
        which = f"/aliases/{segment(alias)}"
    model = api.call("GET", f"/models/{segment(name)}{which}")
    if not model["files"]:
        raise UserErrorException(
            f"The model {model['id']} has no files here: it was registered as {model['source'][:300]!r}. "
            "Get them there."
        )
    files = [{**file, "executable": False} for file in model["files"]]

    def fill(target: str) -> None:
        staging.materialise(files, open_object, Path(target))

    return cache.place(str(folder), name, model["version"], fill)
