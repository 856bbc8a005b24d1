"""Hyperparameter search; it comes later."""

from faena_azureml.not_covered import stand_in

BanditPolicy = stand_in("azureml.train.hyperdrive.BanditPolicy")
BayesianParameterSampling = stand_in("azureml.train.hyperdrive.BayesianParameterSampling")
GridParameterSampling = stand_in("azureml.train.hyperdrive.GridParameterSampling")
HyperDriveConfig = stand_in("azureml.train.hyperdrive.HyperDriveConfig")
HyperDriveRun = stand_in("azureml.train.hyperdrive.HyperDriveRun")
HyperDriveRunConfig = stand_in("azureml.train.hyperdrive.HyperDriveRunConfig")
MedianStoppingPolicy = stand_in("azureml.train.hyperdrive.MedianStoppingPolicy")
NoTerminationPolicy = stand_in("azureml.train.hyperdrive.NoTerminationPolicy")
PrimaryMetricGoal = stand_in("azureml.train.hyperdrive.PrimaryMetricGoal")
RandomParameterSampling = stand_in("azureml.train.hyperdrive.RandomParameterSampling")
TruncationSelectionPolicy = stand_in("azureml.train.hyperdrive.TruncationSelectionPolicy")
choice = stand_in("azureml.train.hyperdrive.choice")
lognormal = stand_in("azureml.train.hyperdrive.lognormal")
loguniform = stand_in("azureml.train.hyperdrive.loguniform")
normal = stand_in("azureml.train.hyperdrive.normal")
qlognormal = stand_in("azureml.train.hyperdrive.qlognormal")
qloguniform = stand_in("azureml.train.hyperdrive.qloguniform")
qnormal = stand_in("azureml.train.hyperdrive.qnormal")
quniform = stand_in("azureml.train.hyperdrive.quniform")
randint = stand_in("azureml.train.hyperdrive.randint")
uniform = stand_in("azureml.train.hyperdrive.uniform")

__all__ = [
    "BanditPolicy",
    "BayesianParameterSampling",
    "GridParameterSampling",
    "HyperDriveConfig",
    "HyperDriveRun",
    "HyperDriveRunConfig",
    "MedianStoppingPolicy",
    "NoTerminationPolicy",
    "PrimaryMetricGoal",
    "RandomParameterSampling",
    "TruncationSelectionPolicy",
    "choice",
    "lognormal",
    "loguniform",
    "normal",
    "qlognormal",
    "qloguniform",
    "qnormal",
    "quniform",
    "randint",
    "uniform",
]
