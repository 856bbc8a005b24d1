"""`python _faena_notebook.py NOTEBOOK [--name value ...]`: runs a notebook as the script of a run.

Papermill runs the cells, with the arguments as parameters: `--learning-rate 0.1` sets `learning_rate = 0.1` below the
cell tagged `parameters`, or in front of all. What cells print goes where a script's output goes. The notebook with its
outputs is kept as `outputs/<name>.output.ipynb`, and is there after each cell. A cell that fails ends the run.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

_HERE = os.path.dirname(os.path.abspath(__file__))
_KERNEL = "faena"
_CONSTANTS = {"true": True, "false": False, "none": None}
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def main() -> int:
    script = sys.argv[1]
    parameters = _parameters(sys.argv[2:])
    # in the attempt folder, which goes with everything in it even where this process is killed
    own = tempfile.mkdtemp(prefix="notebook-", dir=os.path.dirname(os.environ.get("FAENA_SPOOL", "")) or None)
    try:
        _make_kernel(own, script)
        return _run(script, parameters)
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _parameters(arguments: List[str]) -> Dict[str, Any]:
    found: Dict[str, Any] = {}
    given = list(arguments)
    while given:
        word = given.pop(0)
        name, equals, value = word.lstrip("-").partition("=")
        name = name.replace("-", "_")
        if not word.startswith("-") or not name.isidentifier():
            sys.exit(
                "A notebook takes parameters only, and {!r} names none. Use --name value for each.".format(
                    word
                )
            )
        if equals:
            found[name] = _value(value)
        elif given and not _is_name(given[0]):
            found[name] = _value(given.pop(0))
        else:
            found[name] = True
    return found


def _is_name(word: str) -> bool:
    """Whether it begins with a dash and is no number."""
    return word.startswith("-") and not isinstance(_value(word), (int, float))


def _value(text: str) -> Any:
    if text.lower() in _CONSTANTS:
        return _CONSTANTS[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def _make_kernel(own: str, script: str) -> None:
    """A kernel of this very interpreter; nothing of the user's Jupyter settings is read or written."""
    folder = os.path.join(own, "kernels", _KERNEL)
    os.makedirs(folder)
    command = [
        sys.executable,
        os.path.join(_HERE, "_faena_kernel.py"),
        "-f",
        "{connection_file}",
        "--log-level=50",
    ]
    with open(os.path.join(folder, "kernel.json"), "w") as file:
        json.dump({"argv": command, "display_name": "Python", "language": "python"}, file)
    os.environ.update(JUPYTER_PATH=own, JUPYTER_RUNTIME_DIR=own, IPYTHONDIR=own, JUPYTER_CONFIG_DIR=own)
    # as with a script, modules there can be imported
    os.environ["FAENA_NOTEBOOK_FOLDER"] = os.path.dirname(os.path.abspath(script))


def _run(script: str, parameters: Dict[str, Any]) -> int:
    import nbformat
    import papermill
    from papermill.exceptions import (
        PapermillException,
        PapermillExecutionError,
    )

    name = os.path.splitext(os.path.basename(script))[0]
    os.makedirs("outputs", exist_ok=True)
    try:
        papermill.execute_notebook(
            script,
            os.path.join("outputs", name + ".output.ipynb"),
            parameters,
            kernel_name=_KERNEL,
            language="python",
            progress_bar=False,
            stdout_file=sys.stdout,
            stderr_file=sys.stderr,
        )
    except PapermillExecutionError as error:
        lines = _COLOURS.sub("", "\n".join(error.traceback))
        sys.stderr.write("{}\nCell {} of {} failed.\n".format(lines, error.exec_count, script))
        return 1
    except (PapermillException, nbformat.ValidationError, ValueError) as error:
        sys.stderr.write("The notebook {} cannot be run: {}\n".format(script, error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
