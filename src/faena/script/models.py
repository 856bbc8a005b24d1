"""`Model` as a script sees it: where the files of a registered model are.

from faena import Model
path = Model.get_model_path("mnist")
"""

from __future__ import annotations

import os

from faena.script import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

CACHE = "azureml-models"
"""Folder of the models that were brought, under the working directory: `<name>/<version>/<file or folder>`."""

_ALIASES = ".aliases.json"
"""In a model's folder of an endpoint: versions by the aliases that they had when they were deployed."""

_TRANSFER_S = 3600.0
"""Seconds that bringing a model may take."""


class _WithoutClient(type):
    """Tells apart what is not there from what a mistyped name asks for: the first names what is missing."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_"):  # probes of notebooks, pickle and inspect
            raise AttributeError("type object 'Model' has no attribute {!r}".format(name))
        raise _missing("Model.{}".format(name))

    def __call__(cls, *arguments: Any, **named: Any) -> Any:
        raise _missing("Model(…)")


class Model(metaclass=_WithoutClient):
    """What a script can know of a registered model without Faena installed."""

    @staticmethod
    def get_model_path(model_name: str, version: int | str | None = None, _workspace: Any = None) -> str:
        """The model's file or folder on this machine; `name@alias`: the version that it means, else the latest.

        Inside a run it is brought to `azureml-models/<name>/<version>/` under the working directory, read-only; the
        workspace is the run's. Elsewhere it is looked for there, then as `./<name>`.

        Raises ModelNotFoundException, naming where it was looked for.
        """
        return get_model_path(model_name, version)


def _missing(what: str) -> Exception:
    return errors.ClientMissing(
        "{} is not there inside this run: only Model.get_model_path is. It takes Python 3.11 or newer with faena, or "
        "with azureml-core for the v1 names, in the run's pip_packages. Without them, run.register_model(…) registers "
        "what the script wrote.".format(what)
    )


def get_model_path(model_name: str, version: int | str | None = None) -> str:
    """See `Model.get_model_path`."""
    name, number = check_name(model_name), check_version(version)
    plain, alias = split_alias(name)
    if alias is not None:
        refuse_both(plain, alias, number)
    if is_in_run():
        from faena.script.run import Run

        asked = {"model_name": name, "version": number, "folder": os.path.join(os.getcwd(), CACHE)}
        return str(Run.get_context()._ask("get_model", asked, _TRANSFER_S))
    folder = os.path.join(os.getcwd(), CACHE, plain)
    cached = _versions(folder) if number is None else [number]
    if alias is not None:
        cached = _deployed_as(folder, alias)
    for found in cached:
        path = os.path.join(folder, str(found))
        if os.path.isdir(path):
            return only_entry(path)
    if os.path.exists(name):
        return name
    wanted = name if number is None else "{}:{}".format(name, number)
    raise errors.ModelNotFoundException(
        "ModelNotFound: Model with name {} not found: there is neither {} nor {}, and no run around this process to "
        "ask. Give _workspace, or put the model there.".format(
            wanted,
            os.path.join(folder, _sought(alias, number)),
            os.path.join(os.getcwd(), name),
        )
    )


def is_in_run() -> bool:
    """Whether a runner answers the questions of this process."""
    return bool(os.environ.get("FAENA_RUN_ID") and os.environ.get("FAENA_SOCKET"))


def place(folder: str, name: str, version: int, fill: Callable[[str], None]) -> str:
    """The model in the cache `folder`, whole or not at all: `fill` writes it into the new folder that it is given.

    A version never changes, so one that is there is used as it is; its files are read-only.
    """
    target = os.path.join(folder, name, str(version))
    if not os.path.isdir(target):
        import shutil

        os.makedirs(os.path.dirname(target), exist_ok=True)
        temporary = "{}.{}".format(target, os.urandom(8).hex())
        try:
            fill(temporary)
            for path, _, files in os.walk(temporary):
                for file in files:
                    os.chmod(os.path.join(path, file), 0o444)
            try:
                os.rename(temporary, target)
            except OSError:
                if not os.path.isdir(target):  # else another process was faster
                    raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return only_entry(target)


def only_entry(folder: str) -> str:
    """A model is one file or one folder; the folder around them where there are several."""
    names = os.listdir(folder)
    return os.path.join(folder, names[0]) if len(names) == 1 else folder


def check_name(name: object) -> str:
    """Raises UserErrorException for what cannot be a model's name: it becomes part of a path."""
    usable = isinstance(name, str) and 0 < len(name) <= 255 and name.isprintable()
    if usable and name not in (".", "..") and not set(str(name)) & set("/\\"):
        return str(name)
    raise errors.UserErrorException(
        "{} is not a model name. Use the name that it was registered under.".format(repr(name)[:80])
    )


def split_alias(name: str) -> tuple[str, str | None]:
    """`mnist@champion` is the model `mnist`, and the version of it that its alias `champion` means.

    Raises UserErrorException where one of the two is missing.
    """
    plain, at, alias = name.partition("@")
    if at and not (plain and alias):
        raise errors.UserErrorException(
            "{} is no model and no alias. Use NAME@ALIAS, such as 'mnist@champion'.".format(repr(name)[:80])
        )
    return (plain, alias) if at else (name, None)


def refuse_both(name: str, alias: str, version: int | None) -> None:
    """Raises UserErrorException where a version is given besides an alias."""
    if version is not None:
        raise errors.UserErrorException(
            "{}@{} says which version is meant, and version={} is given, too. Use one of them.".format(
                name[:80], alias[:80], version
            )
        )


def check_version(version: object) -> int | None:
    """Raises UserErrorException for what is no whole number from 1 up."""
    if version is None:
        return None
    if isinstance(version, (int, str)) and not isinstance(version, bool):
        text = str(version)
        if text.isascii() and text.isdigit() and 0 < int(text[:19]) < 2**63 and len(text) < 20:
            return int(text)
    raise errors.UserErrorException(
        "{} is not a version of a model. Use a whole number from 1 up, or None for the latest.".format(
            repr(version)[:80]
        )
    )


def keep_aliases(folder: str, aliases: dict[str, int]) -> None:
    """Have an endpoint's script find versions below the model's folder by the aliases that they were deployed with."""
    if aliases:
        import json

        with open(os.path.join(folder, _ALIASES), "w") as file:
            json.dump(aliases, file)


def _deployed_as(folder: str, alias: str) -> list[int]:
    import json

    try:
        with open(os.path.join(folder, _ALIASES)) as file:
            return [int(json.load(file)[alias])]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _sought(alias: str | None, number: int | None) -> str:
    if alias is not None:
        return "<version of {}>".format(alias)
    return "<version>" if number is None else str(number)


def _versions(folder: str) -> list[int]:
    """The highest first."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return sorted((int(name) for name in names if name.isascii() and name.isdigit()), reverse=True)
