"""Notebooks in the style of v1's public ones: a cell each."""

from __future__ import annotations

TRAINING = (
    """
import os
import azureml.core
import numpy as np
import pandas as pd
from azureml.core import Dataset, Environment, Experiment, Run, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.compute_target import ComputeTargetException
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.model import Model
from azureml.telemetry import set_diagnostics_collection
from azureml.train.estimator import Estimator
from azureml.train.hyperdrive import *
from azureml.widgets import RunDetails
set_diagnostics_collection(send_diagnostics=True)
ws = Workspace.from_config()
print("SDK", azureml.core.VERSION, ws.name, ws.location, ws.resource_group, sep="\\t")
""",
    """
try:
    compute_target = ComputeTarget(workspace=ws, name="cpu-cluster")
except ComputeTargetException:
    config = AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=2)
    compute_target = ComputeTarget.create(ws, "cpu-cluster", config)
compute_target.wait_for_completion(show_output=True, min_node_count=None, timeout_in_minutes=20)
assert ws.compute_targets["cpu-cluster"].type == "AmlCompute"
assert compute_target.get_status().serialize()["scaleSettings"]["maxNodeCount"] == 2
""",
    """
os.makedirs("proj", exist_ok=True)
os.makedirs("data", exist_ok=True)
np.savetxt("data/x.csv", np.arange(20).reshape(10, 2), delimiter=",")
ds = ws.get_default_datastore()
ds.upload(src_dir="data", target_path="dat", overwrite=True, show_progress=True)
with open("proj/train.py", "w") as file:
    file.write('''
import argparse, os
from azureml.core import Run
parser = argparse.ArgumentParser()
parser.add_argument("--data-folder")
parser.add_argument("--lr", type=float, default=0.1)
given = parser.parse_args()
assert os.environ["FOO"] == "bar" and os.listdir(given.data_folder) == ["x.csv"]
run = Run.get_context()
for step in range(3):
    run.log("acc", given.lr + step)
os.makedirs("outputs", exist_ok=True)
open("outputs/model.pkl", "w").write("m")
''')
est = Estimator(
    source_directory="proj",
    script_params={"--data-folder": ds.path("dat").as_mount(), "--lr": 0.5},
    compute_target=compute_target,
    entry_script="train.py",
)
est.run_config.environment.environment_variables["FOO"] = "bar"
exp = Experiment(ws, "est")
run = exp.submit(est)
RunDetails(run).show()
run.wait_for_completion(show_output=True)
assert run.get_metrics() == {"acc": [0.5, 1.5, 2.5]}
""",
    """
model = run.register_model(model_name="est", model_path="outputs/model.pkl", tags={"a": "b"})
assert (model.name, model.version, ws.models["est"].tags) == ("est", 1, {"a": "b"})
assert open(Model(ws, "est").download(target_dir="dl", exist_ok=True)).read() == "m"
""",
    """
config = HyperDriveConfig(
    estimator=est,
    hyperparameter_sampling=RandomParameterSampling({"--lr": uniform(0.1, 0.9)}),
    policy=BanditPolicy(slack_factor=0.15, evaluation_interval=1, delay_evaluation=10),
    primary_metric_name="acc",
    primary_metric_goal=PrimaryMetricGoal.MAXIMIZE,
    max_total_runs=2,
    max_concurrent_runs=2,
)
sweep = exp.submit(config=config)
RunDetails(sweep).show()
sweep.wait_for_completion(show_output=False)
best = sweep.get_best_run_by_primary_metric()
assert isinstance(best, Run) and len(list(sweep.get_children())) == 2
assert "--lr" in best.get_details()["runDefinition"]["arguments"]
""",
    """
files = Dataset.File.from_files(path=[(ds, "dat/x.csv")]).register(ws, "files", create_new_version=True)
assert files.to_path() == ["/x.csv"] and Dataset.get_by_name(ws, "files").version == 1
table = Dataset.Tabular.from_delimited_files(path=(ds, "dat/x.csv"), header=False)
assert type(table.to_pandas_dataframe()) is pd.DataFrame
assert table.filter(table["Column1"] > 10).to_pandas_dataframe().shape == (4, 2)
env = Environment("of-then")
env.python.conda_dependencies = CondaDependencies.create(pip_packages=["numpy"], python_version="3.7")
env.register(ws)
assert "numpy" in Environment.get(ws, "of-then").python.conda_dependencies.serialize_to_string()
ws.get_default_keyvault().set_secret(name="a", value="b")
assert ws.get_default_keyvault().get_secret("a") == "b"
with exp.start_logging() as logged:
    logged.log("x", np.float32(1.5))
    logged.upload_file("outputs/x.csv", "data/x.csv")
    with logged.child_run("child") as child:
        child.log("y", 2)
assert logged.get_metrics() == {"x": 1.5} and [c.get_metrics() for c in logged.get_children()] == [{"y": 2}]
print("all of it")
""",
)
