"""What registered files are, by their bytes, and what it takes to load them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO

from msgspec import Struct, field

from faena.mlflow.loadable import onnx_files, pickles
from faena.models.model import Framework

Opening = Callable[[str], BinaryIO]
"""Of a file of the model by its name, to be read in any order."""
HEAD = 1 << 20
"""Bytes of a file that are looked at, at most."""
OURS = ""
_HDF5, _ZIP, _JSON = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04", b"{"
_CLASSIFIES = re.compile(rb'_estimator_type[\\": ]+classifier')
_LEAST_NAMES = ("config.json", "metadata.json", "model.weights.h5")
_KERAS_MAJOR = re.compile(rb'"keras_version": *"(\d+)')


class Loadable(Struct, frozen=True):
    """A model that MLflow's clients can load."""

    kind: str
    file: str
    """Among its files; empty: all of them are one model."""
    package: str
    """What loads it, as package indexes call it."""
    module: str = OURS
    """MLflow's own that loads it; OURS: what is sent with it."""
    flavors: Mapping[str, Any] = field(default_factory=dict)
    """In MLflow's words, where a client of that framework loads it without more."""
    options: Mapping[str, Any] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    """That the file names; those of the source of its run go along."""
    has_version: bool = True
    """Whether the framework's version, if somebody said it, is that of the package."""


class NotLoadable(Struct, frozen=True):
    why: str
    """A sentence: what it is, and what to do."""


Found = Loadable | NotLoadable


def recognized(
    names: Sequence[str], opened: Opening, framework: Framework, properties: Mapping[str, str]
) -> Found:
    """`names`: of all files, relative to the model's folder."""
    if not names:
        return NotLoadable("It has no files here.")
    if "saved_model.pb" in names:
        return _saved_model()
    if len(names) > 1:
        return _of_folder(names, opened)
    name = names[0]
    with opened(name) as file:
        head = file.read(HEAD)
        if head.startswith(_ZIP):
            file.seek(0)
            return _of_zip(name, file, properties)
        return _of_head(name, head, framework)


def _of_folder(names: Sequence[str], opened: Opening) -> Found:
    below = next((name for name in names if name.endswith("/MLmodel")), None)
    if below is not None:
        return NotLoadable(f"Its MLmodel is {below}: register the folder that it lies in.")
    graphs = [name for name in names if name.endswith(".onnx") and "/" not in name]
    if len(graphs) == 1:  # its weights lie beside it
        with opened(graphs[0]) as file:
            if onnx_files.is_model(file.read(HEAD)):
                return _onnx(graphs[0])
    shown = ", ".join(names[:3])
    return NotLoadable(
        f"It is a folder of {len(names)} files ({shown}…) in which no model of a known kind is alone. Register the "
        "file of the model by itself."
    )


def _of_head(name: str, head: bytes, framework: Framework) -> Found:
    if head.startswith(_HDF5):
        if b"model_config" in head:
            return Loadable("keras", name, "tensorflow", has_version=False)
        return NotLoadable(
            f"{name} is HDF5 without the description of a Keras model: weights alone. Save the whole model, "
            "model.save(…)."
        )
    if head.startswith((b"tree\n", b"tree\r\n")) and b"version=" in head[:100]:
        flavor = {"data": name, "model_class": "lightgbm.basic.Booster"}
        return Loadable("lightgbm", name, "lightgbm", "mlflow.lightgbm", {"lightgbm": flavor})
    if head.startswith(_JSON) and b"learner" in head[:40]:
        return _xgboost(name, head)
    if onnx_files.is_model(head):
        return _onnx(name)
    pickled = pickles.read(head)
    if pickled is None:
        return NotLoadable(
            f"{name} is of no kind that is known: no pickle, ONNX, Keras, TorchScript, XGBoost, …"
        )
    return _of_pickle(name, pickled, framework)


def _of_pickle(name: str, pickled: pickles.Pickled, framework: Framework) -> Found:
    made_by = pickled.module.partition(".")[0]
    said = framework.name.lower().replace("-", "").replace(" ", "") in ("scikitlearn", "sklearn")
    if not pickled.module:
        return NotLoadable(f"{name} is a pickle of {pickled.shown}, no model: pickle the model itself.")
    if "__main__" in pickled.modules:
        return _of_main(name, "")
    if made_by == "xgboost" and pickled.name == "Booster":
        return NotLoadable(
            f"{name} is a pickle of XGBoost's Booster. Save it by booster.save_model('model.json')."
        )
    if not said and made_by not in pickles.PREDICTING:
        return NotLoadable(
            f"{name} is a pickle of {pickled.shown}. Where that has predict(), say so: "
            "model_framework=Model.Framework.SCIKITLEARN."
        )
    package = pickles.PREDICTING.get(made_by, "scikit-learn")
    found = Loadable("sklearn", name, package, options={"trust": True}, modules=pickled.modules)
    if not pickled.is_plain:
        return found
    flavor = {"pickled_model": name, "serialization_format": "pickle"}
    return Loadable("sklearn", name, package, "mlflow.sklearn", {"sklearn": flavor}, modules=pickled.modules)


def _of_main(name: str, instead: str) -> NotLoadable:
    return NotLoadable(
        f"{name} needs a class of __main__, which no other process has. Have it in a module of the source folder, and "
        f"import it{instead}."
    )


def _of_zip(name: str, file: BinaryIO, properties: Mapping[str, str]) -> Found:
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.namelist()
            if set(_LEAST_NAMES) <= set(entries):
                said = _KERAS_MAJOR.search(_start(archive, "metadata.json"))
                return _keras(name, 0 if said is None else int(said[1]))
            if entries and all(each.endswith(".npy") for each in entries):
                return _arrays(name, properties)
            data = next((each for each in entries if each.endswith("/data.pkl")), None)
            if data is None:
                return NotLoadable(f"{name} is a ZIP archive of no kind that is known.")
            root = data.removesuffix("data.pkl")
            if f"{root}constants.pkl" in entries:
                flavor = {"model_data": name}
                return Loadable("torch", name, "torch", "mlflow.pytorch", {"pytorch": flavor})
            pickled = pickles.read(_start(archive, data))
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, ValueError) as error:
        return NotLoadable(f"{name} is a ZIP archive that cannot be read: {error}.")
    return _of_torch(name, pickled)


def _start(archive: zipfile.ZipFile, entry: str) -> bytes:
    with archive.open(entry) as part:
        return part.read(HEAD)


def _of_torch(name: str, pickled: pickles.Pickled | None) -> Found:
    if pickled is None or not pickled.module or pickled.module == "collections":
        return NotLoadable(
            f"{name} holds weights of PyTorch without the class that they belong to. Save the module itself, or "
            "torch.jit.script(module).save(…)."
        )
    if "__main__" in pickled.modules:
        return _of_main(name, ", or save torch.jit.script(module)")
    flavor = {"model_data": name}
    return Loadable("torch", name, "torch", "mlflow.pytorch", {"pytorch": flavor}, modules=pickled.modules)


def _arrays(name: str, properties: Mapping[str, str]) -> Found:
    link = properties.get("link", "")
    module, _, attribute = link.partition(":")
    if not module or not attribute:
        return NotLoadable(
            f"{name} holds arrays only: which class of Chainer they belong to is not known. Register it with "
            "properties={'link': 'module:Class'}, or add that property."
        )
    return Loadable("chainer", name, "chainer", options={"link": link}, modules=(module,))


def _keras(name: str, major: int) -> Loadable:
    if major >= 3 and name.endswith(".keras"):
        flavor = {"data": name.removesuffix(".keras"), "save_exported_model": False}
        return Loadable("keras", "", "keras", "mlflow.keras", {"keras": flavor}, has_version=False)
    return Loadable("keras", name, "tensorflow", has_version=False)


def _saved_model() -> Loadable:
    flavor = {"saved_model_dir": ".", "model_type": "tf2-module"}
    return Loadable("savedmodel", "", "tensorflow", flavors={"tensorflow": flavor})


def _onnx(name: str) -> Loadable:
    providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    flavor = {"data": name, "providers": providers}
    return Loadable("onnx", name, "onnxruntime", "mlflow.onnx", {"onnx": flavor}, has_version=False)


def _xgboost(name: str, head: bytes) -> Loadable:
    """What was a classifier answers classes again."""
    made = "sklearn.XGBClassifier" if _CLASSIFIES.search(head) else "core.Booster"
    flavor = {"data": name, "model_class": f"xgboost.{made}"}
    return Loadable("xgboost", name, "xgboost", "mlflow.xgboost", {"xgboost": flavor})
