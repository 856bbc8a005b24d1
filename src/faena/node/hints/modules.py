"""Advice for imports that failed and for names that are gone."""

from __future__ import annotations

import re

from faena.node.hints import names, packages
from faena.node.hints.packages import distribution_of
from faena.node.hints.reading import Raised
from faena.node.hints.world import World

_NO_MODULE = re.compile(r"No module named '?([\w.]{1,200})'?")
_NO_NAME = re.compile(r"cannot import name '?(\w{1,200})'? from '?([\w.]{1,200})'?(?: \(([^)]{1,1000})\))?")
_NO_ATTRIBUTE = re.compile(r"module '([\w.]{1,200})' has no attribute '(\w{1,200})'")
_NO_METHOD = re.compile(r"(?:type object )?'(\w{1,200})' object has no attribute '(\w{1,200})'")
_OPTIONAL = re.compile(r"Missing optional dependency '?([\w.-]{1,100})'?|Install ([\w.-]{1,100}) to use")
_LIBRARY = re.compile(r"(lib[\w.+-]{1,100}\.so[\w.]{0,20}): cannot open shared object file")
_FIRST_PART = re.compile(r"(?:from|import)\s+(\w+)\.(\w+)")
_ABI = (
    "compiled using NumPy 1.x",
    "_ARRAY_API not found",
    "numpy.dtype size changed",
    "multiarray failed to import",
)
_OF_CUDA = ("libcu", "libnv", "libnccl")


def advise(raised: Raised, world: World) -> str | None:
    if any(sign in raised.message or sign in raised.traceback for sign in _ABI):
        return f"A package was built for NumPy 1: ask for it with {world.pinning('numpy<2')}."
    if raised.kind in ("ModuleNotFoundError", "ImportError"):
        return _of_import(raised, world)
    if raised.kind == "AttributeError":
        return _of_attribute(raised, world)
    return None


def _of_import(raised: Raised, world: World) -> str | None:
    if "attempted relative import" in raised.message:
        return (
            "A script that imports from beside itself with a dot is a module of a package: run it as one, -m "
            "package.module "
            "(entry_module, command=['python', '-m', 'package.module'])."
        )
    if found := _NO_MODULE.search(raised.message):
        return missing(found[1], raised.traceback, world)
    if found := _NO_NAME.search(raised.message):
        return _name_missing(found[2], found[1], found[3] or "", world)
    if found := _LIBRARY.search(raised.message):
        return _library_missing(found[1], world)
    if found := _OPTIONAL.search(raised.message):
        return world.installing(distribution_of(found[1] or found[2]))
    return _gone(raised.message, world)


def _gone(message: str, world: World) -> str | None:
    """An error that the library words itself, such as scikit-learn's about load_boston."""
    for name in names.CHANGED:
        last = name.rpartition(".")[2]
        if f"`{last}`" in message or f"'{last}'" in message:
            return _changed(name, world)
    return None


def missing(module: str, traceback: str, world: World) -> str:
    """What to do about a module that is not there."""
    top = module.partition(".")[0]
    if changed := _changed(module, world):
        return changed
    if top == "azureml":
        return (
            "Of the v1 SDK a run has azureml.core.Run and what docs/coverage.md lists; the rest speaks to a "
            "cloud service. "
            "Where the script needs it for nothing else, leave the import out."
        )
    if top in names.OF_PYTHON_2:
        return f"That is Python 2's name: Python 3 has it as {names.OF_PYTHON_2[top]}. Runs have Python 3."
    if top in names.LEFT_PYTHON:
        instead = f", or use {names.INSTEAD[top]}" if top in names.INSTEAD else ""
        extra = f" {world.installing('setuptools<81')}" if top == "distutils" else ""
        return (
            f"It left Python in {names.LEFT_PYTHON[top]}. Ask for an older one (--python "
            f"'<{names.LEFT_PYTHON[top]}'){instead}."
            f"{extra}"
        )
    if top in names.BUILT_WITH_PYTHON:
        return (
            f"{world.python} was built without it. Install the system's library and that Python anew, or use "
            "another Python."
        )
    if own := _in_the_source(module, traceback, world):
        return own
    if rebuilding := world.rebuilding(distribution_of(module)):
        return rebuilding
    if "." in module and module not in names.DISTRIBUTIONS and not _is_a_namespace(top):
        if not packages.is_known(module):
            return (
                f"A module {top} was found, and it has no such part: another one of that name may come first, or the "
                "part is not in the source folder (submit from the folder that holds it, --source)."
            )
        return (
            f"{top} is there, and this part of it is not: the script was written for another version. "
            f"Ask for that one, such as with {world.pinning(distribution_of(top) + '==…')}."
        )
    if top in names.NOT_ON_THE_INDEX:
        return names.NOT_ON_THE_INDEX[top]
    return packages.to_have(module, world)


def _is_a_namespace(top: str) -> bool:
    return any(name.startswith(f"{top}.") for name in names.DISTRIBUTIONS)


def _in_the_source(module: str, traceback: str, world: World) -> str | None:
    parts = module.split(".")
    top = parts[0]
    if len(parts) > 1 and (world.code / top).is_dir():
        path = "/".join(parts)
        return (
            f"The source folder has {top}/ and in it no {path[len(top) + 1 :]}.py that was captured: see that "
            "no ignore file "
            "excludes it, and that its name is spelled in the same letters."
        )
    for entry in world.entries():
        stem = entry.name.removesuffix(".py")
        is_module = entry.suffix == ".py" or (world.code / entry).is_dir()
        if not is_module or stem.lower() != top.lower():
            continue
        if stem != top:
            return (
                f"The source folder has it as {entry}: the letters of {top!r} and {stem!r} must be the same."
            )
        above = entry.parent.as_posix()
        if above != ".":
            dotted = ".".join([*entry.parent.parts, top])
            return (
                f"It is {entry} in the source folder, where nobody looks for it: import it as {dotted}, or give --env "
                f"PYTHONPATH={above} (environment_variables)."
            )
    for first, second in _FIRST_PART.findall(traceback):
        if first == top and ((world.code / f"{second}.py").is_file() or (world.code / second).is_dir()):
            return (
                f"The source folder seems to be {top} itself: submit the folder that holds it (--source .., "
                "source_directory), and give the script's path from there."
            )
    return None


def _older(name: str, world: World) -> str | None:
    """What a library of its time needs: code of the user's own has these names answered."""
    if version := names.LEFT_ITS_MODULE.get(name):
        return (
            f"Python {version} has no {name}: ask for an older Python (--python '<{version}'), or for a newer "
            "version of "
            "the library that uses it."
        )
    requirement = names.OLDER.get(name) or names.OLDER.get(name.rpartition(".")[0])
    return f"A version that has it can be had with {world.pinning(requirement)}." if requirement else None


def _name_missing(module: str, name: str, file: str, world: World) -> str | None:
    if older := _older(f"{module}.{name}", world):
        return older
    if changed := _changed(f"{module}.{name}", world):
        return changed
    if name in names.NAMES_OF_PYTHON_2:
        return f"That is Python 2: use {names.NAMES_OF_PYTHON_2[name]}."
    if file.startswith(str(world.code)) or "partially initialized" in file or "circular" in file:
        return (
            "Two modules of the source folder may import each other, or the name is not in the file that was captured. "
            "Import it where it is used."
        )
    if "-packages/" in file:
        return (
            f"The installed version of {distribution_of(module)} has no such name: the script was written for "
            "another one. "
            f"Ask for that one, such as with {world.pinning(distribution_of(module) + '==…')}."
        )
    return None


def _of_attribute(raised: Raised, world: World) -> str | None:
    if found := _NO_ATTRIBUTE.search(raised.message):
        module, name = found[1], found[2]
        changed, older = _changed(f"{module}.{name}", world), _older(f"{module}.{name}", world)
        if changed or older:
            return changed or older
        if module == "tensorflow" and name in names.TENSORFLOW_1:
            return (
                f"The script was written for TensorFlow 1; TensorFlow 2 has this as tf.compat.v1.{name}. Use `import "
                "tensorflow.compat.v1 as tf; tf.disable_v2_behavior()`."
            )
        if module in names.PACKAGE_OF:
            return (
                f"The installed version of {names.PACKAGE_OF[module]} has no such name: ask for one that has, "
                "such as with "
                f"{world.pinning(names.PACKAGE_OF[module] + '==…')}."
            )
        if module in ("string", "itertools", "os", "sys", "types") and "has no attribute" in raised.message:
            return "It may be a name of Python 2; runs have Python 3."
        return None
    if found := _NO_METHOD.search(raised.message):
        pin, advice = names.METHODS.get((found[1].rpartition(".")[2], found[2]), ("", ""))
        if advice:
            return (
                f"{advice}{f', or ask for a version that has it with {world.pinning(pin)}' if pin else ''}."
            )
    return None


def _changed(name: str, world: World) -> str | None:
    """`name` or what it is part of, where its replacement is used in another way."""
    parts = name.split(".")
    for length in range(len(parts), 1, -1):
        advice = names.CHANGED.get(".".join(parts[:length]))
        if advice is None:
            continue
        package = names.PACKAGE_OF.get(parts[0])
        older = f", or ask for an older {package} with {world.pinning(package + '<…')}" if package else ""
        return f"{'.'.join(parts[:length])} is gone, and what took its place is used in another way. {advice}{older}."
    return None


def _library_missing(name: str, world: World) -> str:
    if name.startswith(_OF_CUDA):
        return (
            "The package was built for a GPU, and this library of CUDA is not on the machine. Ask for the "
            "package's build "
            "for CPUs, or for one of the CUDA that is there."
        )
    if name.startswith("libGL"):
        return (
            world.installing("opencv-python-headless")
            + " Leave opencv-python out: it needs a desktop's libraries."
        )
    return f"{name} is a library of the system, and is not on this machine: install the system's package that holds it."
