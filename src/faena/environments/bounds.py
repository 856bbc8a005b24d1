"""Bounds that releases forgot: versions that may be resolved together and do not work together. Data: a fact is a row.

A row holds wherever a lock has the package, whoever asked for it: a framework, a list, or another package that needs
it. Most were found by running; the others are in the projects' release notes and issues.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version


class Row(NamedTuple):
    package: str
    versions: str
    """PEP 440 range of the package's versions that are concerned."""
    requirement: str
    """What must hold of another package, if it is there."""
    why: str
    """The rest of a sentence that begins with the package and its version."""
    needed: bool = False
    """The other package must be there, too: it is imported and not listed."""


class Bound(NamedTuple):
    """A row that a lock does not keep."""

    requirement: str
    because: str
    """`scikit-learn 1.3.0`"""
    why: str
    needed: bool

    @property
    def name(self) -> str:
        return canonicalize_name(Requirement(self.requirement).name)


_ABI = "was built for numpy 1"
_NAMES = "uses names that numpy 1.24 took away"
_RESOURCES = "imports pkg_resources, which newer setuptools lack"
_PROTOBUF = "has generated code that protobuf 4 refuses"


def _rows(requirement: str, why: str, *packages: str, needed: bool = False) -> tuple[Row, ...]:
    """One row for each of `name<version`; the name in its canonical form."""
    split = [re.split(r"(?=[<>=!~])", each, maxsplit=1) for each in packages]
    return tuple(Row(name, versions, requirement, why, needed) for name, versions in split)


ROWS: tuple[Row, ...] = (
    # Found by running: the import fails on numpy.core or on the size of a dtype.
    *_rows(
        "numpy<2",
        _ABI,
        "scikit-learn<1.4.2",
        "pandas<2.2.2",
        "matplotlib<3.8.4",
        "scipy<1.13",
        "statsmodels<0.14.2",
    ),
    *_rows(
        "numpy<2", _ABI, "scikit-image<0.23", "numexpr<2.10", "bottleneck<1.4", "h5py<3.11", "tables<3.10"
    ),
    *_rows("numpy<2", _ABI, "onnxruntime<1.19", "pyarrow<16", "shap<0.46"),
    # From release notes: they are too large to be tried here.
    *_rows(
        "numpy<2",
        _ABI,
        "torch<2.3",
        "torchvision<0.18",
        "tensorflow<2.18",
        "tensorflow-cpu<2.18",
        "tensorflow-gpu<2.18",
        "numba<0.60",
    ),
    *_rows(
        "numpy<2", _ABI, "opencv-python<4.10", "opencv-python-headless<4.10", "opencv-contrib-python<4.10"
    ),
    *_rows("numpy<2", "uses names that numpy 2 took away", "bokeh<3.1", "plotly<5.24"),
    # Found by running.
    *_rows(
        "numpy<1.24",
        _NAMES,
        "scikit-learn<0.24",
        "pandas<1.1",
        "scipy<1.5",
        "scikit-image<0.18",
        "seaborn<0.11",
    ),
    *_rows(
        "numpy<1.24",
        _NAMES,
        "statsmodels<0.13",
        "chainer>0",
        "tensorflow<2.11",
        "tensorflow-cpu<2.11",
        "tensorflow-gpu<2.11",
    ),
    *_rows("numpy<1.24", _NAMES, "keras<2.4", "librosa<0.10", "h5py<3"),
    *_rows("pandas<2", "imports names that pandas 2 took away", "statsmodels<0.13", "xgboost<1.6"),
    *_rows("scipy<1.8", "imports names that scipy 1.8 took away", "statsmodels<0.13"),
    *_rows("scipy<1.16", "imports names that scipy 1.16 took away", "statsmodels<0.14.5"),
    *_rows("scipy<1.13", "imports names that scipy 1.13 took away", "gensim<4.3.3"),
    *_rows("pandas<3", "sets an option that pandas 3 took away", "seaborn<0.13"),
    *_rows("pandas<3", "calls a helper of pandas whose parameters changed in 3", "statsmodels<0.14.6"),
    *_rows("pillow<7", "imports a name that Pillow 7 took away", "torchvision<0.5"),
    *_rows("pillow<10", "calls methods that Pillow 10 took away", "wordcloud<1.9"),
    *_rows("sqlalchemy<2", "reads and writes SQL by methods that SQLAlchemy 2 took away", "pandas<2"),
    *_rows("xlrd<2", "reads .xlsx files by xlrd, whose version 2 does not", "pandas<1.2"),
    *_rows("h5py<3", "reads models by texts that h5py 3 gives as bytes", "keras<2.4"),
    *_rows(
        "scikit-learn<1.8", "calls scikit-learn with names of parameters that 1.8 took away", "lightgbm<4.6"
    ),
    *_rows(
        "scikit-learn<1.6",
        "has no tags as scikit-learn 1.6 wants them",
        "xgboost<2.1.4",
        "category-encoders<2.7",
    ),
    *_rows("scikit-learn<1.3", "imports names that scikit-learn 1.3 took away", "imbalanced-learn<0.11"),
    *_rows("scikit-learn<1.5", "imports names that scikit-learn 1.5 took away", "imbalanced-learn<0.12"),
    *_rows(
        "protobuf<3.21",
        _PROTOBUF,
        "tensorflow<2.11",
        "tensorflow-cpu<2.11",
        "tensorflow-gpu<2.11",
        "tensorboard<2.9",
        "tensorboardx<2.6",
    ),
    *_rows("protobuf<3.21", _PROTOBUF, "onnx<1.12"),
    *_rows(
        "setuptools<81", _RESOURCES, "tensorboard<2.21", "tensorflow-hub<0.17", "librosa<0.10", needed=True
    ),
    *_rows("setuptools<81", _RESOURCES, "xgboost<1", "hyperopt<0.2.8", needed=True),
    *_rows("setuptools<59.6", "looks for distutils.version, which newer setuptools hide", "torch<1.11"),
    *_rows(
        "setuptools<74",
        "imports distutils.msvccompiler, which setuptools 74 took away",
        "chainer>0",
        needed=True,
    ),
    *_rows("pytest", "imports pytest", "chainer>0", needed=True),
    *_rows("jinja2<3.1", "imports names that Jinja 3.1 took away", "flask<2", "nbconvert<6.5"),
    *_rows("itsdangerous<2.1", "imports names that itsdangerous 2.1 took away", "flask<2"),
    *_rows("werkzeug<2.1", "imports names that Werkzeug 2.1 took away", "flask<2"),
    *_rows("werkzeug<3", "imports names that Werkzeug 3 took away", "flask<2.2"),
    *_rows("markupsafe<2.1", "imports names that MarkupSafe 2.1 took away", "jinja2<3"),
    *_rows("flask<2.3", "imports names that Flask 2.3 took away", "flask-sqlalchemy<3"),
    *_rows("sqlalchemy<2", "calls methods that SQLAlchemy 2 took away", "flask-sqlalchemy<3"),
    *_rows("six", "imports six", "tensorboardx<2.5", needed=True),
    *_rows(
        "opentelemetry-sdk<1.45",
        "loses all its traces with opentelemetry-sdk 1.45, without a word",
        "mlflow<3.4",
        "mlflow-skinny<3.4",
        "mlflow-tracing<3.4",
    ),
    *_rows("ipython-genutils", "imports ipython_genutils", "nbconvert<6", needed=True),
)


def broken(text: str) -> tuple[Bound, ...]:
    """The rows that a lock's requirements do not keep, each other package once: the tightest comes with the others."""
    locked = _versions(text)
    found: list[Bound] = []
    for row in ROWS:
        version = locked.get(row.package)
        if version is None or not _range(row.versions).contains(version, prereleases=True):
            continue
        other = Requirement(row.requirement)
        there = locked.get(canonicalize_name(other.name))
        kept = not row.needed if there is None else other.specifier.contains(there, prereleases=True)
        if not kept:
            found.append(Bound(row.requirement, f"{row.package} {version}", row.why, row.needed))
    return tuple(found)


def left(text: str) -> tuple[str, ...]:
    """The same as texts in one order, to be remembered with a lock."""
    return tuple(sorted(f"{each.because}: {each.requirement}" for each in broken(text)))


@lru_cache(maxsize=512)
def _range(text: str) -> SpecifierSet:
    return SpecifierSet(text)


def _versions(text: str) -> dict[str, Version]:
    found: dict[str, Version] = {}
    for name, version in re.findall(r"^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)", text, re.MULTILINE | re.ASCII):
        try:
            found[canonicalize_name(name)] = Version(version)
        except InvalidVersion:
            continue
    return found
