"""v1's estimators of neural networks."""

from faena.client.estimator import Chainer, PyTorch, TensorFlow
from faena_azureml.distributed import Gloo, Mpi, Nccl, ParameterServer

__all__ = ["Chainer", "Gloo", "Mpi", "Nccl", "ParameterServer", "PyTorch", "TensorFlow"]
