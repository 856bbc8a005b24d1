"""Frameworks, the versions that can be had, and what runs beside them. Data: a new framework is a new row.

For which interpreters there are wheels was looked up in the package index; what is in `needs` was found by running.
Versions that exist for Pythons before 3.8 alone are had as of their time.
"""

from __future__ import annotations

from typing import NamedTuple


class Release(NamedTuple):
    """One version of a framework."""

    version: str
    python: str
    """PEP 440 range of interpreters that it runs on."""
    needs: tuple[str, ...] = ()
    """Requirements beside it."""
    declares: tuple[str, ...] = ()
    """What it says itself that it requires, where only a source distribution could be asked. Empty: wheels say it."""
    came: str = ""
    """The day of its first file (UTC), where it exists for Pythons before 3.8 alone; empty for all others."""


class Once(NamedTuple):
    """What v1's estimators took unless told, and the days (UTC, both included) for which it is taken as of a date."""

    version: str
    first: str
    last: str


class Framework(NamedTuple):
    package: str
    """The distribution that carries the framework's version."""
    releases: tuple[Release, ...]
    """Those that were tried, oldest first; any other is refused."""
    default: str | None = None
    """Taken where the interpreter suits it; else, and where None, the newest that the interpreter suits."""
    build_constraints: tuple[str, ...] = ()
    """For source distributions whose build needs an older tool."""
    variants: tuple[str, ...] = ()
    """Other distributions of the same versions, for other machines."""
    undeclared: tuple[str, ...] = ()
    """What all versions import and none says that it requires."""
    of_a_date: tuple[str, ...] = ()
    """What the images of v1's estimators had beside it, and scripts of that time import."""
    once_default: Once | None = None
    """As of other days it is the latest."""

    @property
    def versions(self) -> tuple[str, ...]:
        return tuple(release.version for release in self.releases)


# numpy 1.24 took np.int and np.float away; chainer.gradient_check imports pytest; with setuptools
# 74 and newer `import chainer` fails on distutils.msvccompiler, without any 7.x lacks pkg_resources.
_CHAINER = ("numpy<1.24", "pytest", "setuptools<74")
_CHAINER_5 = ("filelock", "numpy>=1.9.0", "protobuf>=3.0.0", "six>=1.9.0")
_CHAINER_6_0 = (
    *("setuptools", "typing", "typing_extensions", "filelock", "numpy>=1.9.0"),
    *("protobuf>=3.0.0,<3.8.0rc1", "six>=1.9.0"),
)
_CHAINER_6_7 = ("setuptools", "typing<=3.6.6", "typing_extensions<=3.6.6", *_CHAINER_5)
_CHAINER_7 = ("setuptools", "typing_extensions", *_CHAINER_5)

# Up to 2.2 torch's extensions speak numpy 1's binary interface.
_TORCH_OLD = ("numpy<2",)
_TORCH = ("numpy",)

# Up to 2.10 its generated code fails on protobuf 4, which its metadata lets in.
_TENSORFLOW_OLD = ("numpy<1.24", "protobuf<3.21")

_SKLEARN_OLD = ("numpy<1.24",)

_BEFORE_38 = ">=3.6,<3.8"
# From 0.3 on torchvision says which torch it is for.
_TORCHVISION_0_2 = ("torchvision==0.2.1",)


def _of_its_time(version: str, came: str, *needs: str, python: str = _BEFORE_38) -> Release:
    return Release(version, python, needs, (), came)


def _releases(
    needs: tuple[str, ...], python: str, *versions: str, declares: tuple[str, ...] = ()
) -> tuple[Release, ...]:
    return tuple(Release(version, python, needs, declares) for version in versions)


FRAMEWORKS: dict[str, Framework] = {
    "chainer": Framework(
        package="chainer",
        releases=(
            *_releases(_CHAINER, ">=3.6,<3.12", "5.1.0", "5.2.0", "5.4.0", declares=_CHAINER_5),
            *_releases(_CHAINER, ">=3.6,<3.12", "6.0.0", declares=_CHAINER_6_0),
            *_releases(_CHAINER, ">=3.6,<3.12", "6.7.0", declares=_CHAINER_6_7),
            *_releases(_CHAINER, ">=3.6,<3.12", "7.0.0", "7.8.1", declares=_CHAINER_7),
        ),
        default="5.1.0",
        # Its setup.py imports pkg_resources, which an isolated build takes from the newest setuptools.
        build_constraints=("setuptools<80",),
        undeclared=("pytest",),
        once_default=Once("5.1.0", "2018-12-03", "2020-12-31"),
    ),
    # On Linux x86-64 the package index holds CUDA builds only. Up to 1.12 CUDA lies inside the wheel (0.8 GB). From
    # 1.13 on a wheel needs the nvidia-* packages beside it (2 to 5 GB): left out, `import torch` fails on
    # libcudnn.so, so that they cannot be spared. A CPU build (0.2 GB, version 2.13.0+cpu) is taken by itself where
    # one can be had: from a folder in UV_FIND_LINKS or PIP_FIND_LINKS, or from an index in index_urls, such as
    # https://download.pytorch.org/whl/cpu. macOS and Linux on ARM get CPU builds from the package index.
    "pytorch": Framework(
        package="torch",
        releases=(
            _of_its_time("1.0.0", "2018-12-07", *_TORCHVISION_0_2),
            _of_its_time("1.0.1", "2019-02-05", *_TORCHVISION_0_2),
            _of_its_time("1.1.0", "2019-04-30", "torchvision==0.3.0"),
            _of_its_time("1.2.0", "2019-08-08"),
            _of_its_time("1.3.0", "2019-10-10"),
            _of_its_time("1.3.1", "2019-11-07"),
            *_releases(_TORCH_OLD, ">=3.8,<3.9", "1.4.0", "1.5.1", "1.6.0"),
            *_releases(_TORCH_OLD, ">=3.8,<3.10", "1.7.1", "1.8.1", "1.9.1", "1.10.2"),
            *_releases(_TORCH_OLD, ">=3.8,<3.11", "1.11.0", "1.12.1"),
            *_releases(_TORCH_OLD, ">=3.8,<3.12", "1.13.1", "2.0.1", "2.1.2"),
            *_releases(_TORCH_OLD, ">=3.8,<3.13", "2.2.2"),
            *_releases(_TORCH, ">=3.8,<3.13", "2.3.1", "2.4.1"),
            *_releases(_TORCH, ">=3.9,<3.14", "2.5.1", "2.6.0", "2.7.1", "2.8.0"),
            *_releases(_TORCH, ">=3.10,<3.15", "2.9.1", "2.10.0", "2.11.0", "2.12.1", "2.13.0", "2.14.1"),
            *_releases(_TORCH, ">=3.11,<3.15", "2.15.0"),
        ),
        default="2.13.0",
        of_a_date=("torchvision", "tensorboard", "future"),
        once_default=Once("1.2.0", "2019-08-08", "2019-11-30"),
    ),
    "tensorflow": Framework(
        package="tensorflow",
        variants=("tensorflow-cpu", "tensorflow-gpu", "tensorflow-intel"),
        releases=(
            _of_its_time("1.10.0", "2018-08-08", python=">=3.6,<3.7"),
            _of_its_time("1.11.0", "2018-09-27", python=">=3.6,<3.7"),
            _of_its_time("1.12.0", "2018-11-06", python=">=3.6,<3.7"),
            _of_its_time("1.13.1", "2019-02-26"),
            _of_its_time("1.14.0", "2019-06-19"),
            _of_its_time("1.15.0", "2019-10-16"),
            _of_its_time("2.0.0", "2019-09-30"),
            _of_its_time("2.1.0", "2020-01-08"),
            *_releases(_TENSORFLOW_OLD, ">=3.8,<3.9", "2.2.3", "2.3.4", "2.4.4"),
            *_releases(_TENSORFLOW_OLD, ">=3.8,<3.10", "2.5.3", "2.6.5", "2.7.4"),
            *_releases(_TENSORFLOW_OLD, ">=3.8,<3.11", "2.8.4", "2.9.3", "2.10.1"),
            *_releases((), ">=3.8,<3.12", "2.12.1", "2.13.1"),
            *_releases((), ">=3.9,<3.12", "2.14.1", "2.15.1"),
            *_releases((), ">=3.9,<3.13", "2.16.2", "2.17.1", "2.18.1", "2.19.1"),
            *_releases((), ">=3.9,<3.14", "2.20.0"),
            *_releases((), ">=3.10,<3.14", "2.21.0"),
        ),
        once_default=Once("1.13.1", "2019-02-26", "2020-12-31"),
    ),
    "sklearn": Framework(
        package="scikit-learn",
        releases=(
            _of_its_time("0.19.2", "2018-07-15"),
            _of_its_time("0.20.3", "2019-03-01"),
            _of_its_time("0.21.3", "2019-07-30"),
            *_releases(_SKLEARN_OLD, ">=3.8,<3.9", "0.22.2.post1", "0.23.2"),
            *_releases(_SKLEARN_OLD, ">=3.8,<3.10", "0.24.2"),
            *_releases(_SKLEARN_OLD, ">=3.8,<3.11", "1.0.2"),
            *_releases(_SKLEARN_OLD, ">=3.8,<3.12", "1.1.3", "1.2.2"),
            *_releases(("numpy<2",), ">=3.8,<3.13", "1.3.2"),
            *_releases((), ">=3.9,<3.13", "1.4.2"),
            *_releases((), ">=3.9,<3.14", "1.5.2", "1.6.1"),
            *_releases((), ">=3.10,<3.15", "1.7.2"),
            *_releases((), ">=3.11,<3.15", "1.8.0", "1.9.1"),
        ),
        # v1 took 0.20; scripts of its time use names that numpy 1.24 took away
        default="1.2.2",
        of_a_date=("joblib", "scipy"),
        once_default=Once("0.20.3", "2019-03-01", "2020-12-31"),
    ),
}
