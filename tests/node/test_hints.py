"""What a run says of why its script failed."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from faena import Workspace
from faena.attempts.folder import AttemptFolder
from faena.node.hints.advice import with_advice
from faena.node.hints.reading import last_lines, raised
from tests.journeys.scripts import Project

ORDER = {"python": "/envs/x/bin/python", "hooked": True, "script": "train.py", "gpu": "none"}


def failed(folder: Path, log: str | bytes, code: int = 1, **order: Any) -> str:
    """What is said of a script that ended with this exit code and log, before whatever stood there."""
    attempt = AttemptFolder(folder)
    attempt.code.mkdir(exist_ok=True)
    attempt.driver_log.write_bytes(log if isinstance(log, bytes) else log.encode())
    outcome = {"reason": "exit_code", "message": "Ended.", "exit_code": code, "signal": None}
    message = with_advice(outcome, attempt, {**ORDER, **order})["message"]
    assert isinstance(message, str)
    assert message.startswith("Ended.")
    return message


def ran(folder: Path, script: str, files: dict[str, str] | None = None, **order: Any) -> str:
    """The same of a script that really runs."""
    code = folder / "code"
    for name, text in {**(files or {}), "src/train.py": textwrap.dedent(script)}.items():
        (code / name).parent.mkdir(parents=True, exist_ok=True)
        (code / name).write_text(text)
    done = subprocess.run(
        [sys.executable, "src/train.py"], cwd=code, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert done.returncode
    return failed(folder, done.stdout + done.stderr, done.returncode, **order)


@pytest.mark.few(14)
@pytest.mark.parametrize(
    ("script", "files", "said"),
    [
        ("import surely_missing", {}, "--pip surely-missing (pip_packages=['surely-missing'])"),
        ("import cv2", {}, "--pip opencv-python-headless"),
        ("import cv2", {"requirements.txt": "# x\nopencv_python>=4\n"}, "--requirements requirements.txt"),
        ("import torchmetrics", {"requirements.txt": "torch\n"}, "--pip torchmetrics"),
        ("import google.protobuf.nothing", {}, "--pip protobuf"),
        ("import tools", {"lib/tools.py": ""}, "import it as lib.tools, or give --env PYTHONPATH=lib"),
        (
            "import sys; sys.path.append('.'); import pkg.mod",
            {"pkg/other.py": ""},
            "no mod.py that was captured",
        ),
        ("import tools", {"Tools.py": ""}, "the letters of 'tools' and 'Tools'"),
        ("from project.util import x", {"util.py": ""}, "submit the folder that holds it"),
        ("import urllib2", {}, "urllib.request"),
        ("import imp_none, imp", {}, "--pip imp-none"),
        ("import sklearn.cross_validation", {"src/sklearn/__init__.py": ""}, "sklearn.model_selection"),
        ("""raise ModuleNotFoundError("No module named 'azureml.pipeline'")""", {}, "docs/coverage.md"),
        ("import numpy\nnumpy.bool", {"src/numpy.py": ""}, "np.bool_"),
        ("import numpy\nnumpy.gone", {"src/numpy.py": ""}, "--pip 'numpy==…'"),
        ("import tensorflow\ntensorflow.placeholder", {"src/tensorflow.py": ""}, "tf.compat.v1.placeholder"),
        ("from itertools import izip", {}, "use zip"),
        ("from . import near", {"src/near.py": ""}, "-m package.module"),
        ("import numpy\nnumpy.int", {"src/numpy.py": ""}, "--pip 'numpy<1.24'"),
        ("import collections\ncollections.Mapping", {}, "--python '<3.10'"),
        ("class DataFrame: pass\nDataFrame().append", {}, "pd.concat"),
        ("raise ImportError('libGL.so.1: cannot open shared object file: x')", {}, "opencv-python-headless"),
        ("raise ImportError('libcudart.so.9.0: cannot open shared object file: x')", {}, "CUDA"),
        ("""raise ImportError("Missing optional dependency 'openpyxl'.  Use pip.")""", {}, "--pip openpyxl"),
        ("input('name? ')", {}, "No terminal stands behind a run"),
        ("import pdb; pdb.set_trace(); x = 1", {}, "No terminal stands behind a run"),
        ("open('../data/x.csv')", {}, "what lies above that folder is not there"),
        ("open('../data/x.csv')", {}, "submit the folder above (--source) and open 'data/x.csv' then"),
        ("open('../../data/x.csv')", {"data/x.csv": ""}, "The source folder has it: open 'data/x.csv'"),
        ("import os; os.listdir('../data')", {"data/x.csv": ""}, "open 'data'"),
        ("import os; open(os.path.abspath('data.csv'))", {}, "holds no such file"),
        ("open(__import__('os').getcwd() + '/../data/x.csv')", {}, "open 'data/x.csv' then"),
        ("open('a/../data/x.csv')", {}, "There is no folder data"),
        ("open('data.csv')", {"src/data.csv": ""}, "The source folder has src/data.csv"),
        ("open('data.csv')", {}, "holds no such file"),
        ("open('results/r.csv', 'w')", {}, "os.makedirs"),
        ("open('/nowhere/data.csv')", {}, "one of the machine that runs the script"),
        (r"open('C:\\data.csv')", {}, "path of Windows"),
        ("open('~/data.csv')", {}, "os.path.expanduser"),
        ("import subprocess; subprocess.run(['no-such-program'])", {}, "The program no-such-program"),
        ("raise PermissionError(13, 'Permission denied', '/data/x')", {}, "rights of the user"),
        ("raise OSError(30, 'Read-only file system', 'x')", {}, "as_download()"),
        ("raise OSError(28, 'No space left on device')", {}, "faena tidy"),
        ("import os\nos.environ['MY_KEY']", {}, "--env MY_KEY"),
        ("print 'hello'", {}, "That is Python 2"),
        ("try:\n    pass\nexcept ValueError, e:\n    pass", {}, "That is Python 2"),
        ("%matplotlib inline", {}, "submit the notebook itself"),
        ("raise MemoryError", {}, "smaller batch"),
        ("raise RuntimeError('Found no NVIDIA driver on your system.')", {}, "--use-gpu"),
        ("raise OSError(-3, 'Temporary failure in name resolution')", {}, "https_proxy"),
        (
            "try:\n    import cv2\nexcept ImportError as e:\n    raise ValueError('no vision') from e",
            {},
            "opencv",
        ),
    ],
)
def test_a_failure_says_what_to_do(tmp_path: Path, script: str, files: dict[str, str], said: str) -> None:
    assert said in ran(tmp_path, script, files)


@pytest.mark.parametrize("module", ["utils", "config", "models.net", "helpers", "src", "mypackage.data"])
def test_no_strangers_package_is_offered_for_a_module_of_ones_own(tmp_path: Path, module: str) -> None:
    said = ran(tmp_path, f"import {module}")
    assert "--pip" not in said
    assert "--source" in said


def test_a_part_that_is_missing_offers_no_strangers_package(tmp_path: Path) -> None:
    assert "--pip" not in ran(tmp_path, "raise ModuleNotFoundError(\"No module named 'mypackage.data'\")")


def test_a_name_that_nobody_knows_may_be_either(tmp_path: Path) -> None:
    said = ran(tmp_path, "import surely_missing")
    assert 0 < said.index("--source") < said.index("--pip surely-missing")


def test_an_interpreter_of_ones_own_gets_the_list_too(tmp_path: Path) -> None:
    said = ran(tmp_path, "import cv2", {"requirements.txt": "opencv-python"}, hooked=False)
    assert "`/envs/x/bin/python -m pip install -r requirements.txt`" in said


@pytest.mark.few(5)
@pytest.mark.parametrize(
    ("script", "ending"),
    [
        ("raise ValueError('wrong shape')", "ValueError: wrong shape"),
        (r"raise ValueError('bad\nmulti')", "ValueError: bad"),
        (r"raise ValueError('\nbad')", "ValueError: bad"),
        ("raise ValueError('x' * 1000)", f"ValueError: {'x' * 300}…"),
        ("assert 1 == 2, 'x'", "AssertionError: x"),
        ("assert 1 == 2", "AssertionError"),
        ("{}['missing']", "KeyError: 'missing'"),
        ("x = = 1", "SyntaxError: invalid syntax"),
        ("import sys; sys.exit('no data found')", "The log ends with: no data found"),
        (
            "import argparse; argparse.ArgumentParser(prog='train.py').parse_args(['--bogus', '1'])",
            "train.py: error: unrecognized arguments: --bogus 1",
        ),
        ("import sys; print('10%\\r20%'); sys.exit(3)", "The log ends with: 20%"),
        ("import sys; sys.exit(3)", "Ended."),
        (
            "try:\n    import cv2\nexcept ImportError: pass\nraise ValueError('for another reason')",
            "ValueError: for another reason",
        ),
        (
            "import traceback\ntry:\n    import cv2\nexcept ImportError: traceback.print_exc()\n"
            "import sys; print('\\n'.join(map(str, range(30))), file=sys.stderr); sys.exit(1)",
            "The log ends with: 29",
        ),
    ],
)
def test_a_failure_without_advice_ends_with_the_last_error(tmp_path: Path, script: str, ending: str) -> None:
    said = ran(tmp_path, script)
    assert said in ("Ended.", f"Ended. {ending}")
    assert said.endswith(ending)


def test_what_was_raised_last_stands_before_what_it_comes_from(tmp_path: Path) -> None:
    said = ran(
        tmp_path, "try:\n    import cv2\nexcept ImportError as e:\n    raise ValueError('no vision') from e"
    )
    assert said.startswith(
        "Ended. ValueError: no vision (from ModuleNotFoundError: No module named 'cv2'). Add"
    )


@pytest.mark.few(3)
@pytest.mark.parametrize(
    ("script", "said", "unsaid"),
    [
        ("no-such-command\npython3 train.py", "can't open file", "PATH"),
        ("no-such-command\npython3 p/../data/t.py", "There is no folder data", "PATH"),
        ("no-such-command\npython3 -c 'import sys; sys.exit(\"no data\")'", "ends with: no data", "PATH"),
        ("no-such-command\ncat data.csv", "holds no such file", "PATH"),
        ("python3 -c '1/0'\nno-such-command", "not on the PATH", "Division"),
        ("python3 -c '1/0'\ncat data.csv", "holds no such file", "Division"),
        ("no-such-command\npython3 -c '1/0'", "ZeroDivisionError: division by zero", "PATH"),
        ("touch x.sh; ./x.sh", "chmod +x", "PATH"),
        ("ls 'two words.csv'", "holds no such file", "PATH"),
        ("cat ../data/x.csv", "open 'data/x.csv' then", "PATH"),
        ("env no-such-command", "not on the PATH", "source folder"),
    ],
)
def test_the_cause_of_a_shell_scripts_failure_is_its_last_error(
    tmp_path: Path, script: str, said: str, unsaid: str
) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "m.sh").write_text(script)
    done = subprocess.run(
        ["bash", "m.sh"], cwd=code, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    message = failed(tmp_path, done.stdout, done.returncode)
    assert said in message
    assert unsaid not in message


def test_the_exception_stands_before_its_advice(tmp_path: Path) -> None:
    said = ran(tmp_path, "import surely_missing")
    assert said.startswith("Ended. ModuleNotFoundError: No module named 'surely_missing'. If surely_missing")


def test_an_interpreter_that_is_used_as_it_is_gets_its_own_command(tmp_path: Path) -> None:
    said = ran(tmp_path, "import cv2", hooked=False)
    assert "`/envs/x/bin/python -m pip install opencv-python-headless`" in said


def test_a_module_that_cannot_be_started(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "surely_missing"], cwd=tmp_path / "code", capture_output=True, check=False
    )
    assert "--pip surely-missing" in failed(tmp_path, done.stderr)


def test_a_notebooks_traceback(tmp_path: Path) -> None:
    log = (
        "\x1b[0;31m-----------------\x1b[0m\n"
        "\x1b[0;31mModuleNotFoundError\x1b[0m                       Traceback (most recent call last)\n"
        "Cell In[1], line 1\n----> 1 import cv2\n\nModuleNotFoundError: No module named 'cv2'\nCell 1 of "
        "t.ipynb failed.\n"
    )
    assert "opencv-python-headless" in failed(tmp_path, log)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("run.sh: line 2: $'\\r': command not found", "line ends of Windows"),
        ("run.sh: line 2: ffmpeg: command not found", "not on the PATH"),
        ("Aborted!", "No terminal"),
        (
            '[rank0]: Traceback (most recent call last):\n[rank0]:   File "x"\n[rank0]: ImportError: No '
            "module named 'cv2'",
            "opencv",
        ),
    ],
)
def test_other_last_words(tmp_path: Path, line: str, said: str) -> None:
    assert said in failed(tmp_path, f"before\n{line}\n", 127 if "command not found" in line else 1)


def test_signals(tmp_path: Path) -> None:
    outcome = {"reason": "signal", "message": "Killed.", "exit_code": None, "signal": int(signal.SIGSEGV)}
    assert "PYTHONFAULTHANDLER" in with_advice(outcome, AttemptFolder(tmp_path), ORDER)["message"]


@pytest.mark.parametrize(
    "piece",
    [
        "Traceback (most recent call last):\n",
        "Traceback (most recent call last):\nA: b\n\nDuring handling of the above exception, x:\n\n",
        "\x1b[" + "1" * 50,
        "\n",
        " ",
        "No module named ",
        "import a.",
        "print " * 3,
        "%",
        "\u009d",
        "/: ",
    ],
)
def test_reading_takes_linear_time(tmp_path: Path, piece: str) -> None:
    def seconds(size: int) -> float:
        log = "Traceback (most recent call last):\n  x\nImportError: " + piece * (size // len(piece))
        begun = time.process_time()
        failed(tmp_path, log)
        return time.process_time() - begun

    seconds(1 << 10)
    assert seconds(1 << 20) < 0.5  # of which the last 64 KiB are read


def test_a_log_that_is_not_there(tmp_path: Path) -> None:
    assert raised(last_lines(tmp_path / "nothing")) == []


class TestInARun:
    @pytest.fixture
    def workspace(self, common_workspace: Workspace) -> Workspace:
        return common_workspace

    def test_the_error_has_it(self, project: Project) -> None:
        run = project.run("print(open('../data/x.csv').read())")
        message = run.get_details()["error"]["error"]["message"]
        assert "The script ended with exit code 1. FileNotFoundError: [Errno 2]" in message
        assert "what lies above that folder is not there" in message

    def test_a_read_only_mount(self, project: Project) -> None:
        (project.folder / "words.txt").write_text("a")
        datastore = project.workspace.get_default_datastore()
        datastore.upload_files([str(project.folder / "words.txt")], target_path="words")
        run = project.run(
            "import sys; open(sys.argv[2] + '/words.txt', 'w')",
            script_params={"--data": datastore.path("words").as_mount()},
        )
        error = run.refresh().error
        assert error is None or "as_download()" in error.message  # a copy can be written to


def test_a_package_whose_file_is_gone_from_the_environment_is_to_be_built_again(tmp_path: Path) -> None:
    installed = tmp_path / "env" / "lib" / "python3.11" / "site-packages"
    (installed / "my_lib-1.0.dist-info").mkdir(parents=True)
    (installed / "my_lib-1.0.dist-info" / "RECORD").write_text(
        "my_lib/__pycache__/a.pyc,,\nmy_lib/__init__.py,sha256=x,1\nmy_lib-1.0.dist-info/RECORD,,\n"
    )
    order: dict[str, Any] = {"python": str(tmp_path / "env" / "bin" / "python"), "run_id": "r_1"}
    gone = ran(tmp_path, "import my_lib", **order)
    assert f"{installed / 'my_lib' / '__init__.py'} is gone" in gone
    assert "faena env rebuild r_1" in gone
    assert "--pip" not in gone
    (installed / "my_lib").mkdir()
    (installed / "my_lib" / "__init__.py").touch()
    assert "rebuild" not in ran(tmp_path, "import my_lib", **order), "what is whole is not to be built again"


@pytest.mark.parametrize(("as_of", "told"), [("", True), ("2019-10-01", False)])
def test_an_old_package_that_meets_a_newer_one_names_the_date_of_both(
    tmp_path: Path, as_of: str, told: bool
) -> None:
    environment = tmp_path / "environment"
    packages = environment / "lib" / "python3.7" / "site-packages"
    (packages / "tensorflow-1.13.1.dist-info").mkdir(parents=True)
    (environment / "lock.json").write_text(f'{{"as_of": "{as_of}"}}')
    log = (
        "Traceback (most recent call last):\n"
        f'  File "{packages}/tensorflow/core/framework/graph_pb2.py", line 16, in <module>\n'
        "    from google.protobuf import descriptor\n"
        "TypeError: Descriptors cannot be created directly.\n"
    )
    (tmp_path / "run").mkdir()
    said = failed(tmp_path / "run", log, python=str(environment / "bin" / "python"))
    assert ("as of the time of tensorflow 1.13.1: --as-of 2019-05-27" in said) is told


@pytest.mark.parametrize(
    ("log", "python", "said"),
    [
        (
            "    if (n := 3) > 2:\n          ^\nSyntaxError: invalid syntax",
            "3.7",
            "Python 3.8 or newer, and this one is 3.7",
        ),
        ("    def f(a, /):\n             ^\nSyntaxError: invalid syntax", "3.6", "3.8 or newer"),
        ("    print(f'{n=}')\n         ^\nSyntaxError: invalid syntax", "3.7", "3.8 or newer"),
        ("    x = 1\nSyntaxError: future feature annotations is not defined", "3.6", "3.7 or newer"),
        ("    match command:\n                ^\nSyntaxError: invalid syntax", "3.9", "3.10 or newer"),
        (
            "    run(async=True)\n            ^\nSyntaxError: invalid syntax",
            "3.7",
            "no names since Python 3.7",
        ),
        ("    print 'x'\n            ^\nSyntaxError: invalid syntax", "3.6", "That is Python 2"),
    ],
)
def test_syntax_that_is_another_pythons(tmp_path: Path, log: str, python: str, said: str) -> None:
    interpreter = tmp_path / f"python{python}"
    interpreter.touch()
    shown = failed(tmp_path, f'  File "train.py", line 1\n{log}\n', python=str(interpreter), hooked=False)
    assert said in shown
    newer = failed(tmp_path, f'  File "train.py", line 1\n{log}\n', python="/nowhere/python", hooked=False)
    assert "or newer, and this one" not in newer
