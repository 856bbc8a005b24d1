from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from faena.environments.model import EnvironmentSpec
from faena.environments.ready import SETTLED
from faena.environments.resolve import resolve
from tests.examples import long_form

from .builders import Builder
from .packages import make_sdist, make_wheel


@pytest.mark.long
def test_the_result_says_what_a_run_needs(package_folder: Path, tmp_path: Path) -> None:
    make_wheel(package_folder, "thing")
    builder = Builder(tmp_path / "one", EnvironmentSpec(packages=("thing",)))
    assert builder.wait() == 0
    result = builder.result()
    assert set(result) == {"lock", "lock_digest", "python", "seconds", "built"}
    assert result["built"] is True
    assert 0 < result["seconds"] < 120
    assert result["lock"]["requirements"].startswith("thing==1.0")
    subprocess.run([result["python"], "-c", "import thing"], check=True)
    assert (Path(result["python"]).parent.parent / SETTLED).exists()
    said = builder.said()
    for part in (
        "Python: CPython 3.",
        "Resolving thing",
        "Resolved 1 package in ",
        "Making ",
        "+ thing==1.0",
        "Ready in ",
    ):
        assert part in said


def test_a_given_lock_is_built_without_resolving(package_folder: Path, tmp_path: Path) -> None:
    make_wheel(package_folder, "thing", "1.0")
    lock = resolve(EnvironmentSpec(packages=("thing",)), lambda line: None)
    make_wheel(package_folder, "thing", "2.0")
    path = tmp_path / "lock.json"
    path.write_bytes(msgspec.json.encode(lock))
    builder = Builder(tmp_path / "one", EnvironmentSpec(packages=("thing>=1",)), "--lock", str(path))
    assert builder.wait() == 0
    assert builder.result()["lock_digest"] == lock.digest
    assert "Resolving" not in builder.said()


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("spec", "code", "part"),
    [
        (b'{"packages": ["six\\n-e ."]}', "UserErrorException", "line break"),
        long_form(
            b'{"packages": ["nothing-of-that-name"]}', "EnvironmentBuildException", "nothing-of-that-name"
        ),
        long_form(b'{"framework": "chainer", "framework_version": "4.0"}', "TrainingException", "5.1.0"),
        long_form(b'{"python": ">=3.98"}', "EnvironmentBuildException", "uv python install '>=3.98"),
        (b'{"interpreter": "/nowhere/python"}', "UserErrorException", "/nowhere/python"),
        (b"not json", "UserErrorException", "cannot be read"),
    ],
)
def test_errors_are_results(package_folder: Path, tmp_path: Path, spec: bytes, code: str, part: str) -> None:
    (tmp_path / "spec.json").write_bytes(spec)
    places = ["--spec", "spec.json", "--log", "build.log", "--result", "result.json"]
    command = [sys.executable, "-m", "faena.environments", "ensure", *places]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    error = msgspec.json.decode((tmp_path / "result.json").read_bytes())["error"]
    assert error["code"] == code
    assert part in error["message"]
    assert part in (tmp_path / "build.log").read_text()


def test_what_uv_said_stands_in_the_log_once(package_folder: Path, tmp_path: Path) -> None:
    for place in ("one", "again"):  # the second time from memory: there the log is all that tells it
        builder = Builder(tmp_path / place, EnvironmentSpec(packages=("nothing-of-that-name",)))
        assert builder.wait() == 1
        assert builder.said().count("No solution found") == 1
        assert builder.said().count("The package nothing-of-that-name cannot be had") == 1, builder.said()


@pytest.mark.long
def test_a_compiler_that_says_much_hides_no_name(package_folder: Path, tmp_path: Path) -> None:
    make_sdist(
        package_folder,
        "broken",
        "for n in range(60): print('line', n)\nraise SystemExit('no compiler')",
        "1.16",
    )
    builder = Builder(tmp_path / "one", EnvironmentSpec(packages=("broken==1.16",)))
    assert builder.wait() == 1
    message = builder.result()["error"]["message"]
    assert "broken 1.16 has no wheel for this Python, and building it from its source failed" in message
    assert builder.said().count("no compiler") == 1
