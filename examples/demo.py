"""The main job from end to end: Chainer on MNIST on an elastic cluster of this machine, the model registered.

`make demo` runs it. Everything goes into the folder `demo`.
"""

import time
from pathlib import Path

from faena import Chainer, Cluster, Experiment, Workspace

HERE = Path(__file__).resolve().parent
DEMO = HERE.parent / "demo"


def main() -> None:
    began = time.monotonic()
    DEMO.mkdir(exist_ok=True)
    ws = Workspace.create("demo", DEMO, exist_ok=True)
    ws.write_config(DEMO)

    cluster = Cluster.get_or_create(ws, "gpu-cluster", max_nodes=4)
    cluster.wait_for_completion(show_output=True)

    run = Experiment(ws, "chainer-mnist").submit(
        Chainer(
            source_directory=HERE / "chainer-mnist",
            entry_script="chainer_mnist.py",
            script_params={"--epochs": 10, "--batchsize": 128, "--output_dir": "./outputs", "--seed": 0},
            compute_target=cluster,
            pip_packages=["numpy", "pytest"],
            use_gpu=True,
        )
    )
    details = run.wait_for_completion(show_output=True)
    accuracy = run.get_metrics()["Accuracy"][-1]
    model = run.register_model(model_name="chainer-dnn-mnist", model_path="outputs/model.npz")
    for name in run.get_file_names():
        if name.startswith("outputs/model"):
            run.download_file(name, output_file_path=DEMO / "model" / name.split("/")[-1])

    print("\nDone")
    print(f"  Validation accuracy  {accuracy:.4f} after 10 epochs")
    print(f"  Model                {model.name}, version {model.version}")
    for name in run.get_file_names():
        print(f"  File                 {name}")
    print(f"  They lie in          {ws.folder / '.faena'}")
    print(f"  Downloaded to        {DEMO / 'model' / 'model.npz'}")
    for phase in details["phases"]:
        print(f"  {phase['name']:<20} {phase['seconds']:8.2f} s")
    print(f"  Altogether           {time.monotonic() - began:8.2f} s")
    print("\nLook around: cd demo; ../.venv/bin/faena runs")
    print(f"             ../.venv/bin/faena show {run.id}")


if __name__ == "__main__":
    main()
