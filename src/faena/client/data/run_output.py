"""RunOutput: files that a run has left, as the input of another one."""

from __future__ import annotations

import re

from faena.client.data.data_reference import check_place
from faena.kernel import ids
from faena.kernel.errors import UserErrorException
from faena.runs.schemas import LeftFiles
from faena.runs.submission_schemas import DataInput


class RunOutput:
    """A file or folder that a run has left; `Run.get_output` finds it.

    It stands in a script's arguments as it is, or named: `output.as_named_input("weights").as_download()`. The script
    gets the path of a folder, or of the file. What is there is mounted read-only unless `as_download` asks for a copy.
    """

    def __init__(
        self,
        left: LeftFiles,
        name: str | None = None,
        mode: str = "mount",
        path_on_compute: str | None = None,
    ) -> None:
        if mode not in ("mount", "download"):
            raise UserErrorException(f"The mode is {mode!r}. Use 'mount' or 'download'.")
        self._left = left
        self.name = ids.check_input_name(name or own_name(left.path))
        self.mode = mode
        self.path_on_compute = check_place(path_on_compute)

    @property
    def run_id(self) -> str:
        return self._left.run

    @property
    def path(self) -> str:
        """Among the files of the run."""
        return self._left.path

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return self._left.size

    def as_named_input(self, name: str) -> RunOutput:
        """Under a name that the script finds it by: `run.input_datasets[name]`, and the variable of this name."""
        return RunOutput(self._left, name, self.mode, self.path_on_compute)

    def as_mount(self, path_on_compute: str | None = None) -> RunOutput:
        """Read where it is, and the script cannot write it; a copy where the node permits no mounts."""
        return RunOutput(self._left, self.name, "mount", path_on_compute or self.path_on_compute)

    def as_download(self, path_on_compute: str | None = None) -> RunOutput:
        """Copied before the script starts, below `path_on_compute` in its working folder (default: beside it)."""
        return RunOutput(self._left, self.name, "download", path_on_compute or self.path_on_compute)

    def data_input(self) -> DataInput:
        """What is sent with a submission."""
        return DataInput(
            name=self.name,
            token=str(self),
            variable=self.name,
            mode="mount" if self.mode == "mount" else "download",
            run=self._left.run,
            path=self._left.path,
            digest=self._left.digest,
            path_on_compute=self.path_on_compute,
        )

    def __str__(self) -> str:
        return f"$AZUREML_DATASET_{self.name}"

    def __repr__(self) -> str:
        return f"RunOutput(run={self.run_id!r}, path={self.path!r}, name={self.name!r}, mode={self.mode!r})"


def own_name(path: str) -> str:
    """What of a path's last part can be a name: `state_npz` for `outputs/state.npz`, as for `--data`."""
    name = re.sub(r"\W+", "_", path.rpartition("/")[2], flags=re.ASCII).strip("_")
    return name if name and not name[0].isdigit() else f"input_{name}".rstrip("_")
