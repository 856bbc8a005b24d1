"""The folder that a run's PYTHONPATH gains."""

from __future__ import annotations

import subprocess
import textwrap
from pathlib import Path

import numpy as np
import pytest

from tests.examples import long_form
from tests.script.conftest import RunHere, find_interpreter
from tests.semaphores import needs_semaphores


def packages(here: RunHere, files: dict[str, str]) -> None:
    """Packages 'installed' further along sys.path."""
    site = here.folder / "site"
    for name, text in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)
    here.extra["PYTHONPATH"] = f"{here.pythonpath}:{site}"


def test_the_names_of_a_script(here: RunHere) -> None:
    here.run(
        """
import faena, faena.script, faena.script.run
from faena import Run
from azureml.core import Run as A, VERSION
from azureml.core.run import Run as B
import azureml.core
assert Run is A is B is faena.script.run.Run and VERSION == azureml.core.__version__
for module in ("azureml.core.dataset", "azureml.exceptions", "azureml.train.dnn"):
    try:
        __import__(module)
    except ImportError as error:
        assert "azureml." in str(error) and "azureml-core" in str(error), error
    else:
        raise AssertionError(module)
assert not hasattr(faena, "nothing") and not hasattr(azureml.core, "nothing")
for name in ("Workspace", "Experiment"):
    try:
        exec("from faena import %s" % name)
    except ImportError as error:
        assert "faena.%s" % name in str(error) and "pip_packages" in str(error), error
    else:
        raise AssertionError(name)
from azureml.core import Dataset, Workspace
assert isinstance(Dataset, type) and not hasattr(Dataset, "Tabular") and not hasattr(Dataset, "_repr_html_")
for use, what in ((lambda: Workspace(), "Workspace(…)"), (lambda: Dataset.Tabular, "Dataset.Tabular")):
    try:
        use()
    except Exception as error:
        assert type(error).__name__ == "ClientMissing" and "azureml.core." + what in str(error), error
    else:
        raise AssertionError(what)
from azureml.core import Model
for call in (
    lambda: Model.register(None, "m.pkl", "m"), lambda: Model.list(None), lambda: Model(None, "m"), lambda: Model.deploy
):
    try:
        call()
    except Exception as error:
        assert type(error).__name__ == "ClientMissing" and "pip_packages" in str(error), error
    else:
        raise AssertionError("nothing was said")
assert not hasattr(Model, "register") and not hasattr(Model, "_repr_html_")
"""
    )


def test_importing_run_loads_little(here: RunHere) -> None:
    out, _ = here.run(
        """
import sys
before = set(sys.modules)
from faena import Run
Run.get_context().log("a", 1.0)
print(*sorted(set(sys.modules) - before))
"""
    )
    assert not {"json", "socket", "tempfile", "uuid", "typing", "logging", "threading"} & set(out.split())


def test_an_installed_faena_is_used_where_it_can_be(here: RunHere) -> None:
    packages(here, {"faena/__init__.py": "Run = Workspace = 'installed'\n", "faena/more.py": "x = 1\n"})
    out, _ = here.run(
        """
import sys, faena
print(faena.Run if isinstance(faena.Run, str) else faena.Run.__module__)
if sys.version_info >= (3, 11):
    from faena import Workspace
    import faena.more
    assert faena.__spec__.origin.endswith("site/faena/__init__.py") and faena is sys.modules["faena"]
"""
    )
    assert out.strip() == ("installed" if here.loads_client else "faena.script.run")


def test_an_installed_faena_that_cannot_be_imported(here: RunHere) -> None:
    packages(here, {"faena/__init__.py": "import surely_missing\n"})
    _, err = here.run("from faena import Run\nRun.get_context().log('a', 1.0)\n")
    assert here.spool().values("a") == [1.0]
    assert ("surely_missing" in err) == here.loads_client


def test_a_real_azureml_is_used(here: RunHere) -> None:
    packages(
        here,
        {
            "azureml/__init__.py": "real = True\n",
            "azureml/core/__init__.py": "from azureml.core.run import Run\n",
            "azureml/core/run.py": "Run = 'real'\n",
        },
    )
    here.run("import azureml\nfrom azureml.core import Run\nassert Run == 'real' and azureml.real\n")


@pytest.mark.parametrize("init", [True, False], ids=["package", "namespace"])
def test_a_real_azureml_without_core_gains_ours(here: RunHere, init: bool) -> None:
    packages(here, {"azureml/dataprep.py": "x = 1\n"})
    if init:
        packages(here, {"azureml/__init__.py": ""})
    here.run(
        """
import azureml.dataprep
from azureml.core.run import Run
Run.get_context().log("a", float(azureml.dataprep.x))
"""
    )
    assert here.spool().values("a") == [1.0]


def test_a_finder_that_supplies_azureml_is_asked(here: RunHere) -> None:
    here.run(
        """
import importlib.machinery, importlib.util, sys
class Loader:
    def create_module(self, spec): return None
    def exec_module(self, module): module.supplied = True
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "azureml":
            return importlib.machinery.ModuleSpec(name, Loader(), is_package=True)
sys.meta_path.append(Finder)
import azureml
assert azureml.supplied
"""
    )


SCRIPT = """
import multiprocessing, os, pickle, sys
class Thing:
    pass
def work(number):
    from faena import Run
    Run.get_context().log("child", number)
    return Thing()
if __name__ == "__main__":
    import __main__
    assert __main__.Thing is Thing and isinstance(pickle.loads(pickle.dumps(Thing())), Thing)
    assert __spec__ is None and __builtins__ and __name__ == "__main__"
    print(sys.argv[1:], sys.path[0] == os.path.dirname(os.path.realpath(__file__)), os.path.basename(__file__))
    import neighbour
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert type(pool.map(work, [7])[0]) is Thing
        pool.close()
        pool.join()
    if "fail" in sys.argv:
        1 / 0
    sys.exit(5)
"""


def launch(here: RunHere, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [here.python, *command], env=here.env, cwd=here.folder, capture_output=True, text=True, timeout=120
    )


@pytest.mark.long
@needs_semaphores
@pytest.mark.parametrize("arguments", [long_form(()), ("--x", "1"), long_form(("fail",))])
def test_the_launcher_is_as_if_it_were_not_there(here: RunHere, arguments: tuple[str, ...]) -> None:
    (here.folder / "train.py").write_text(SCRIPT)
    (here.folder / "neighbour.py").write_text("")
    plain = launch(here, "train.py", *arguments)
    launched = launch(here, str(here.launcher), "train.py", *arguments)
    assert plain.returncode == (1 if arguments == ("fail",) else 5), plain.stderr
    assert (launched.stdout, launched.stderr, launched.returncode) == (
        plain.stdout,
        plain.stderr,
        plain.returncode,
    )
    assert here.spool().values("child") == [7, 7]


@pytest.mark.parametrize("source", ["x = = 1\n", "raise KeyboardInterrupt\n", "import sys; sys.exit('no')\n"])
def test_the_launcher_leaves_as_the_script_does(here: RunHere, source: str) -> None:
    (here.folder / "train.py").write_text(source)
    plain = launch(here, "train.py")
    launched = launch(here, str(here.launcher), "train.py")
    assert (launched.stderr, launched.returncode) == (plain.stderr, plain.returncode)


@pytest.mark.few(2)
@pytest.mark.parametrize("module", ["pkg.mod", "tool", "pkg.nothing", "pkg"])
def test_the_launcher_runs_modules_as_python_does(here: RunHere, module: str) -> None:
    for name, text in {
        "pkg/__init__.py": "",
        "pkg/mod.py": "import sys\nprint(__name__, __spec__.name, sys.argv[1:], sys.path[0], __file__)\n1 / 0\n",
        "tool/__main__.py": "import sys\nfrom tool import other\nsys.exit(other.X)\n",
        "tool/other.py": "X = 7\n",
    }.items():
        (here.folder / name).parent.mkdir(exist_ok=True)
        (here.folder / name).write_text(text)
    plain = launch(here, "-m", module, "--x", "1")
    launched = launch(here, str(here.launcher), "-m", module, "--x", "1")
    assert plain.returncode
    assert (launched.stdout, launched.stderr, launched.returncode) == (
        plain.stdout,
        plain.stderr,
        plain.returncode,
    )


def test_the_launcher_without_a_script(here: RunHere) -> None:
    assert "usage" in launch(here, str(here.launcher)).stderr
    missing = launch(here, str(here.launcher), "nowhere.py")
    assert "can't open file" in missing.stderr
    assert missing.returncode == 2


def test_starting_costs_nothing_where_no_hook_is_asked_for(here: RunHere) -> None:
    result = launch(
        here, "-c", "import _faena_start, sys; _faena_start.install(); print('_faena_gpu' in sys.modules)"
    )
    assert result.stdout.strip() == "False"
    assert (here.pythonpath / "_faena_start.py").stat().st_size < 1500


def test_the_files_of_mnist_under_the_name_of_v1s_open_datasets(here: RunHere) -> None:
    here.extra = {"FAENA_DATASETS": str(here.folder / "datasets"), "FAENA_SOCKET": "", "FAENA_AZUREML": ""}
    script = """
        import gzip, os
        from azureml.opendatasets import MNIST
        made = MNIST.get_file_dataset("test")
        print(made.to_path())
        paths = made.download("data/mnist", overwrite=True)
        print([gzip.open(path).read()[-2:] for path in paths], made.download("data/mnist", True) == paths)
        """
    _, err = here.run(textwrap.dedent(script), rc=1)
    assert "MNIST is not in" in err
    arrays = here.folder / "datasets" / "pfnet" / "chainer" / "mnist"
    arrays.mkdir(parents=True)
    np.savez(arrays / "test.npz", x=np.arange(8, dtype="u1").reshape(2, 4), y=np.array([5, 7], "u1"))
    out, _ = here.run(textwrap.dedent(script))
    assert out.splitlines() == [
        "['/t10k-images-idx3-ubyte.gz', '/t10k-labels-idx1-ubyte.gz']",
        "[b'\\x06\\x07', b'\\x05\\x07'] True",
    ]


def test_outside_of_a_run_they_are_where_the_host_says(here: RunHere) -> None:
    host = here.folder / "host"
    host.write_text(f"#!/bin/sh\necho {here.folder / 'state'}\n")
    host.chmod(0o755)
    files = here.folder / "state/originals/mnist"
    files.mkdir(parents=True)
    for name in ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):
        (files / name).write_text(name)
    here.extra = {"FAENA_PYTHON": str(host), "FAENA_SOCKET": "", "FAENA_AZUREML": ""}
    script = """
        from azureml.opendatasets import MNIST
        print([open(path).read() for path in MNIST.get_file_dataset("test").download("data/mnist")])
        """
    out, _ = here.run(textwrap.dedent(script))
    assert out == "['t10k-images-idx3-ubyte.gz', 't10k-labels-idx1-ubyte.gz']\n"
    host.write_text("#!/bin/sh\nexit 1\n")
    _, err = here.run(textwrap.dedent(script), rc=1)
    assert "UserErrorException: MNIST could not be brought" in err


def test_folders_are_made_by_os_and_pathlib_whichever_is_loaded_first(tmp_path: Path) -> None:
    python = find_interpreter("3.7") or find_interpreter("3.8")  # their pathlib keeps `os.mkdir` in a class
    if python is None:
        pytest.skip("no CPython 3.7 or 3.8 on this machine")
    here = RunHere(python, tmp_path)
    here.extra["FAENA_CHECKPOINTS"] = str(here.folder / "checkpoints")
    (here.folder / "checkpoints.watched").touch()
    here.run(
        """
import _faena_start; _faena_start.install()
import os
from pathlib import Path
Path("one").mkdir(); os.mkdir("two", mode=0o700); Path("three/four").mkdir(parents=True)
first = os.mkdir
Path("checkpoints").mkdir()
assert os.mkdir is not first and all(map(os.path.isdir, ("one", "two", "three/four", "checkpoints")))
Path("five").mkdir(exist_ok=True); Path("five").mkdir(exist_ok=True)
"""
    )


def test_loggers_of_other_libraries_are_found_by_name(here: RunHere) -> None:
    here.run(
        """
import faena.extensions
for name in ("nothing", "KerasReport"):
    try:
        getattr(faena.extensions, name)
    except (AttributeError, ImportError) as error:
        assert ("pip install keras" in str(error)) == (name == "KerasReport"), error
    else:
        raise AssertionError(name)
"""
    )
