"""Scripts that use MLflow as its users do, each of which checks by MLflow's client what became of it.

They run in a run of Faena's and outside, with either client, and print the id of the run that they logged into.
"""

from __future__ import annotations

FLUENT = """
import mlflow, pandas
from mlflow import MlflowClient
mlflow.set_experiment("of a script")
with mlflow.start_run() as run:
    mlflow.log_params({"lr": 0.1, "depth": 3})
    for step in range(3):
        mlflow.log_metrics({"loss": 1 / (step + 1), "acc": step / 3}, step=step)
    mlflow.set_tag("team", "a")
    mlflow.log_dict({"a": [1, 2]}, "notes/a.json")
    mlflow.log_input(mlflow.data.from_pandas(pandas.DataFrame({"x": [1, 2]}), name="few"), context="training")
    with mlflow.start_run(nested=True, run_name="inner") as inner:
        mlflow.log_metric("loss", 9.0)
with mlflow.start_run(run_id=run.info.run_id):
    mlflow.log_metric("after", 1.0)
client = MlflowClient()
found = client.get_run(run.info.run_id)
assert found.data.params == {"lr": "0.1", "depth": "3"}, found.data.params
assert found.data.metrics == {"loss": 1 / 3, "acc": 2 / 3, "after": 1.0}, found.data.metrics
assert found.data.tags["team"] == "a"
assert [each.dataset.name for each in found.inputs.dataset_inputs] == ["few"]
assert [point.value for point in client.get_metric_history(run.info.run_id, "loss")] == [1.0, 0.5, 1 / 3]
assert mlflow.artifacts.load_dict(f"runs:/{run.info.run_id}/notes/a.json") == {"a": [1, 2]}
assert client.get_run(inner.info.run_id).data.tags["mlflow.parentRunId"] == run.info.run_id
listed = mlflow.search_runs([found.info.experiment_id], "params.lr = '0.1' and metrics.loss < 1")
assert run.info.run_id in list(listed.run_id), listed
print("RUN", run.info.run_id)
"""

SKLEARN = """
import mlflow, pandas
from mlflow import MlflowClient
from sklearn.linear_model import LogisticRegression
mlflow.sklearn.autolog()
rows = pandas.DataFrame({"a": [float(each) for each in range(20)], "b": [1.0] * 20})
with mlflow.start_run() as run:
    LogisticRegression(C=0.5).fit(rows, rows.a > 9)
found = MlflowClient().get_run(run.info.run_id)
assert found.data.params["C"] == "0.5"
assert found.data.metrics["training_accuracy_score"] == 1.0, found.data.metrics
loaded = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
assert list(loaded.predict(rows[:2])) == [False, False]
assert [each.name for each in loaded.metadata.signature.inputs] == ["a", "b"]
print("RUN", run.info.run_id)
"""

MODEL = """
import mlflow, numpy, sys, time
from mlflow import MlflowClient
from mlflow.models import infer_signature

class Doubles(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return numpy.asarray(model_input) * 2

place = "name" if mlflow.__version__.startswith("3") else "artifact_path"
name = "doubles " + mlflow.__version__ + " " + sys.argv[1]
rows = numpy.arange(6.0).reshape(3, 2)
with mlflow.start_run() as run:
    logged = mlflow.pyfunc.log_model(python_model=Doubles(), signature=infer_signature(rows, rows * 2),
        pip_requirements=["numpy"], registered_model_name=name, **{place: "model"})
client = MlflowClient()
[version] = client.search_model_versions(f"name = '{name}'")
assert version.run_id == run.info.run_id
client.set_model_version_tag(name, version.version, "checked", "yes")
assert client.get_model_version(name, version.version).tags["checked"] == "yes"
wanted = [f"models:/{name}/{version.version}", f"models:/{name}/latest", logged.model_uri]
if sys.argv[1] == "outside":
    client.set_registered_model_alias(name, "champion", version.version)
    assert client.get_model_version_by_alias(name, "champion").version == version.version
    wanted.append(f"models:/{name}@champion")
for address in wanted:
    assert (mlflow.pyfunc.load_model(address).predict(rows) == rows * 2).all(), address
print("RUN", run.info.run_id)
"""

TRACES = """
import mlflow
mlflow.set_experiment("traced")

@mlflow.trace
def answer(question):
    with mlflow.start_span("look up") as span:
        span.set_inputs({"question": question})
        span.set_outputs([1, 2])
    return question.upper()

with mlflow.start_run() as run:
    assert answer("why") == "WHY"
if hasattr(mlflow, "flush_trace_async_logging"):
    mlflow.flush_trace_async_logging()
[trace] = mlflow.search_traces(run_id=run.info.run_id, return_type="list")
assert [span.name for span in trace.data.spans] == ["answer", "look up"], trace.data.spans
assert trace.data.spans[1].outputs == [1, 2]
print("RUN", run.info.run_id)
"""

SYSTEM = """
import mlflow, time
from mlflow import MlflowClient
mlflow.enable_system_metrics_logging()
mlflow.set_system_metrics_sampling_interval(1)
mlflow.set_system_metrics_samples_before_logging(1)
with mlflow.start_run() as run:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = MlflowClient().get_run(run.info.run_id).data.metrics
        if "system/cpu_utilization_percentage" in found:
            break
        time.sleep(0.5)
assert found["system/system_memory_usage_megabytes"] > 0, found
print("RUN", run.info.run_id)
"""

KERAS = """
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import mlflow, numpy, keras
from mlflow import MlflowClient
mlflow.tensorflow.autolog()
rows = numpy.arange(40, dtype="float32").reshape(20, 2)
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile(optimizer="sgd", loss="mse")
with mlflow.start_run() as run:
    model.fit(rows / 40, rows[:, 0] / 40, epochs=3, verbose=0)
found = MlflowClient().get_run(run.info.run_id)
assert found.data.params["epochs"] == "3", found.data.params
assert len(MlflowClient().get_metric_history(run.info.run_id, "loss")) == 3
loaded = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
assert numpy.allclose(loaded.predict(rows), model.predict(rows, verbose=0), atol=1e-4)
print("RUN", run.info.run_id)
"""

XGBOOST = """
import mlflow, numpy, xgboost
from mlflow import MlflowClient
mlflow.xgboost.autolog()
rows = numpy.arange(40.0).reshape(20, 2)
with mlflow.start_run() as run:
    data = xgboost.DMatrix(rows, rows[:, 0])
    trained = xgboost.train({"max_depth": 2}, data, 3, evals=[(data, "train")])
found = MlflowClient().get_run(run.info.run_id)
assert found.data.params["max_depth"] == "2", found.data.params
assert len(MlflowClient().get_metric_history(run.info.run_id, "train-rmse")) == 3
loaded = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
assert numpy.allclose(loaded.predict(rows), trained.predict(xgboost.DMatrix(rows)))
print("RUN", run.info.run_id)
"""

LIGHTNING = """
import mlflow, torch
import lightning as L
from mlflow import MlflowClient
mlflow.pytorch.autolog(log_models=True)

class Line(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)

    def training_step(self, batch, number):
        loss = ((self.layer(batch[0]) - batch[1]) ** 2).mean()
        self.log("loss", loss, on_epoch=True)
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01)

rows = torch.rand(20, 2)
data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(rows, rows[:, :1]), batch_size=5)
with mlflow.start_run() as run:
    quiet = dict(logger=False, enable_checkpointing=False, enable_progress_bar=False)
    trainer = L.Trainer(max_epochs=2, accelerator="cpu", **quiet)
    trainer.fit(Line(), data)
found = MlflowClient().get_run(run.info.run_id)
assert found.data.params["optimizer_name"] == "SGD", found.data.params
assert found.data.metrics["loss_epoch"] >= 0, found.data.metrics
print("RUN", run.info.run_id)
"""
