"""What else serves models: MLflow's scoring server, v1's inference server, LitServe and BentoML, one worker each.

Each is given the same two things to score, an echo and a perceptron of MNIST's size in numpy, in its own form.
`SERVING_RIVALS_PYTHON` names the interpreter of an environment that has them (`make bench-serving`).
"""

from __future__ import annotations

import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ground import HIDING
from benchmarks.load import free_port

NETWORK = """
import numpy as np

class Network:
    def __init__(self):
        random = np.random.default_rng(0)
        sizes = [784, 100, 100, 10]
        self.layers = [
            (random.standard_normal((a, b)).astype(np.float32), np.zeros(b, np.float32))
            for a, b in zip(sizes, sizes[1:])
        ]

    def __call__(self, rows):
        x = np.asarray(rows, dtype=np.float32).reshape(-1, 784)
        for weights, bias in self.layers[:-1]:
            x = np.maximum(x @ weights + bias, 0)
        weights, bias = self.layers[-1]
        return (x @ weights + bias).argmax(1)
"""
_MLFLOW = {
    "echo": """
import mlflow
class Model(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        return model_input
mlflow.models.set_model(Model())
""",
    "mnist": f"""
import mlflow
{NETWORK}
class Model(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        self.network = Network()
    def predict(self, context, model_input):
        return self.network(model_input).tolist()
mlflow.models.set_model(Model())
""",
}
_V1 = {
    "echo": "def init():\n    pass\n\ndef run(data):\n    import json\n    return json.loads(data)['data']\n",
    "mnist": f"import json\n{NETWORK}\ndef init():\n    global network\n    network = Network()\n\n"
    "def run(data):\n    return network(json.loads(data)['data']).tolist()\n",
}
_LITSERVE = {
    "echo": "    def setup(self, device):\n        pass\n    def predict(self, x):\n        return x['data']\n",
    "mnist": "    def setup(self, device):\n        self.network = Network()\n"
    "    def predict(self, x):\n        return self.network(x['data']).tolist()\n",
}
_BENTO = {
    "echo": "    @bentoml.api\n    def score(self, data: list) -> list:\n        return data\n",
    "mnist": "    def __init__(self):\n        self.network = Network()\n    @bentoml.api\n"
    "    def score(self, data: list) -> list:\n        return self.network(data).tolist()\n",
}


@dataclass(frozen=True, slots=True)
class Server:
    """`field`: of the JSON body that holds the rows."""

    name: str
    url: str
    pid: int
    field: str = "data"


def python() -> Path | None:
    given = os.environ.get("SERVING_RIVALS_PYTHON")
    return None if given is None else Path(given).absolute()


@contextmanager
def mlflow(what: str, folder: Path) -> Iterator[Server]:
    python_path = _python()
    script = folder / f"mlflow_{what}.py"
    script.write_text(_MLFLOW[what])
    model = folder / f"mlflow_{what}_model"
    save = f"import mlflow; mlflow.pyfunc.save_model({str(model)!r}, python_model={str(script)!r}, pip_requirements=[])"
    if not model.exists():
        subprocess.run([python_path, "-c", save], check=True, capture_output=True, env=_environment(folder))
    port = free_port()
    command = [
        *(python_path, "-m", "mlflow", "models", "serve", "--env-manager", "local"),
        *("-m", model, "-p", str(port), "-w", "1"),
    ]
    url = f"http://127.0.0.1:{port}"
    with _started(command, folder, f"{url}/ping") as pid:
        yield Server("mlflow", f"{url}/invocations", pid, "inputs")


@contextmanager
def v1_server(what: str, folder: Path) -> Iterator[Server]:
    script = folder / f"v1_{what}.py"
    script.write_text(_V1[what])
    port = free_port()
    command = [_python().with_name("azmlinfsrv"), "--entry_script", script, "--port", str(port)]
    with _started([*command, "--worker_count", "1"], folder, f"http://127.0.0.1:{port}/") as pid:
        yield Server("v1's server", f"http://127.0.0.1:{port}/score", pid)


@contextmanager
def litserve(what: str, folder: Path) -> Iterator[Server]:
    port = free_port()
    script = folder / f"litserve_{what}.py"
    script.write_text(
        f"import litserve\n{NETWORK}\nclass Api(litserve.LitAPI):\n{_LITSERVE[what]}"
        "if __name__ == '__main__':\n"
        f"    litserve.LitServer(Api(), accelerator='cpu').run(port={port}, generate_client_file=False, "
        "num_api_servers=1)\n"
    )
    with _started([_python(), script], folder, f"http://127.0.0.1:{port}/health") as pid:
        yield Server("LitServe", f"http://127.0.0.1:{port}/predict", pid)


@contextmanager
def bentoml(what: str, folder: Path) -> Iterator[Server]:
    port = free_port()
    place = folder / f"bento_{what}"
    place.mkdir(exist_ok=True)
    (place / "service.py").write_text(
        f"import bentoml\n{NETWORK}\n@bentoml.service\nclass Scores:\n{_BENTO[what]}"
    )
    command = [_python(), "-m", "bentoml", "serve", "service:Scores", "-p", str(port)]
    with _started(command, place, f"http://127.0.0.1:{port}/readyz") as pid:
        yield Server("BentoML", f"http://127.0.0.1:{port}/score", pid)


ALL = (mlflow, v1_server, litserve, bentoml)


def _python() -> Path:
    found = python()
    assert found is not None
    return found


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in HIDING}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    path = f"{_python().parent}{os.pathsep}{kept.get('PATH', '')}"
    quiet = {"BENTOML_DO_NOT_TRACK": "True", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1"}
    return {**kept, **threads, **quiet, "PATH": path, "BENTOML_HOME": str(folder / "bentoml-home")}


@contextmanager
def _started(command: list[object], folder: Path, health: str, seconds: float = 120) -> Iterator[int]:
    """A server that answers; it and what it started is gone afterwards."""
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _await(health, process, seconds)
        yield process.pid
    finally:
        os.killpg(process.pid, 15)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()


def _await(url: str, process: subprocess.Popen[bytes], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with status {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"{url} does not answer")
