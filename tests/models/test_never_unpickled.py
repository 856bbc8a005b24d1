"""Model files are bytes to Faena: whatever they hold, nothing of it is executed."""

from __future__ import annotations

import ast
import hashlib
import io
import os
import pickle
import re
import zipfile
from pathlib import Path

import pytest

import faena
from faena import Model, Workspace
from tests.journeys.scripts import Project

SOURCE = Path(faena.__file__).parent
UNPICKLING = {
    "pickle",
    "cPickle",
    "_pickle",
    "dill",
    "cloudpickle",
    "joblib",
    "shelve",
    "marshal",
    "torch",
    "h5py",
}


OF_A_SAMPLER = SOURCE / "sweeps" / "learning" / "attributes.py"
"""The state of CMA-ES, in a process without models: by an unpickler that knows the classes of an optimizer alone."""
WHERE_TRUSTED = SOURCE / "scoring" / "worker" / "kinds" / "sklearn.py"
"""In an endpoint's worker, where its user has said `trust=True`; tests/scoring/test_kinds.py: refused without."""


class _Bomb:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.marker),)


def files_of_bombs(marker: Path) -> dict[str, bytes]:
    bomb = pickle.dumps(_Bomb(marker))
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (), }".ljust(117) + b"\n"
    array = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bomb
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("arr_0.npy", array)
    return {"model.pkl": bomb, "model.npz": packed.getvalue(), "model.joblib": bomb, "data.npy": array}


def test_the_bombs_are_bombs(tmp_path: Path) -> None:
    import numpy as np

    for number, name in enumerate(("model.npz", "data.npy")):
        marker = tmp_path / str(number)
        found = np.load(io.BytesIO(files_of_bombs(marker)[name]), allow_pickle=True)
        if name == "model.npz":
            _ = found["arr_0"]
        assert marker.exists()


@pytest.mark.long
def test_registering_listing_and_downloading_execute_nothing(
    project: Project, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    marker = tmp_path / "executed"
    bombs = files_of_bombs(marker)
    (tmp_path / "net").mkdir()
    for name, data in bombs.items():
        (tmp_path / "net" / name).write_bytes(data)
    model = Model.register(workspace, tmp_path / "net", "net")
    for file in model.view.files:
        assert file.digest == hashlib.sha256(bombs[Path(file.path).name]).hexdigest()
    for folder in (model.download(tmp_path / "copy"), Model.get_model_path("net", 1, workspace)):
        assert {path.name: path.read_bytes() for path in Path(folder).iterdir()} == bombs
    run = project.run("""
        import os
        from azureml.core.model import Model
        assert len(os.listdir(Model.get_model_path("net"))) == 4
    """)
    assert run.get_status() == "Completed"
    assert Model.list(workspace)[0].serialize()["id"] == "net:1"
    assert not marker.exists()


@pytest.mark.long
def test_no_module_of_ours_can_unpickle() -> None:
    words = re.compile("|".join((*UNPICKLING, "allow_pickle")))
    for path in sorted(SOURCE.rglob("*.py")):
        if not words.search(text := path.read_text()):
            continue  # to parse all takes two seconds
        for node in ast.walk(ast.parse(text)):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            elif isinstance(node, ast.Call):
                assert not allows_pickles(node), f"{path}:{node.lineno} loads arrays with pickles"
                assert path != OF_A_SAMPLER or not loads_any_pickle(node), (
                    f"{path}:{node.lineno} finds any class"
                )
            loaded = {name.partition(".")[0] for name in names} & UNPICKLING
            if path == OF_A_SAMPLER:
                loaded -= {"pickle"}
            if path == WHERE_TRUSTED:
                loaded -= {"pickle", "joblib"}
            assert not loaded, f"{path}:{getattr(node, 'lineno', 0)} imports {loaded}"


def allows_pickles(call: ast.Call) -> bool:
    """`numpy.load` refuses pickles unless it is told otherwise."""
    given = [keyword.value for keyword in call.keywords if keyword.arg == "allow_pickle"]
    return any(not (isinstance(value, ast.Constant) and value.value is False) for value in given)


def loads_any_pickle(call: ast.Call) -> bool:
    """`pickle.load`, `pickle.loads`, or an unpickler that is not told which classes there are."""
    return ast.unparse(call.func) in ("pickle.load", "pickle.loads", "pickle.Unpickler")
