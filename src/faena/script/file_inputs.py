"""Files that a script was given as they are."""

from __future__ import annotations

import os


class InputDataset:
    """A dataset that the script asks for its files: `id`, `name`, `mount_point`."""

    def __init__(self, name: str, dataset_id: str, mount_point: str) -> None:
        self.name = name
        self.id = dataset_id
        self.mount_point = mount_point

    def to_path(self) -> list[str]:
        """Its files, each by its path below the dataset's folder, with a slash in front."""
        return ["/" + name for name in self._names()]

    def download(self, target_path: str | None = None, overwrite: bool = False) -> list[str]:
        """Copies its files below a folder (default: a new temporary one); their paths there.

        Raises UserErrorException when one is there already, unless `overwrite`.
        """
        import shutil
        import tempfile

        folder = os.path.abspath(target_path or tempfile.mkdtemp(prefix="faena-dataset-"))
        copies = []
        for name in self._names():
            target = os.path.join(folder, name)
            if os.path.lexists(target) and not overwrite:
                from faena.script.errors import UserErrorException

                raise UserErrorException(
                    "{} exists already. Use overwrite=True to replace it.".format(target)
                )
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(os.path.join(self.mount_point, name), target)
            copies.append(target)
        return copies

    def mount(self, mount_point: str | None = None) -> InputDataset:
        """Itself: it lies at `mount_point` already. `with dataset.mount() as mounted: … mounted.mount_point`."""
        return self

    def start(self) -> None:
        """Nothing to do: the node mounted it."""

    def stop(self) -> None:
        """Nothing to do: the node unmounts it."""

    def _names(self) -> list[str]:
        found = []
        for folder, _, names in os.walk(self.mount_point):
            found += [os.path.relpath(os.path.join(folder, name), self.mount_point) for name in names]
        return sorted(found)

    def __enter__(self) -> InputDataset:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return "InputDataset(name={!r}, id={!r})".format(self.name, self.id)
