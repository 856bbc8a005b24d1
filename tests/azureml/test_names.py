"""The names that scripts of 2019 import, each where they look for it."""

from __future__ import annotations

import importlib
import warnings

import azureml.core
import pytest
from azureml import exceptions
from azureml.core.authentication import InteractiveLoginAuthentication, ServicePrincipalAuthentication
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.runconfig import ContainerRegistry
from azureml.telemetry import set_diagnostics_collection

import faena
from faena.kernel.errors import FaenaError

PLACES = {
    "azureml.core": (
        "VERSION __version__ Workspace Experiment Run ScriptRun ScriptRunConfig RunConfiguration Environment Datastore "
        "Dataset Model Image Webservice ComputeTarget ContainerRegistry Keyvault get_run diagnostic_log"
    ),
    "azureml.core.workspace": "Workspace",
    "azureml.core.experiment": "Experiment",
    "azureml.core.run": "Run get_run _OfflineRun",
    "azureml.core.script_run_config": "ScriptRunConfig",
    "azureml.core.runconfig": (
        "RunConfiguration CondaDependencies MpiConfiguration TensorflowConfiguration DataReferenceConfiguration "
        "DEFAULT_CPU_IMAGE DEFAULT_GPU_IMAGE MPI_CPU_IMAGE MPI_GPU_IMAGE EnvironmentDefinition ContainerRegistry "
        "AzureContainerRegistry PyTorchConfiguration DockerConfiguration"
    ),
    "azureml.core.conda_dependencies": "CondaDependencies",
    "azureml.core.environment": "Environment CondaDependencies",
    "azureml.core.container_registry": "ContainerRegistry",
    "azureml.core.datastore": "Datastore",
    "azureml.core.dataset": "Dataset",
    "azureml.core.model": "Model InferenceConfig ModelPackage",
    "azureml.core.webservice.webservice": "Webservice WebserviceException WebserviceDeploymentConfiguration",
    "azureml.core.webservice.aci": "AciWebservice AciServiceDeploymentConfiguration",
    "azureml.core.webservice.aks": "AksWebservice AksServiceDeploymentConfiguration",
    "azureml.core.webservice.local": "LocalWebservice LocalWebserviceDeploymentConfiguration",
    "azureml.core.webservice": "Webservice AciWebservice LocalWebservice AksWebservice",
    "azureml.core.image": "Image ContainerImage",
    "azureml.monitoring": "ModelDataCollector",
    "azureml.mlflow": "VERSION get_portal_url register_model",
    "azureml.core.compute": "ComputeTarget AmlCompute AksCompute DsvmCompute RemoteCompute",
    "azureml.core.compute_target": "ComputeTargetException",
    "azureml.core.keyvault": "Keyvault",
    "azureml.train.estimator": "Estimator",
    "azureml.train.dnn": "Chainer PyTorch TensorFlow Mpi Gloo Nccl ParameterServer",
    "azureml.train.sklearn": "SKLearn",
    "azureml.train.hyperdrive": (
        "HyperDriveConfig HyperDriveRunConfig HyperDriveRun PrimaryMetricGoal HyperParameterSampling "
        "RandomParameterSampling GridParameterSampling BayesianParameterSampling EarlyTerminationPolicy BanditPolicy "
        "MedianStoppingPolicy TruncationSelectionPolicy NoTerminationPolicy choice randint uniform quniform loguniform "
        "qloguniform normal qnormal lognormal qlognormal"
    ),
    "azureml.train.hyperdrive.runconfig": "HyperDriveConfig HyperDriveRunConfig",
    "azureml.train.hyperdrive.sampling": (
        "HyperParameterSampling RandomParameterSampling GridParameterSampling BayesianParameterSampling"
    ),
    "azureml.train.hyperdrive.policy": (
        "EarlyTerminationPolicy BanditPolicy MedianStoppingPolicy TruncationSelectionPolicy NoTerminationPolicy"
    ),
    "azureml.train.hyperdrive.run": "PrimaryMetricGoal HyperDriveRun",
    "azureml.train.hyperdrive.parameter_expressions": (
        "choice randint uniform quniform loguniform qloguniform normal qnormal lognormal qlognormal"
    ),
    "azureml.widgets": "RunDetails",
    "azureml.telemetry": "set_diagnostics_collection",
    "azureml.tensorboard": "Tensorboard",
    "azureml.tensorboard.export": "export_to_tensorboard",
    "azureml.data": "FileDataset TabularDataset OutputFileDatasetConfig",
    "azureml.data.data_reference": "DataReference",
    "azureml.data.datapath": "DataPath DataPathComputeBinding",
    "azureml.data.dataset_factory": "FileDatasetFactory TabularDatasetFactory",
    "azureml.data.dataset_consumption_config": "DatasetConsumptionConfig",
}
ERRORS = (
    "ComputeTargetException ExperimentExecutionException ProjectSystemException RunEnvironmentException "
    "WorkspaceException UserErrorException AuthenticationException RunConfigurationException WebserviceException "
    "ModelNotFoundException ModelPathNotFoundException TrainingException SnapshotException ActivityFailedException "
    "ActivityCanceledException DiscoveryUrlNotFoundException ServiceException DatasetTimestampMissingError"
)


@pytest.mark.parametrize("module", PLACES)
def test_is_where_it_was(module: str) -> None:
    found = importlib.import_module(module)
    for name in PLACES[module].split():
        assert getattr(found, name) is not None


def test_submodules_are_attributes_of_the_package() -> None:
    assert azureml.core.runconfig.DEFAULT_CPU_IMAGE.startswith("mcr.microsoft.com/")
    assert azureml.core.model.Model is azureml.core.Model


def test_the_package_lists_what_it_has() -> None:
    assert set(azureml.core.__all__) == {*PLACES["azureml.core"].split()}
    assert set(azureml.core.__all__) <= set(dir(azureml.core))


@pytest.mark.parametrize("name", ERRORS.split())
def test_each_error_is_caught_by_v1s_root_and_has_its_message(name: str) -> None:
    assert exceptions.AzureMLException is FaenaError
    error = getattr(exceptions, name)("what to do")
    assert isinstance(error, exceptions.AzureMLException)
    assert error.message == str(error) == "what to do"


def test_what_has_no_meaning_here_does_nothing() -> None:
    set_diagnostics_collection(send_diagnostics=True)
    with azureml.core.diagnostic_log("somewhere.log"):
        pass


def test_secrets_are_not_kept() -> None:
    registry = ContainerRegistry()
    registry.password = "secret"
    given = ServicePrincipalAuthentication("tenant", "id", service_principal_password="secret")
    assert "secret" not in repr([vars(registry), registry.password, vars(given)])
    with pytest.raises(exceptions.NotCovered, match="Nothing has to log in"):
        InteractiveLoginAuthentication(force=True).get_authentication_header()


def test_what_came_with_core_needs_no_import_of_its_own() -> None:
    assert azureml.data.__version__ == azureml.core.VERSION
    with pytest.raises(AttributeError, match="'azureml' has no attribute 'nope'"):
        azureml.nope  # noqa: B018  # what is asked for is what fails


def test_a_new_environment_has_the_defaults_of_v1() -> None:
    from azureml.core import Environment, RunConfiguration, ScriptRunConfig

    assert Environment("mine").request().packages == ("azureml-defaults",)
    assert RunConfiguration().environment.request().packages == ("azureml-defaults",)
    assert ScriptRunConfig(".", "train.py").run_config.environment.request().packages == ("azureml-defaults",)
    assert faena.Environment("mine").request().packages == ()
    assert faena.ScriptRunConfig(".", "train.py").run_config.environment.request().packages == ()


@pytest.mark.parametrize(
    ("image", "package", "gpu"),
    [
        (None, "numpy", "none"),
        ("mcr.microsoft.com/azureml/openmpi3.1.2-ubuntu18.04", "numpy", "none"),
        ("mcr.microsoft.com/azureml/openmpi3.1.2-cuda10.0-cudnn7-ubuntu18.04", "numpy", "auto"),
        (None, "cupy-cuda100==5.1.0", "auto"),
        (None, "tensorflow-gpu==2.2.0", "auto"),
    ],
)
def test_an_environment_for_gpus_asks_for_one(image: str | None, package: str, gpu: str) -> None:
    environment = azureml.core.Environment("mine")
    environment.docker.base_image = image
    environment.python.conda_dependencies = CondaDependencies.create(pip_packages=[package])
    config = azureml.core.ScriptRunConfig(".", "train.py", environment=environment)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the image, which has no effect
        sent = config.submission(experiment="e", snapshot="0" * 64, git=None, tags={}, user="u")
    assert sent.gpu == gpu
    config.run_config.gpu = "require"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert (
            config.submission(experiment="e", snapshot="0" * 64, git=None, tags={}, user="u").gpu == "require"
        )
