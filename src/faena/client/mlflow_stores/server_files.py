"""Artifacts that a server sends: of runs, logged models, traces, by whatever route it has for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from faena.client.mlflow_stores.found import Files, StoreDamaged
from faena.client.mlflow_stores.places import MOST_FILES
from faena.client.mlflow_stores.requests import Refused, Requests
from faena.data import safe_paths
from faena.kernel.errors import UserErrorException

_PROXIED = "mlflow-artifacts"
_ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
_TOGETHER = 8
_LOGGED = re.compile(r"m-[0-9a-f]{32}")
_MOST_DEEP = 100


class ServerFiles:
    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    def below(self, address: str, owner: str, folder: Path) -> Files:
        """All of it, brought into a folder; what cannot be had is told."""
        found = Files()
        if not address:
            return found
        try:
            tree = self._tree(address, owner)
            if tree is None:
                found.left_out.append(
                    f"its artifacts are at {address[:200]!a}, which the server does not send"
                )
                return found
            names = list(self._names(tree, "", 0))
        except Refused as error:
            if error.answered != 404:
                found.left_out.append(f"its artifacts cannot be listed: {error.message}")
            return found
        if len(names) > MOST_FILES:
            found.left_out.append(f"it has {len(names):,} artifacts; {MOST_FILES:,} are taken at most")
            return found

        def bring(numbered: tuple[int, str]) -> None:
            place, name = folder / str(numbered[0]), numbered[1]
            try:
                safe_paths.check(name)
                self._requests.download(*tree.file(name), place)
            except (StoreDamaged, UserErrorException) as error:
                found.left_out.append(f"its file {name[:200]!a}: {error.message}")
            else:
                found.places[name] = place

        with ThreadPoolExecutor(_TOGETHER, thread_name_prefix="artifact") as threads:
            list(threads.map(bring, enumerate(names)))
        return found

    def _tree(self, address: str, owner: str) -> _Tree | None:
        parts = urlsplit(address)
        if parts.scheme == _PROXIED:
            return _Proxied(parts.path.strip("/"))
        if _LOGGED.fullmatch(owner):
            return _OfLoggedModel(owner)
        return _OfRun(owner) if owner and not owner.startswith("tr-") else None

    def _names(self, tree: _Tree, path: str, depth: int) -> Iterator[str]:
        where, query = tree.folder(path)
        told: dict[str, Any] = msgspec.json.decode(self._requests.get(where, query))
        for each in told.get("files") or ():
            name = str(each.get("path", ""))
            name = f"{path}/{name}" if tree.by_base_names and path else name
            if not each.get("is_dir"):
                yield name
            elif depth < _MOST_DEEP:
                yield from self._names(tree, name, depth + 1)


class _Tree:
    by_base_names = False
    """Whether what lies in a folder is told without the names of the folders above it."""

    def folder(self, path: str) -> tuple[str, dict[str, str]]:
        """(path of the request, its query)"""
        raise NotImplementedError

    def file(self, path: str) -> tuple[str, dict[str, str]]:
        raise NotImplementedError


class _Proxied(_Tree):
    by_base_names = True

    def __init__(self, root: str) -> None:
        self._root = root

    def folder(self, path: str) -> tuple[str, dict[str, str]]:
        return _ARTIFACTS, {"path": f"{self._root}/{path}" if path else self._root}

    def file(self, path: str) -> tuple[str, dict[str, str]]:
        return f"{_ARTIFACTS}/{quote(f'{self._root}/{path}')}", {}


class _OfRun(_Tree):
    def __init__(self, run_id: str) -> None:
        self._run_id = run_id

    def folder(self, path: str) -> tuple[str, dict[str, str]]:
        return "/api/2.0/mlflow/artifacts/list", {"run_id": self._run_id, **({"path": path} if path else {})}

    def file(self, path: str) -> tuple[str, dict[str, str]]:
        return "/get-artifact", {"run_uuid": self._run_id, "path": path}


class _OfLoggedModel(_Tree):
    def __init__(self, model_id: str) -> None:
        self._model_id = model_id

    def folder(self, path: str) -> tuple[str, dict[str, str]]:
        query = {"artifact_directory_path": path} if path else {}
        return f"/api/2.0/mlflow/logged-models/{self._model_id}/artifacts/directories", query

    def file(self, path: str) -> tuple[str, dict[str, str]]:
        where = f"/ajax-api/2.0/mlflow/logged-models/{self._model_id}/artifacts/files"
        return where, {"artifact_file_path": path}
