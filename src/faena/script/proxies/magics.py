"""`%load_ext faena` in a kernel of another Python: `%faena` is the command line, `%%faena` submits the cell.

Both run the command of the Python that has Faena. What a notebook submits so is as of its kernel's date.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile

from faena.script.errors import ClientMissing
from faena.script.proxies.process import PYTHON, passed_on

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List

_NAME = "faena"
_KINDS = ("line", "cell")
_SCRIPT = "cell.py"


def load_ipython_extension(shell: Any) -> None:
    """Called by `%load_ext faena`. Raises ClientMissing where no Python is known that has Faena."""
    if not os.environ.get(PYTHON):
        raise ClientMissing(
            "%faena needs a Python that has Faena, and {} does not name one: kernels of `faena kernel install` and "
            "`faena lab` set it.".format(PYTHON)
        )
    shell.register_magic_function(run_command, "line", _NAME)
    shell.register_magic_function(run_cell, "cell", _NAME)


def unload_ipython_extension(shell: Any) -> None:
    """Called by `%unload_ext faena`."""
    for kind in _KINDS:
        shell.magics_manager.magics[kind].pop(_NAME, None)


def run_command(line: str) -> None:
    """Run a command of faena: %faena runs. See `%faena --help`. Raises UsageError where it fails."""
    _run(_words(line) or ["--help"], "%faena {}".format(line.strip()))


def run_cell(line: str, cell: str) -> None:
    """Submit the cell as a run: %%faena [options of faena submit] -- [arguments of the script].

    The script is the cell's text: it has its own process, and none of the notebook's variables. `--follow` waits for
    its end. Raises UsageError where it cannot be submitted.
    """
    words = _words(line)
    at = words.index("--") if "--" in words else len(words)
    options, arguments = words[:at], words[at + 1 :]
    if any(each.split("=")[0] == "--source" for each in options):
        raise _usage_error(
            "%%faena in a kernel of another Python takes no --source: write the cell to a file of that folder "
            "(%%writefile), and submit it by %faena submit."
        )
    follow = [] if "--follow" in options else ["--no-follow"]
    place = tempfile.mkdtemp(prefix="faena-cell-")
    folder = os.path.join(place, os.path.basename(os.getcwd()) or "notebook")  # which names the experiment
    try:
        os.mkdir(folder)
        with open(os.path.join(folder, _SCRIPT), "w", encoding="utf-8") as file:
            file.write(cell)
        _run(["submit", "--source", folder] + options + follow + [_SCRIPT] + arguments, "%%faena")
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _run(words: List[str], told: str) -> None:
    command = [os.environ[PYTHON], "-E", "-P", "-m", "faena.cli"] + words
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=passed_on(dict(os.environ)),
        encoding="utf-8",
        errors="replace",
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="")
        code = process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
    if code:
        raise _usage_error("{} failed: exit code {}.".format(told, code))


def _words(line: str) -> List[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise _usage_error("{!r} cannot be read: {}.".format(line.strip(), error)) from None


def _usage_error(message: str) -> Exception:
    """Told by notebooks in one line."""
    from IPython.core.error import UsageError

    made: Exception = UsageError(message)
    return made
