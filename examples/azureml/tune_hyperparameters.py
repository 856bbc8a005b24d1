"""Tunes Chainer's MNIST network in the words of the v1 SDK: trials on an elastic cluster, the best model registered.

Run it in this folder: `python tune_hyperparameters.py`. A trial that falls behind is stopped. config.json as for
train_and_register.py.
"""

import argparse
import shutil
from pathlib import Path

from azureml.core import Experiment, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.compute_target import ComputeTargetException
from azureml.train.dnn import Chainer
from azureml.train.hyperdrive.parameter_expressions import choice
from azureml.train.hyperdrive.policy import BanditPolicy
from azureml.train.hyperdrive.run import PrimaryMetricGoal
from azureml.train.hyperdrive.runconfig import HyperDriveConfig
from azureml.train.hyperdrive.sampling import RandomParameterSampling


def get_or_create_cluster(ws, name):
    try:
        return ComputeTarget(workspace=ws, name=name)
    except ComputeTargetException:
        shape = AmlCompute.provisioning_configuration(vm_size="STANDARD_NC6", max_nodes=4)
        target = ComputeTarget.create(ws, name, shape)
        target.wait_for_completion(show_output=True)
        return target


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=4, help="trials altogether")
    parser.add_argument("--at_once", type=int, default=2, help="trials at the same time")
    parser.add_argument("--epochs", type=int, nargs="+", default=[1, 2, 4], help="what --epochs may be")
    asked = parser.parse_args()

    ws = Workspace.from_config()
    project_folder = Path("chainer-mnist")
    project_folder.mkdir(exist_ok=True)
    shutil.copy("../chainer-mnist/chainer_mnist.py", project_folder)

    estimator = Chainer(
        source_directory=project_folder,
        entry_script="chainer_mnist.py",
        script_params={"--output_dir": "./outputs"},
        compute_target=get_or_create_cluster(ws, "gpu-cluster"),
        pip_packages=["numpy", "pytest"],
        use_gpu=True,
    )
    hyperdrive_config = HyperDriveConfig(
        estimator=estimator,
        hyperparameter_sampling=RandomParameterSampling(
            {"--batchsize": choice(128, 256), "--epochs": choice(*asked.epochs)}
        ),
        policy=BanditPolicy(evaluation_interval=1, slack_factor=0.1, delay_evaluation=3),
        primary_metric_name="Accuracy",
        primary_metric_goal=PrimaryMetricGoal.MAXIMIZE,
        max_total_runs=asked.runs,
        max_concurrent_runs=asked.at_once,
    )
    hyperdrive_run = Experiment(ws, name="chainer-mnist").submit(hyperdrive_config)
    hyperdrive_run.wait_for_completion(show_output=True)

    for child in hyperdrive_run.get_children_sorted_by_primary_metric():
        print(child["status"], child["hyperparameters"], child["best_primary_metric"], sep="\t")

    best_run = hyperdrive_run.get_best_run_by_primary_metric()
    print("Best run:", best_run.id, best_run.get_details()["runDefinition"]["arguments"])
    print(best_run.get_file_names())

    model = best_run.register_model(model_name="chainer-dnn-mnist", model_path="outputs/model.npz")
    print(model.name, model.id, model.version, sep="\t")


if __name__ == "__main__":
    main()
