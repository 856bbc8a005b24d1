"""Estimators whose environment holds a framework."""

from __future__ import annotations

from typing import Any, ClassVar

from faena.client.submission.estimator import Estimator
from faena.environments.frameworks import FRAMEWORKS

__all__ = ["Chainer", "Estimator", "FrameworkEstimator", "PyTorch", "SKLearn", "TensorFlow"]


class FrameworkEstimator(Estimator):
    """An estimator whose environment holds a framework, `DEFAULT_VERSION` unless told.

    A `framework_version` that exists for Pythons before 3.8 alone, such as TensorFlow 1.13, brings the packages and the
    Python of its time, as `as_of="auto"` does (docs/as-of.md). One that is not supported raises TrainingException at
    submission, naming those that are.
    """

    DEFAULT_VERSION: ClassVar[str | None] = None

    def __init_subclass__(cls, **named: Any) -> None:
        super().__init_subclass__(**named)
        if cls.framework is not None:
            cls.DEFAULT_VERSION = FRAMEWORKS[cls.framework].default

    @classmethod
    def get_supported_versions(cls) -> list[str]:
        """What `framework_version` may be, oldest first."""
        return list(FRAMEWORKS[cls.framework].versions) if cls.framework else []


class Chainer(FrameworkEstimator):
    """An estimator whose environment holds Chainer and what it needs; `framework_version` default: 5.1.0."""

    framework = "chainer"


class PyTorch(FrameworkEstimator):
    """An estimator whose environment holds PyTorch; `framework_version` default: the catalogue's."""

    framework = "pytorch"


class TensorFlow(FrameworkEstimator):
    """An estimator whose environment holds TensorFlow; `framework_version` default: the catalogue's."""

    framework = "tensorflow"


class SKLearn(FrameworkEstimator):
    """An estimator whose environment holds scikit-learn; `framework_version` default: the catalogue's."""

    framework = "sklearn"
