"""What a run can start, and where its modules are looked for."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from faena import Estimator, Experiment, Workspace
from faena.client.runs.run import Run
from faena.client.submission.script_run_config import ScriptRunConfig
from faena.kernel.errors import UserErrorException
from faena.node.command import programs
from tests.examples import long_form
from tests.journeys.scripts import Project
from tests.journeys.test_notebooks import write_notebook
from tests.semaphores import needs_semaphores

USED_AS_IT_IS: dict[str, Any] = {"interpreter": sys.executable}
BUILT: dict[str, Any] = {}


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def ran(project: Project, **options: Any) -> Run:
    estimator = Estimator(project.folder, compute_target=project.cluster, **options)
    run = Experiment(project.workspace, "entries").submit(estimator)
    run.wait_for_completion(raise_on_error=False)
    return run


def commanded(project: Project, command: Any) -> Run:
    config = ScriptRunConfig(project.folder, command=command, compute_target=project.cluster)
    config.run_config.environment = Estimator(
        project.folder, compute_target=project.cluster, **USED_AS_IT_IS
    ).run_config.environment
    run = Experiment(project.workspace, "entries").submit(config)
    run.wait_for_completion(raise_on_error=False)
    return run


def printed(run: Run) -> str:
    assert run.get_status() == "Completed", run.refresh().error
    return log_of(run)


def log_of(run: Run) -> str:
    with run.experiment.workspace.api.open_file(run.id, "azureml-logs/70_driver_log.txt") as parts:
        return b"".join(parts).decode()


class TestTheRootOfTheSourceFolder:
    FILES = {
        "src/train.py": "import subprocess, sys\n"
        "import src.util, shared, near\n"
        "print(src.util.V, shared.V, near.V, flush=True)\n"
        "subprocess.check_call([sys.executable, '-c', 'import src.util, shared; print(src.util.V + shared.V)'])\n",
        "src/util.py": "V = 'util'",
        "src/near.py": "V = 'beside the script'",
        "near.py": "V = 'at the root'",
        "shared.py": "V = 'root'",
    }

    @pytest.mark.parametrize("environment", [USED_AS_IT_IS, BUILT], ids=["used as it is", "built"])
    def test_is_importable_behind_the_scripts_own_folder(
        self, project: Project, environment: dict[str, Any]
    ) -> None:
        write(project.folder, self.FILES)
        run = ran(project, entry_script="src/train.py", **environment)
        assert printed(run).splitlines() == ["util root beside the script", "utilroot"]

    @pytest.mark.long
    def test_is_importable_in_a_notebook_too(self, project: Project) -> None:
        write(project.folder, self.FILES)
        write_notebook(project.folder / "src/look.ipynb", "import src.util, near\nprint(src.util.V, near.V)")
        assert "util beside the script" in printed(ran(project, entry_script="src/look.ipynb"))

    def test_comes_last_where_it_would_hide_the_standard_library(self, project: Project) -> None:
        write(
            project.folder,
            {
                "src/train.py": "import secrets, tempfile, lib\nprint(secrets.token_hex(2) != '', lib.V)",
                "secrets.py": "raise SystemExit('the wrong secrets')",
                "lib/__init__.py": "V = 'lib'",
            },
        )
        run = ran(project, entry_script="src/train.py", **USED_AS_IT_IS)
        assert printed(run) == "True lib\n"
        assert "secrets.py" in {note.code: note.message for note in run.refresh().notes}["source_root_last"]

    def test_a_given_path_comes_behind_it(self, project: Project) -> None:
        write(
            project.folder,
            {
                "src/train.py": "import a, b\nprint(a.V, b.V)",
                "a.py": "V = 1",
                "lib/a.py": "",
                "lib/b.py": "V = 2",
            },
        )
        run = ran(
            project, entry_script="src/train.py", environment_variables={"PYTHONPATH": "lib"}, **USED_AS_IT_IS
        )
        assert printed(run) == "1 2\n"


class TestAModule:
    FILES = {
        "pkg/__init__.py": "",
        "pkg/mod.py": "import sys, multiprocessing\nfrom . import other\n"
        "def double(x): return 2 * x\n"
        "if __name__ == '__main__':\n"
        "    print(__name__, __spec__.name, other.V, sys.argv[0].endswith('pkg/mod.py'), sys.argv[1:])\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool: print(pool.map(double, [1, 2]))\n",
        "pkg/other.py": "V = 'other'",
        "tool/__main__.py": "print('tool')",
    }
    SAID = "__main__ pkg.mod other True ['--x', '1']\n[2, 4]\n"

    @pytest.mark.long
    @needs_semaphores
    @pytest.mark.parametrize(
        "environment", [long_form(USED_AS_IT_IS, id="used as it is"), pytest.param(BUILT, id="built")]
    )
    def test_runs_as_by_python(self, project: Project, environment: dict[str, Any]) -> None:
        write(project.folder, self.FILES)
        run = ran(project, entry_module="pkg.mod", script_arguments=["--x", "1"], **environment)
        assert printed(run) == self.SAID
        assert run.refresh().command == "python -m pkg.mod --x 1"
        assert run.get_details()["runDefinition"]["command"] == "python -m pkg.mod --x 1"
        again = run.rerun({"x": "2"})
        again.wait_for_completion()
        assert again.refresh().command == "python -m pkg.mod --x 2"

    @pytest.mark.long
    @needs_semaphores
    def test_as_a_command_and_as_a_package(self, project: Project) -> None:
        write(project.folder, self.FILES)
        assert printed(commanded(project, ["python", "-m", "pkg.mod", "--x", 1])) == self.SAID
        assert printed(commanded(project, "python -m tool")) == "tool\n"
        assert printed(commanded(project, ["python", "-m", "json.tool", "--help"])).startswith("usage")

    @pytest.mark.parametrize(
        ("module", "advice"),
        [
            ("pkg/mod.py", "'pkg.mod'"),
            ("pkg.mod.py", "leave '.py' out"),
            ("pkg.none", "has no pkg/none.py"),
            ("pkg", "pkg/__main__.py"),
            ("", "cannot be a module"),
        ],
    )
    def test_one_that_cannot_run_is_refused(self, project: Project, module: str, advice: str) -> None:
        write(project.folder, self.FILES)
        estimator = Estimator(
            project.folder, entry_module=module or " ", compute_target=project.cluster, **USED_AS_IT_IS
        )
        with pytest.raises(UserErrorException, match=advice):
            Experiment(project.workspace, "entries").submit(estimator)


class TestOtherPrograms:
    def test_shell_scripts_run_by_what_they_ask_for(self, project: Project) -> None:
        write(
            project.folder,
            {
                "jobs/run.sh": "#!/usr/bin/env bash\nset -e\n[[ $1 == 'a b' ]]\npython jobs/inner.py\n",
                "jobs/inner.py": "import json, lib, sys\nprint(json.dumps([sys.executable, lib.V]))",
                "lib.py": "V = 1",
                "plain.sh": "echo plain $1",
                "train": "#!/usr/bin/env python\nprint('a script of Python')",
            },
        )
        run = ran(project, entry_script="jobs/run.sh", script_arguments=["a b"], **USED_AS_IT_IS)
        assert json.loads(printed(run)) == [sys.executable, 1]
        assert printed(
            ran(project, entry_script="plain.sh", script_arguments=["$HOME"], **USED_AS_IT_IS)
        ) == ("plain $HOME\n")
        assert printed(ran(project, entry_script="train", **USED_AS_IT_IS)) == "a script of Python\n"

    @pytest.mark.long
    def test_commands(self, project: Project) -> None:
        write(project.folder, {"t.py": "import sys\nprint(sys.argv[1:])", "run.sh": "echo from $0"})
        assert printed(commanded(project, ["bash", "run.sh"])) == "from run.sh\n"
        assert printed(commanded(project, ["python", "-u", "t.py", "&&", "$X"])) == "['&&', '$X']\n"
        assert printed(commanded(project, "python t.py 'a b' && echo $((1 + 1))")) == "['a b']\n2\n"
        assert printed(commanded(project, ["python", "-c", "import t"])) == "[]\n"

    def test_a_program_that_is_not_there_is_named(self, project: Project) -> None:
        write(project.folder, {"t.py": ""})
        run = commanded(project, ["no-such-program", "x"])
        assert run.get_status() == "Failed"
        message = run.get_details()["error"]["error"]["message"]
        assert (
            "no-such-program could not be started: No such file or directory. It is not on the PATH"
            in message
        )

    def test_python_is_the_runs_own_also_where_it_has_another_name(self, tmp_path: Path) -> None:
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "python3").touch()
        (tmp_path / "attempt").mkdir()
        for _ in range(2):
            folders = programs(str(tmp_path / "bin" / "python3"), tmp_path / "attempt")
        assert folders == [str(tmp_path / "attempt" / "bin"), str(tmp_path / "bin")]
        assert (tmp_path / "attempt" / "bin" / "python").samefile(tmp_path / "bin" / "python3")
        (tmp_path / "bin" / "python").touch()
        assert programs(str(tmp_path / "bin" / "python3"), tmp_path / "attempt") == [str(tmp_path / "bin")]


@pytest.mark.parametrize("command", [[], "", ["python"], "python 'a", [" "]])
def test_a_command_that_starts_nothing_is_refused(command: Any) -> None:
    with pytest.raises(UserErrorException, match="command"):
        ScriptRunConfig(".", command=command)
