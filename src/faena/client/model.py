"""Model: a registered version of files that a run made."""

from __future__ import annotations

import builtins
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from faena.client.session import Session
from faena.kernel.errors import UserErrorException
from faena.models.schemas import ModelView


class Model:
    """A version of a registered model, the latest unless told; `id` is `name:version`.

    Raises ModelNotFoundException when there is none.
    """

    def __init__(
        self,
        workspace: Session,
        name: str | None = None,
        id: str | None = None,  # noqa: A002  v1 calls it so
        version: int | None = None,
    ) -> None:
        self.workspace = workspace
        if id is not None:
            name, _, found = id.rpartition(":")
            if not name or not found.isdigit():
                raise UserErrorException(f"{id!r} is not a model id. Use 'name:version', such as 'mnist:3'.")
            version = int(found)
        if not name:
            raise UserErrorException("A model needs its name, or its id 'name:version'.")
        self._view = workspace.api.model(name, version)

    @classmethod
    def of_view(cls, workspace: Session, view: ModelView) -> Self:
        """The handle of a version that was read already."""
        model = cls.__new__(cls)
        model.workspace = workspace
        model._view = view
        return model

    @classmethod
    def list(
        cls, workspace: Session, name: str | None = None, run_id: str | None = None, latest: bool = False
    ) -> builtins.list[Self]:
        """By name, the latest version first; `latest`: only that one of each name."""
        views = workspace.api.models(name=name, run_id=run_id, latest=latest)
        return [cls.of_view(workspace, view) for view in views]

    @property
    def view(self) -> ModelView:
        """The version as the server described it."""
        return self._view

    @property
    def name(self) -> str:
        return self._view.name

    @property
    def version(self) -> int:
        return self._view.version

    @property
    def id(self) -> str:
        return self._view.id

    @property
    def run_id(self) -> str:
        return self._view.run_id

    @property
    def experiment_name(self) -> str:
        return self._view.experiment

    @property
    def description(self) -> str:
        return self._view.description

    @property
    def tags(self) -> dict[str, str]:
        return dict(self._view.tags)

    @property
    def properties(self) -> dict[str, str]:
        return dict(self._view.properties)

    @property
    def created_time(self) -> datetime:
        return datetime.fromtimestamp(self._view.created_at / 1e6, UTC)

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return self._view.size

    @property
    def files(self) -> builtins.list[str]:
        return [file.path for file in self._view.files]

    def download(self, target_dir: str | os.PathLike[str] = ".", exist_ok: bool = False) -> str:
        """Copy the model into `target_dir`; the path of its file, or of its folder.

        Raises UserErrorException when a file is there already, unless `exist_ok`.
        """
        folder = Path(target_dir).expanduser()
        targets = {file.digest: [] for file in self._view.files}  # type: dict[str, builtins.list[Path]]
        for file in self._view.files:
            target = folder / file.path
            if target.exists() and not exist_ok:
                raise UserErrorException(f"{target} exists already. Use exist_ok=True to replace it.")
            targets[file.digest].append(target)
        for digest, paths in targets.items():
            for path in paths:
                self.workspace.api.download_object(digest, path)
        first = self._view.files[0].path.split("/")[0]
        return str(folder / first)

    def __repr__(self) -> str:
        return f"Model(workspace={self.workspace!r}, name={self.name!r}, version={self.version})"
