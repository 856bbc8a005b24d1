"""v1's estimators of neural networks."""

from faena_azureml.distributed import Gloo, Mpi, Nccl, ParameterServer
from faena_azureml.estimators import Chainer, PyTorch, TensorFlow

__all__ = ["Chainer", "Gloo", "Mpi", "Nccl", "ParameterServer", "PyTorch", "TensorFlow"]
