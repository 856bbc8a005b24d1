"""PyTorch and TensorFlow scripts written for a GPU, on a machine without one: a campaign, of gigabytes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import uv

from tests.script.conftest import RunHere, find_interpreter
from tests.script.test_gpu_age import nvidia_smi

START = "import _faena_start; _faena_start.install()\n"
ANSWERED = "GPU CALLS ARE ANSWERED ON THE CPU"
TORCH = (
    START
    + """
import torch
from torch import nn
x = torch.randn(4, 3).cuda()
model = nn.Linear(3, 2).cuda()
model = model.to("cuda").to(torch.device("cuda:0")).to(torch.device("cuda"), torch.float32)
assert x.type("torch.cuda.FloatTensor").type() == "torch.FloatTensor"
for moved in (x.to("cuda:0", non_blocking=True), x.to(0), x.to(device="cuda"), x.pin_memory()):
    assert moved.device.type == "cpu"
torch.zeros(2, device="cuda"), torch.ones(2, device=torch.device("cuda:0")), torch.tensor([1.0], device="cuda")
x.new_zeros(3, device="cuda"), torch.zeros_like(x, device="cuda"), torch.cuda.FloatTensor(2, 3)
torch.cuda.set_device(0)
assert torch.cuda.current_device() == 0 and not torch.cuda.is_available()
with torch.cuda.device(0):
    torch.cuda.synchronize()
model = nn.DataParallel(model, device_ids=[0])
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
target = torch.zeros(4, dtype=torch.long, device="cuda")
losses = []
for _ in range(20):
    optimizer.zero_grad()
    loss = nn.CrossEntropyLoss().cuda()(model(x), target)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
assert losses[-1] < losses[0]
torch.save(model.state_dict(), "m.pt")
for place in ("cuda:0", {"cuda:0": "cuda:1"}, None, torch.device("cuda"), lambda storage, where: storage.cuda(0)):
    torch.load("m.pt", map_location=place)
@torch.jit.script
def scripted(a):
    return a + torch.zeros(2, 3)
assert scripted(torch.ones(2, 3)).sum().item() == 6
scripted.save("s.pt")
torch.jit.load("s.pt", map_location="cuda")
"""
)
TENSORFLOW = (
    START
    + """
import tensorflow as tf
with tf.device("/gpu:0"):
    product = tf.matmul(tf.constant([[1.0, 2.0]]), tf.constant([[3.0], [4.0]]))
config = tf.ConfigProto()
for options in ({}, {"config": config}):
    with tf.Session(**options) as session:
        assert session.run(product).tolist() == [[11.0]]
assert not config.allow_soft_placement
"""
)
TENSORFLOW_EAGER = (
    START
    + """
import tensorflow as tf
tf.enable_eager_execution()
with tf.device("/gpu:0"):
    assert tf.matmul(tf.constant([[1.0, 2.0]]), tf.constant([[3.0], [4.0]])).numpy().tolist() == [[11.0]]
"""
)
_WORLDS = {"torch": "torch==1.2.0 numpy", "tensorflow": "tensorflow==1.13.1"}


@pytest.fixture(scope="module")
def interpreters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Of October 2019, by framework."""
    python = find_interpreter("3.7")
    if python is None:
        pytest.skip("no CPython 3.7 on this machine")
    found = {}
    for framework, packages in _WORLDS.items():
        folder = tmp_path_factory.mktemp(framework)
        found[framework] = str(folder / "bin" / "python")
        for command in (
            ["venv", "--python", python, "--allow-existing", str(folder)],
            [
                "pip",
                "install",
                "--python",
                found[framework],
                "--exclude-newer",
                "2019-10-02",
                *packages.split(),
            ],
        ):
            subprocess.run([uv.find_uv_bin(), "--quiet", *command], check=True)
    return found


@pytest.fixture
def of_2019(request: pytest.FixtureRequest, interpreters: dict[str, str], tmp_path: Path) -> RunHere:
    (tmp_path / "spool").mkdir()
    told = {"FAENA_GPU": "cpu", "CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "ignore"}
    return RunHere(interpreters[request.param], tmp_path, told)


def noted(here: RunHere) -> list[str]:
    return [event["message"] for event in here.spool().events if event["op"] == "note"]


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("of_2019", "script"),
    [("torch", TORCH), ("tensorflow", TENSORFLOW), ("tensorflow", TENSORFLOW_EAGER)],
    indirect=["of_2019"],
    ids=["torch", "tensorflow", "eager"],
)
def test_a_script_for_a_gpu_runs_on_the_cpu_and_says_so_once(of_2019: RunHere, script: str) -> None:
    _, err = of_2019.run(script)
    assert err.count(ANSWERED) == 1
    assert [ANSWERED in message for message in noted(of_2019)] == [True]


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("of_2019", "script"), [("torch", TORCH), ("tensorflow", TENSORFLOW)], indirect=["of_2019"]
)
def test_who_asks_for_no_gpu_gets_the_frameworks_error(of_2019: RunHere, script: str) -> None:
    of_2019.extra["FAENA_GPU"] = "none"
    of_2019.run(script, rc=1)
    assert noted(of_2019) == []


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("of_2019", "script"), [("torch", TORCH), ("tensorflow", TENSORFLOW)], indirect=["of_2019"]
)
def test_a_gpu_that_is_too_new_is_hidden(of_2019: RunHere, script: str) -> None:
    """TensorFlow's wheel is built without CUDA, which is another reason."""
    nvidia_smi(of_2019, "0, GPU-1a, 9.0")
    of_2019.extra["CUDA_VISIBLE_DEVICES"] = "0"
    of_2019.run(script)
    [message] = noted(of_2019)
    reasons = ("is too new for the CUDA 10.0 of this PyTorch", "this TensorFlow is built without CUDA")
    assert any(reason in message for reason in reasons)


@pytest.mark.parametrize("here", ["3.13"], indirect=True)
def test_a_run_that_must_have_a_gpu_is_stopped_by_one_that_is_too_new(here: RunHere) -> None:
    package = here.folder / "site" / "torch"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("import torch.version as version\n")
    (package / "version.py").write_text("cuda = '10.0'\n")
    nvidia_smi(here, "0, GPU-1a, 9.0")
    here.extra |= {
        "PYTHONPATH": f"{here.pythonpath}:{here.folder / 'site'}",
        "FAENA_GPU": "gpu",
        "CUDA_VISIBLE_DEVICES": "0",
    }
    _, err = here.run(START + "import torch\n", rc=1)
    assert (
        "RuntimeError: The run demands a GPU (gpu='require') and the GPU here (compute capability 9.0)" in err
    )
    nvidia_smi(here, "0, GPU-1a, 7.0")
    here.run(START + "import torch\nprint(torch.version.cuda)\n")
