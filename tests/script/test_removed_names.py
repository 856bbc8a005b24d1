"""Names that were removed since 2019, in a script that runs on the Pythons and packages of today."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from faena.node.command import pythonpath
from tests.script.conftest import TODAY, RunHere

PACKAGES = {
    "joblib/__init__.py": "from joblib.parallel import Parallel\n",
    "joblib/parallel.py": "class Parallel: pass\n",
    "sklearn/__init__.py": "",
    "sklearn/externals/__init__.py": "",
    "sklearn/ensemble/__init__.py": "from sklearn.ensemble._forest import Forest\n",
    "sklearn/ensemble/_forest.py": "class Forest: pass\n",
    "numpy/__init__.py": "float64 = 'f8'\nbool = 'np.bool'\n"
    "def __getattr__(name):\n    raise AttributeError('numpy has no %s, says numpy' % name)\n",
    "library.py": "import numpy, collections, time\n"
    "looked = hasattr(numpy, 'float_'), hasattr(numpy, 'int'), hasattr(time, 'clock')\n"
    "try:\n    from sklearn.externals import joblib\nexcept ImportError: joblib = None\n",
}


@pytest.fixture
def installed(here: RunHere) -> RunHere:
    for name, text in PACKAGES.items():
        file = here.folder / "site-packages" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    here.extra["PYTHONPATH"] = f"{here.pythonpath}:{here.folder / 'site-packages'}"
    return here


today = pytest.mark.parametrize("here", TODAY, indirect=True)
"""Older Pythons have the names yet that those of the standard library were."""
START = "import _faena_start; _faena_start.install()\n"


@today
def test_a_script_of_2019(installed: RunHere) -> None:
    _, err = installed.run(
        START
        + """
import os, sys, time
from sklearn.externals import joblib
import sklearn.externals.joblib as again
from sklearn.externals.joblib.parallel import Parallel
import joblib as real
assert joblib is again is real and Parallel is real.Parallel and real.__spec__.name == "joblib"
from sklearn.ensemble.forest import Forest
import numpy as np
assert np.int is int and np.float_ == "f8" and np.int is int and np.bool == "np.bool"
assert 0 < time.clock() <= time.process_time() and os.errno.ENOENT == 2
if sys.version_info >= (3, 10):
    from collections import Mapping
    assert Mapping is __import__("collections.abc").abc.Mapping
if sys.version_info >= (3, 11):
    from inspect import getargspec
    assert tuple(getargspec(lambda a, b=1, *c: 0)) == (["a", "b"], "c", None, (1,))
"""
    )
    lines = err.splitlines()
    told = [line.split(": ")[2].split(" was removed; ")[0] for line in lines]
    assert told[:5] == [
        "sklearn.externals.joblib",
        "sklearn.ensemble.forest",
        "numpy.int",
        "numpy.float_",
        "time.clock",
    ]
    assert len(set(told)) == len(told)
    assert lines[0] == (
        "faena: train.py:4: sklearn.externals.joblib was removed; joblib is taken instead. "
        "FAENA_REMOVED_NAMES=off turns this off."
    )


@today
def test_a_library_finds_what_is_there(installed: RunHere) -> None:
    out, err = installed.run(
        START
        + "import library\nprint(library.looked, library.joblib)\nimport numpy\nnumpy.int\nprint(hasattr(numpy, 'int'))"
    )
    assert out == "(False, False, False) None\nTrue\n"
    assert err.count("\n") == 1


@today
def test_what_changed_its_meaning_fails_as_before(installed: RunHere) -> None:
    out, err = installed.run(
        START
        + """
import numpy, time
for name in ("sklearn.cross_validation", "sklearn.externals.nothing", "sklearn.externals.joblib.nothing", "joblib.no"):
    try:
        __import__(name)
    except ModuleNotFoundError as error:
        print(error.name, error)
for owner, name in ((numpy, "long"), (time, "clok")):
    try:
        getattr(owner, name)
    except AttributeError as error:
        print(error)
"""
    )
    assert out.splitlines() == [
        "sklearn.cross_validation No module named 'sklearn.cross_validation'",
        "sklearn.externals.nothing No module named 'sklearn.externals.nothing'",
        "sklearn.externals.joblib.nothing No module named 'sklearn.externals.joblib.nothing'",
        "joblib.no No module named 'joblib.no'",
        "numpy has no long, says numpy",
        "module 'time' has no attribute 'clok'",
    ]
    assert "sklearn.externals.joblib was removed" in err


@today
def test_it_can_be_turned_off(installed: RunHere) -> None:
    installed.extra["FAENA_REMOVED_NAMES"] = "off"
    _, err = installed.run(
        START + "import time\nassert not hasattr(time, 'clock')\nfrom sklearn.externals import joblib", rc=1
    )
    assert "cannot import name 'joblib'" in err


@today
def test_the_processes_of_a_run_tell_it_once(installed: RunHere) -> None:
    script = START + "import subprocess, sys, time\ntime.clock()\n"
    for _ in range(2):
        _, err = installed.run(
            script + "if len(sys.argv) < 2: subprocess.check_call([sys.executable, __file__, 'x'])"
        )
    assert not err  # told by the first one
    assert (installed.spool_folder / ".removed-time.clock").exists()


@pytest.mark.long
@today
def test_who_needs_none_pays_nothing(here: RunHere) -> None:
    def seconds(setting: str) -> float:
        here.extra["FAENA_REMOVED_NAMES"] = setting
        source = "import time; t = time.process_time()\n" + START + "print(time.process_time() - t)"
        return float(here.run(source)[0])

    # in turn: what else the machine does meanwhile then hits both
    took = [(seconds(""), seconds("off")) for _ in range(7)]
    assert min(needed for needed, _ in took) - min(off for _, off in took) < 0.005


def test_notebooks_that_use_the_v1_names(tmp_path: Path) -> None:
    cell = tmp_path / "cell.py"
    cell.write_text(
        "import time\nfrom azureml.core import Run\nfrom collections import Mapping\ntime.clock()\n"
    )
    done = subprocess.run([sys.executable, cell], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "cell.py:3: collections.Mapping was removed" in done.stderr
    cell.write_text("from faena import Run\nimport time\ntime.clock()\n")
    assert subprocess.run([sys.executable, cell], capture_output=True, check=False).returncode == 1


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
def test_the_numpy_and_pandas_of_today(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        f"import sys; sys.path.append({str(pythonpath(sys.executable))!r})\n"
        + START
        + "import numpy as np, pandas as pd\n"
        "assert np.array([1.5], dtype=np.int).dtype == np.int64 and np.float(1) == 1.0 and np.object is object\n"
        "assert np.NINF == -np.inf and np.product([2, 3]) == 6 and np.NaN is np.nan\n"
        "from pandas.io.json import json_normalize\n"
        "assert list(json_normalize({'a': {'b': 1}})) == ['a.b']\n"
        "from pandas.util.testing import assert_frame_equal\n"
        "try:\n    np.long_gone\nexcept AttributeError as error:\n    assert 'numpy' in str(error)\n"
    )
    environment = {"FAENA_RUN_ID": "x", "PATH": "/usr/bin:/bin"}
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, (done.stderr, time.monotonic() - begun)
    assert "numpy.int was removed; int is taken instead" in done.stderr
    assert "Warning" not in done.stderr


@pytest.mark.parametrize("here", ["oldest"], indirect=True)
def test_a_package_of_the_last_days_of_an_old_python(installed: RunHere) -> None:
    _, err = installed.run(
        START
        + """
import numpy as np
assert np.int is int and np.float_ == "f8"
try:
    np.nothing
except AttributeError as error:
    assert "numpy has no nothing" in str(error)
else:
    raise SystemExit("no error")
from sklearn.externals import joblib
"""
    )
    assert "numpy.int was removed" in err
    assert "sklearn.externals.joblib was removed" in err
