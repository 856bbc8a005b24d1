"""`%faena` and `%%faena` in a kernel that cannot load Faena's command line itself."""

from __future__ import annotations

import sys

import pytest

from faena import Workspace
from tests.script.conftest import RunHere

CODE = """
import os, sys, types

class UsageError(Exception):
    pass

class Shell:
    magics = {}
    def register_magic_function(self, function, kind, name):
        self.magics[kind] = function

for name in ("IPython", "IPython.core", "IPython.core.error"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["IPython.core.error"].UsageError = UsageError
os.chdir(sys.argv[1])
import faena
faena.load_ipython_extension(Shell())
line, cell = Shell.magics["line"], Shell.magics["cell"]
cell("--interpreter " + sys.argv[2] + " --follow -- --lr 3", "import sys; print('script', sys.argv[1:])")
line("runs")
for call in [lambda: line("nothing"), lambda: line("show 'x"), lambda: cell("--source .", "")]:
    try:
        call()
    except UsageError as error:
        print("usage:", error)
"""


@pytest.mark.long
def test_they_run_the_command_of_the_python_that_has_faena(
    old: RunHere, lasting_workspace: Workspace
) -> None:
    process = old.start(CODE, str(lasting_workspace.folder), sys.executable)
    said = process.communicate(timeout=120)[0]
    assert process.returncode == 0, said
    assert "script ['--lr', '3']" in said
    assert f"{lasting_workspace.folder.name}_" in said  # the experiment of the cell's run
    assert "Completed" in said
    told = [line for line in said.splitlines() if line.startswith("usage:")]
    assert told[0] == "usage: %faena nothing failed: exit code 2."
    assert "cannot be read" in told[1]
    assert "takes no --source" in told[2]
