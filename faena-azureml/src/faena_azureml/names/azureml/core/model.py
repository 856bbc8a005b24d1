"""v1's home of Model and InferenceConfig. Notebooks take Dataset from here, too."""

from faena_azureml.dataset import Dataset
from faena_azureml.lazy import loader
from faena_azureml.model import Model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from faena.client.packaging.model_package import ModelPackage
    from faena_azureml.deploying.inference_config import InferenceConfig

_HOMES = {
    "InferenceConfig": "faena_azureml.deploying.inference_config",
    "ModelPackage": "faena.client.packaging.model_package",
}

__all__ = ["Dataset", "InferenceConfig", "Model", "ModelPackage"]

__getattr__, _ = loader(__name__, _HOMES)
