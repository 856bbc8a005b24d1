"""v1's estimators: those of Faena, whose scripts find the SDK's names without asking for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faena.client.submission import framework_estimators as faena

_DEFAULTS = "azureml-defaults"

if TYPE_CHECKING:
    _Base = faena.Estimator
else:
    _Base = object


class _WithDefaults(_Base):
    """As v1 did, adds `azureml-defaults` to the packages of an environment that is built and that no file describes."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        python = self.run_config.environment.python
        if options.get("environment_definition") is not None or python.user_managed_dependencies:
            return
        if python.conda_dependencies_file is None and python.conda_dependencies is not None:
            python.conda_dependencies.add_pip_package(_DEFAULTS)


class Estimator(_WithDefaults, faena.Estimator):
    __doc__ = faena.Estimator.__doc__


class Chainer(_WithDefaults, faena.Chainer):
    __doc__ = faena.Chainer.__doc__


class PyTorch(_WithDefaults, faena.PyTorch):
    __doc__ = faena.PyTorch.__doc__


class TensorFlow(_WithDefaults, faena.TensorFlow):
    __doc__ = faena.TensorFlow.__doc__


class SKLearn(_WithDefaults, faena.SKLearn):
    __doc__ = faena.SKLearn.__doc__
