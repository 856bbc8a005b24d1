"""Writes a package: the folder, whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import msgspec

import faena
from faena.client.packaging import lock_files, texts
from faena.client.packaging.contents import Contents
from faena.client.workspaces.session import Session
from faena.data.staging import check_path
from faena.environments import archives
from faena.environments.schemas import LockView
from faena.kernel.errors import EnvironmentBuildException, WebserviceException
from faena.script.models import keep_aliases

MANIFEST = "package.json"
_ROOMS = ("kernel", "scoring", "script")
"""What the front of an endpoint and its workers are made of."""


def write(session: Session, contents: Contents, lock: LockView | None, folder: Path) -> None:
    """Raises WebserviceException where `folder` holds something else, and for what cannot be taken along."""
    refuse_other(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    half = folder.with_name(f".{folder.name}.{os.getpid()}.half")
    shutil.rmtree(half, ignore_errors=True)
    try:
        half.mkdir()
        _write_app(session, contents, half / "app")
        _write_environment(session, lock, half)
        _write_front(half / "front")
        _write_texts(contents, lock, half)
        if folder.exists():
            shutil.rmtree(folder)
        half.rename(folder)
    except OSError as error:
        raise WebserviceException(f"The package cannot be written to {folder}: {error}.") from error
    finally:
        shutil.rmtree(half, ignore_errors=True)


def refuse_other(folder: Path) -> None:
    """An earlier package is replaced, and nothing else."""
    if folder.is_dir() and (not any(folder.iterdir()) or (folder / MANIFEST).is_file()):
        return
    if os.path.lexists(folder):
        raise WebserviceException(f"{folder} holds something else. Name a folder that is new or empty.")


def _write_app(session: Session, contents: Contents, app: Path) -> None:
    """The script's working directory, with the models as v1 lays them out."""
    for file in session.api.records.snapshot(contents.snapshot):
        target = app / check_path(file.path)
        session.api.download_object(file.digest, target)
        target.chmod(0o755 if file.executable else 0o644)
    for model in contents.models:
        place = app / "azureml-models" / model.name / str(model.version)
        if place.exists():  # the source folder has it: what is registered counts
            shutil.rmtree(place)
        for each in model.files:
            target = place / check_path(each.path)
            session.api.download_object(each.digest, target)
            target.chmod(0o644)
    for name in {model.name for model in contents.models}:
        named = {
            alias: model.version for model in contents.models if model.name == name for alias in model.aliases
        }
        keep_aliases(str(app / "azureml-models" / name), named)


def _write_environment(session: Session, lock: LockView | None, folder: Path) -> None:
    if lock is None:
        return
    files = lock_files.of(lock)
    (folder / "requirements.txt").write_text(files.hashed)
    if files.unhashed:
        (folder / "requirements-unhashed.txt").write_text(files.unhashed)
    if files.constraints:
        (folder / "build-constraints.txt").write_text(files.constraints)
    for archive in lock.archives:
        target = folder / "wheels" / archive.digest[:12] / archive.filename
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(archives.verified(archive), target)
        except EnvironmentBuildException:
            if session.api.transport.shares_files:
                raise
            session.api.download_object(archive.digest, target)


def _write_front(folder: Path) -> None:
    source = Path(faena.__file__).parent
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    for room in _ROOMS:
        shutil.copytree(source / room, folder / "faena" / room, ignore=ignored)
    for name in ("__init__.py", "py.typed"):
        if (source / name).is_file():
            shutil.copy(source / name, folder / "faena")
    (folder / "faena" / "scoring" / "packaged" / "requirements.txt").rename(folder / "requirements.txt")


def _write_texts(contents: Contents, lock: LockView | None, folder: Path) -> None:
    (folder / MANIFEST).write_text(json.dumps(described(contents, lock), indent=2) + "\n")
    serve = folder / "serve"
    serve.write_text(texts.SERVE)
    serve.chmod(0o755)
    (folder / "README.md").write_text(texts.readme(contents, lock))
    (folder / "Dockerfile").write_text(texts.dockerfile(lock))
    (folder / ".dockerignore").write_text("state\nDockerfile\n")


def described(contents: Contents, lock: LockView | None) -> dict[str, Any]:
    """package.json, which `serve` reads."""
    workers, limits = msgspec.to_builtins(contents.workers), msgspec.to_builtins(contents.settings.limits)
    workers["workers"] = workers.pop("count")
    limits["timeout_s"], limits["init_timeout_s"] = (
        limits.pop("timeout_seconds"),
        limits.pop("init_timeout_seconds"),
    )
    return {
        "format": 1,
        "name": contents.name,
        "made_by": f"faena {faena.__version__}",
        "models": [[model.name, str(model.version)] for model in contents.models],
        "entry": contents.entry or None,
        "kind": contents.kind,
        "options": dict(contents.options),
        "python": None if lock is None else ".".join(lock.python.split(".")[:2]),
        "variables": dict(contents.variables),
        "workers": workers,
        "limits": limits,
        "sample": contents.sample,
    }
