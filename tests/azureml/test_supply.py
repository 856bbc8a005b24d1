"""Where `azureml` comes from: supplied last, never in the way of what is installed."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import msgspec
import pytest

import faena
import faena_azureml

SOURCES = (Path(faena_azureml.__file__).parents[1], Path(faena.__file__).parents[1])


def python(source: str, *places: Path, cwd: Path | None = None, rc: int = 0) -> str:
    """Output of a script run by this interpreter, with `places` before its own packages."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, "-c", source],
        env={**kept, "PYTHONPATH": os.pathsep.join(map(str, places))},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == rc, done.stderr
    return done.stdout + done.stderr


def put(folder: Path, files: dict[str, str]) -> Path:
    """Modules 'installed' in `folder`."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


REAL = {
    "azureml/__init__.py": "",
    "azureml/core/__init__.py": "Run = 'real'\n",
}


class TestInstalled:
    def test_the_names_are_there_without_an_import_of_ours(self) -> None:
        out = python(
            "import azureml.core; from azureml.core import Workspace, Experiment, Run\n"
            "print(azureml.core.VERSION, Workspace.__module__)"
        )
        assert out.split() == [faena_version(), "faena_azureml.workspace"]

    def test_they_are_found_by_those_who_only_look(self) -> None:
        out = python(
            "import importlib.util as u; print(*[bool(u.find_spec(n)) for n in "
            "('azureml', 'azureml.core', 'azureml.core.run', 'azureml.nothing')])"
        )
        assert out.split() == ["True", "True", "True", "False"]

    def test_as_each_interpreter_starts_one_finder_is_added(self) -> None:
        out = python(
            "import sys; print(sys.meta_path[-1].__module__, 'faena_azureml' in sys.modules, 'faena' in sys.modules)"
        )
        assert out.split() == ["_faena_azureml_finder", "False", "False"]

    def test_from_a_folder_on_the_path_that_was_not_installed(self) -> None:
        out = subprocess.run(
            [
                sys.executable,
                "-S",
                "-c",
                "import faena_azureml, azureml.exceptions as e; print(e.UserErrorException)",
            ],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, SOURCES))},
            capture_output=True,
            text=True,
        )
        assert "UserErrorException" in out.stdout, out.stderr


class TestBesideOthers:
    def test_the_real_one_is_left_alone_and_ours_says_what_to_do(self, tmp_path: Path) -> None:
        real = put(tmp_path, REAL)
        assert python("from azureml.core import Run; print(Run)", real).split() == ["real"]
        out = python("import faena_azureml", real)
        assert "pip uninstall azureml-core" in out
        assert "from faena import Workspace" in out

    def test_nothing_of_ours_is_mixed_into_the_real_one(self, tmp_path: Path) -> None:
        real = put(tmp_path, REAL)
        out = python("import azureml.core, azureml.train", real, rc=1)
        assert "ModuleNotFoundError: No module named 'azureml.train'" in out

    @pytest.mark.long
    @pytest.mark.parametrize("init", [True, False], ids=["package", "namespace"])
    def test_a_real_one_without_core_gains_ours(self, tmp_path: Path, init: bool) -> None:
        real = put(tmp_path, {"azureml/dataprep.py": "x = 'real'\n"})
        if init:
            put(tmp_path, {"azureml/__init__.py": ""})
        out = python(
            "import azureml.dataprep; from azureml.core.run import Run; from azureml.train import hyperdrive\n"
            "print(azureml.dataprep.x, Run.__module__)",
            real,
        )
        assert out.split() == ["real", "faena.client.runs.run"]

    def test_a_folder_that_happens_to_be_called_azureml(self, tmp_path: Path) -> None:
        put(tmp_path, {"azureml/notes.txt": ""})
        assert python("from azureml.core import Run; print(Run.__name__)", cwd=tmp_path).split() == ["Run"]


class TestWheel:
    @pytest.mark.long
    def test_holds_the_line_the_finder_and_the_names_but_no_azureml(self, tmp_path: Path) -> None:
        """Needs the package registry, for hatchling."""
        source = Path(__file__).parents[2] / "faena-azureml"
        uv = [
            sys.executable,
            "-m",
            "uv",
            "build",
            "--quiet",
            "--wheel",
            "--out-dir",
            str(tmp_path),
            str(source),
        ]
        subprocess.run(uv, check=True, timeout=120)
        (wheel,) = tmp_path.glob("*.whl")
        names = zipfile.ZipFile(wheel).namelist()
        tops = {name.split("/")[0] for name in names}
        assert tops == {
            "_faena_azureml_finder.py",
            "faena_azureml",
            "faena_azureml.pth",
            "faena_azureml-0.1.0.dist-info",
        }
        assert {"faena_azureml/names/azureml/core/run.py", "faena_azureml/data/not-covered.tsv"} <= set(names)

        site = tmp_path / "site"
        zipfile.ZipFile(wheel).extractall(site)
        others = [str(SOURCES[1]), str(Path(str(msgspec.__file__)).parents[1])]
        script = (
            f"import site, sys; sys.path += {others!r}; site.addsitedir({str(site)!r})\n"
            "from azureml.core import Workspace; import faena_azureml; print(faena_azureml.__file__)"
        )
        out = subprocess.check_output([sys.executable, "-I", "-S", "-c", script], text=True)
        assert out.strip() == str(site / "faena_azureml" / "__init__.py")


class TestCost:
    def test_starting_an_interpreter_takes_less_than_a_millisecond_more(self, tmp_path: Path) -> None:
        line = (SOURCES[0].parent / "faena_azureml.pth").read_text()
        timed = f"import time; t = time.perf_counter()\n{line}\nprint(time.perf_counter() - t)"
        places = [*SOURCES]
        command = [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import sys; sys.path[:0] = {list(map(str, places))!r}\n{timed}",
        ]
        found = [float(subprocess.check_output(command)) for _ in range(9)]
        assert min(found) < 0.001

    @pytest.mark.long
    def test_the_names_that_every_script_needs(self) -> None:
        def seconds(source: str) -> float:
            """Of CPU: other tests have the cores, too."""
            before = os.times()
            python(source)
            after = os.times()
            return after.children_user + after.children_system - before.children_user - before.children_system

        script = "from azureml.core import Workspace, Experiment, Run"
        seconds(script)
        pairs = [(seconds(script), seconds("pass")) for _ in range(7)]
        # The budget is 150 ms on an idle machine (benchmarks/starting.py); this one may be busy.
        assert min(with_names - bare for with_names, bare in pairs) < 0.45


def faena_version() -> str:
    from azureml.core import VERSION

    return VERSION
