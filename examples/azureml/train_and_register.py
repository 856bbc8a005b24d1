"""Trains Chainer's MNIST network on an elastic cluster and registers the model, in the words of the v1 SDK alone.

Run it in this folder: `python train_and_register.py`. config.json has the form that the cloud's portal gave; Faena
opens the local workspace of that name, or makes it here.
"""

import argparse
import shutil
from pathlib import Path

import azureml.core
from azureml.core import Experiment, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.compute_target import ComputeTargetException
from azureml.train.dnn import Chainer


def get_or_create_cluster(ws, name):
    try:
        target = ComputeTarget(workspace=ws, name=name)
        print("Found the compute target", name)
    except ComputeTargetException:
        print("Creating the compute target", name)
        shape = AmlCompute.provisioning_configuration(vm_size="STANDARD_NC6", max_nodes=4)
        target = ComputeTarget.create(ws, name, shape)
        target.wait_for_completion(show_output=True)
    return target


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10)
    epochs = parser.parse_args().epochs

    print("SDK version:", azureml.core.VERSION)
    ws = Workspace.from_config()
    print(ws.name, ws.resource_group, ws.location, ws.subscription_id, sep="\n")

    project_folder = Path("chainer-mnist")
    project_folder.mkdir(exist_ok=True)
    shutil.copy("../chainer-mnist/chainer_mnist.py", project_folder)

    cluster = get_or_create_cluster(ws, "gpu-cluster")
    print(cluster.get_status().serialize())

    estimator = Chainer(
        source_directory=project_folder,
        entry_script="chainer_mnist.py",
        script_params={"--epochs": epochs, "--batchsize": 128, "--output_dir": "./outputs"},
        compute_target=cluster,
        pip_packages=["numpy", "pytest"],
        use_gpu=True,
    )
    run = Experiment(ws, name="chainer-mnist").submit(estimator)
    run.wait_for_completion(show_output=True)
    print(run.get_metrics())

    model = run.register_model(model_name="chainer-dnn-mnist", model_path="outputs/model.npz")
    print(model.name, model.id, model.version, sep="\t")

    for name in run.get_file_names():
        if name.startswith("outputs/model"):
            target = Path("model") / name.split("/")[-1]
            print(f"Downloading from {name} to {target} ...")
            run.download_file(name=name, output_file_path=target)


if __name__ == "__main__":
    main()
