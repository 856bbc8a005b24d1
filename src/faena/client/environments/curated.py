"""Curated environments of v1, by the names that scripts have: what stands for each here."""

from __future__ import annotations

import re
from typing import NamedTuple

from faena.environments.frameworks import FRAMEWORKS
from faena.kernel.errors import UserErrorException
from faena.script.messages import tell

PREFIX = "AzureML-"

_DEFAULTS = ("azureml-defaults",)
_PACKAGES: dict[str, tuple[str, ...]] = {
    "minimal": _DEFAULTS,
    "tutorial": (
        *_DEFAULTS,
        "matplotlib",
        "numpy<1.24",
        "pandas",
        "scikit-learn<1.3",
    ),  # as scripts of its time need them
    "sidecar": _DEFAULTS,
}
_IMAGE = re.compile(r"(minimal|tutorial|sidecar)-ubuntu.*")
_FRAMEWORK = re.compile(r"(chainer|pytorch|tensorflow|scikit-?learn|sklearn)-?v?(\d+(?:\.\d+)*)(?:-.*)?")
_LIBRARY = re.compile(r"(lightgbm|xgboost|onnxruntime)-v?(\d+(?:\.\d+)*)(?:-.*)?")
_BESIDE = {
    "lightgbm": ("lightgbm=={}.*", "scikit-learn"),
    "xgboost": ("xgboost=={}.*", "scikit-learn"),
    "onnxruntime": ("onnxruntime>={}",),  # later ones run what the earlier ran
}
_TOO_OLD = re.compile(r"0\.(?:\d|1\d|2[01])(?:\..*)?")
"""Releases of scikit-learn that no Python of today can have; the next one stands for them."""


class Curated(NamedTuple):
    packages: tuple[str, ...]
    framework: str | None = None
    framework_version: str | None = None


def names() -> list[str]:
    """Of those that can be had: the general ones, and each framework in the version that is taken unless told."""
    found = [f"{PREFIX}{each.capitalize()}" for each in ("minimal", "tutorial")]
    for name, framework in FRAMEWORKS.items():
        found.append(f"{PREFIX}{name.capitalize()}-{framework.default or framework.versions[-1]}")
    return found


def find(name: str) -> Curated:
    """What `AzureML-…` holds. Raises UserErrorException naming what can be had instead."""
    rest = name[len(PREFIX) :].lower()
    if (image := _IMAGE.fullmatch(rest)) is not None:
        rest = image[1]
    if rest in _PACKAGES:
        return Curated(_PACKAGES[rest])
    if (library := _LIBRARY.fullmatch(rest)) is not None:
        return Curated((*_DEFAULTS, *(each.format(library[2]) for each in _BESIDE[library[1]])))
    found = _FRAMEWORK.fullmatch(rest)
    if found is None:
        known = ", ".join(f"{PREFIX}{each.capitalize()}" for each in _PACKAGES)
        raise UserErrorException(
            f"The curated environment {name[:80]!r} is not known here. There is: {known} and {PREFIX}<framework>-"
            f"<version> for {', '.join((*FRAMEWORKS, *_BESIDE))}. Or make one: Environment('mine') with the packages "
            "you need."
        )
    framework = "sklearn" if found[1].startswith("s") else found[1]
    versions = FRAMEWORKS[framework].versions
    wanted = found[2].split(".")
    match = [each for each in versions if each.split(".")[: len(wanted)] == wanted]
    if not match and framework == "sklearn" and _TOO_OLD.fullmatch(found[2]):
        tell(f"faena: scikit-learn {found[2]} of {name[:80]} cannot be had; {versions[0]} stands for it.")
        match = [versions[0]]
    if not match:
        raise UserErrorException(
            f"{name[:80]!r} asks for {framework} {found[2]}, which cannot be had. Versions that work: "
            f"{', '.join(versions)}: take {PREFIX}{found[1].capitalize()}-<one of them>."
        )
    return Curated(_DEFAULTS, framework, match[-1])
