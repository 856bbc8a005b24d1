"""An index that does not answer is told as that, and the packages are not blamed for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from faena.environments.causes import of_a_package, of_the_index
from faena.environments.model import EnvironmentSpec
from faena.environments.prepare import prepare
from faena.kernel.errors import EnvironmentBuildException

from .packages import make_wheel


@pytest.fixture
def reached(package_folder: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """uv may ask an index, and gives up at once."""
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("UV_OFFLINE")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return monkeypatch


@pytest.fixture
def answers() -> Iterator[str]:
    """`http://127.0.0.1:port`: an index that answers each request with the status that its path begins with."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(int(self.path.split("/")[1]))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def failure(*packages: str) -> str:
    with pytest.raises(EnvironmentBuildException) as caught:
        prepare(EnvironmentSpec(packages=packages), lambda line: None)
    return caught.value.message.split("\n")[0]


def test_nobody_listens(reached: pytest.MonkeyPatch) -> None:
    reached.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    said = failure("thing")
    assert "The package index http://127.0.0.1:9 cannot be reached: Connection refused" in said
    assert "together" not in said


def test_a_name_that_nobody_knows(reached: pytest.MonkeyPatch) -> None:
    reached.setenv("UV_DEFAULT_INDEX", "http://packages.invalid/simple")
    assert "The package index http://packages.invalid cannot be reached" in failure("thing")


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("status", "said"), [(401, "user and a password"), (403, "user and a password"), (503, "answers 503")]
)
def test_it_answers_and_refuses(reached: pytest.MonkeyPatch, answers: str, status: int, said: str) -> None:
    reached.setenv("UV_DEFAULT_INDEX", f"{answers}/{status}/simple")
    told = failure("thing")
    assert answers in told
    assert said in told
    assert "together" not in told


def test_an_index_that_lacks_a_package_is_not_blamed(reached: pytest.MonkeyPatch, answers: str) -> None:
    reached.setenv("UV_DEFAULT_INDEX", f"{answers}/404/simple")
    assert "The package thing cannot be had on Python" in failure("thing")


@pytest.mark.long
def test_one_package_is_not_told_to_be_at_odds_with_others(package_folder: Path) -> None:
    make_wheel(package_folder, "thing")
    alone = failure("thing==2")
    assert alone.startswith("The package thing==2 cannot be had on Python")
    assert "There is no version 2 of thing: ask for another, or for none." in alone
    both = failure("thing==2", "other")
    assert both.startswith("The packages other, thing==2 cannot be had together")


@pytest.mark.long
def test_what_stands_for_the_sdk_is_nothing_that_was_asked_for(package_folder: Path) -> None:
    make_wheel(package_folder, "msgspec")
    assert failure("azureml-defaults", "thing==2").startswith("The package thing==2 cannot be had")


TAGS = """error: No solution found when resolving dependencies
  cause: Because {0}=={1} has no wheels with a matching Python ABI tag (e.g., `cp311`) and you require {0}=={1}, we can
hint: You require CPython 3.11 (`cp311`), but we only found wheels for `{0}` (v{1}) with the following Python ABI
      tags: {2}
"""


@pytest.mark.parametrize(
    ("tail", "told"),
    [
        (
            "error: No solution\n  cause: Because thing was not found in the package registry and you require thing",
            "The package index has no thing: look at its name.",
        ),
        (
            TAGS.format("tensorflow", "1.13.1", "`cp27m`, `cp27mu`, `cp33m`, `cp36m`, `cp37m`"),
            "tensorflow 1.13.1 is for Pythons before 3.8: ask for it as of its time (as_of='auto', --as-of auto; "
            "docs/as-of.md), or for a later version, such as 2.2.3,",
        ),
        (
            TAGS.format("torchvision", "0.5.0", "`cp27m`, `cp27mu`, `cp37m`, `cp38`"),
            "torchvision 0.5.0 is for Python up to 3.8: ask for that Python (--python 3.8, python='3.8'), or",
        ),
        (
            "   Building scikit-learn==0.20.3\nerror: Failed to build `scikit-learn==0.20.3`\n  cause: The build",
            "scikit-learn 0.20.3 has no wheel for this Python, and building it from its source failed: ask for a later "
            "version, such as 0.22.2.post1,",
        ),
        (
            "error: Failed to build `mpi4py==4.0.3`\n  cause: The build backend",
            "mpi4py 4.0.3 has no wheel for this Python, and its source could not be built, which needs an MPI compiler "
            "(mpicc): ask for Python 3.8 or newer",
        ),
        (
            "error: No solution found\n  cause: Because pandas==0.24.2 has invalid metadata and you require it",
            "What pandas 0.24.2 says of itself is in no form of today: ask for a later version.",
        ),
        ("error: No solution found\n  cause: Because six==1 depends on ten>2 and you require ten<1", ""),
    ],
)
def test_which_package_is_at_fault(tail: str, told: str) -> None:
    assert of_a_package(tail).startswith(told)
    assert bool(of_a_package(tail)) == bool(told)


def test_a_network_that_is_turned_off(package_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    assert "UV_OFFLINE" in failure("thing")


@pytest.mark.long
def test_what_was_refused_is_asked_again_by_itself(
    reached: pytest.MonkeyPatch, answers: str, package_folder: Path
) -> None:
    reached.setenv("UV_DEFAULT_INDEX", f"{answers}/401/simple")
    assert "refuses" in failure("thing")
    make_wheel(package_folder, "thing")
    reached.setenv("PIP_NO_INDEX", "1")
    assert prepare(EnvironmentSpec(packages=("thing",)), lambda line: None).built


def test_what_is_no_matter_of_an_index_says_nothing() -> None:
    assert of_the_index("error: No solution found when resolving dependencies\n  cause: Because six") == ""


def test_a_folder_for_packages_that_is_not_there() -> None:
    told = of_the_index(
        "error: Failed to read `--find-links` directory: /srv/wheels\n  cause: No such file or directory (os error 2)\n"
    )
    assert told.startswith("The place for packages /srv/wheels cannot be read: No such file or directory")
    assert "UV_FIND_LINKS" in told
