from __future__ import annotations

import msgspec
import pytest

from faena.environments.folders import platform_tag
from faena.environments.model import EnvironmentSpec, IndexUrl, Interpreter, Lock
from faena.kernel.errors import UserErrorException

HOSTILE_PACKAGES = [
    "",
    "   ",
    "six\nRUN touch /tmp/x",
    "six\r--index-url https://host",
    "six\u2028-e .",
    "six\x00",
    "$(touch /tmp/x)",
    "six==${HOME}",
    "six===1.0$(id)",
    "`id`",
    "six && id",
    "six | id",
    "six; rm -rf /",
    "six > /tmp/x",
    "--index-url https://host/simple",
    " --index-url=https://host/simple",
    "-e .",
    "-r requirements.txt",
    "six --hash=sha256:00",
    "six \\",
    "https://host/six.whl",
    "git+https://host/six.git",
    "./six",
    "../six",
    "/srv/six",
    "~/six",
    "six @ file:///srv/six",
    "six @ git+https://host/six.git",
    "six @ http://host/six.whl",
    "six @ https://user:secret@host/six.whl",
    "six @ https://host:notaport/six.whl",
    "six @ ./six",
    "six # comment",
    "six, tomli",
    "six tomli",
    "🐍",
    "x" * 10_000,
]


@pytest.mark.parametrize("package", HOSTILE_PACKAGES, ids=lambda value: repr(value)[:40])
def test_what_is_no_requirement_is_refused_by_name(package: str) -> None:
    with pytest.raises(UserErrorException) as caught:
        EnvironmentSpec(packages=("tomli", package))
    message = caught.value.message
    assert "cannot be used as a package" in message
    assert repr(package)[1:8] in message or "secret" in package
    assert "secret" not in message
    assert "\n" not in message
    assert len(message) < 400


@pytest.mark.parametrize(
    "package",
    [
        "six",
        "six==1.16.0",
        "numpy>=1.20,<1.24",
        "mpi4py==3.0.0",
        "requests[socks]~=2.31",
        'tomli; python_version < "3.11"',
        "localthing==1.0+cpu",
        "six @ https://host/six-1.16.0-py2.py3-none-any.whl",
        "six @ https://host/get?name=six&version=1#sha256=00",
    ],
)
def test_requirements_are_taken(package: str) -> None:
    assert EnvironmentSpec(packages=(package,)).packages == (package,)


@pytest.mark.parametrize(
    "python", ["", "three", "3.11; id", "$(id)", "3.8\n", "/usr/bin/python", "===3.11", "3" * 999]
)
def test_what_is_no_python_version_is_refused(python: str) -> None:
    with pytest.raises(UserErrorException, match="is not a Python version"):
        EnvironmentSpec(python=python)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "host/simple",
        "ftp://host",
        "javascript:0",
        "https://",
        "https://host/\n-e .",
        "https://host/$(id)",
        "https://h:x",
    ],
)
def test_what_is_no_index_is_refused(url: str) -> None:
    with pytest.raises(UserErrorException, match=r"index|host"):
        IndexUrl(url)


@pytest.mark.parametrize(
    "path", ["python", "./python", "../python", "", "/bin/py\nthon", "/bin/\0", "/" + "x" * 5000]
)
def test_an_interpreter_is_an_absolute_path(path: str) -> None:
    with pytest.raises(UserErrorException, match="absolute path"):
        EnvironmentSpec(interpreter=path)


def test_an_interpreter_is_used_as_it_is() -> None:
    with pytest.raises(UserErrorException, match="used as it is"):
        EnvironmentSpec(interpreter="/usr/bin/python3", packages=("six",))


def test_what_is_no_version_is_answered_by_one_of_that_framework() -> None:
    with pytest.raises(UserErrorException, match=r"'' is not a version of tensorflow. Use one such as '2\."):
        EnvironmentSpec(framework="tensorflow", framework_version="")


def test_a_framework_version_needs_its_framework() -> None:
    with pytest.raises(UserErrorException, match="without a framework"):
        EnvironmentSpec(framework_version="5.1.0")


@pytest.mark.parametrize(
    "text",
    [b"{", b"[]", b'{"unknown": 1}', b'{"packages": "six"}', b'{"packages": [1]}', b"[" * 100_000, b"\xff"],
)
def test_json_that_is_no_spec_is_refused(text: bytes) -> None:
    with pytest.raises(UserErrorException, match="cannot be read"):
        EnvironmentSpec.from_json(text)


def test_json_is_checked_as_values_are() -> None:
    with pytest.raises(UserErrorException, match="it is an option"):
        EnvironmentSpec.from_json(b'{"packages": ["-e ."]}')


def test_a_spec_survives_json() -> None:
    spec = EnvironmentSpec(
        python=">=3.8", packages=("six",), index_urls=(IndexUrl("https://host/simple", "mine"),)
    )
    assert EnvironmentSpec.from_json(msgspec.json.encode(spec)) == spec


def test_the_digest_is_of_what_is_asked_not_of_its_spelling() -> None:
    one = EnvironmentSpec(packages=("NumPy >=1.20, <1.24", "six"), python="3.11")
    other = EnvironmentSpec(packages=("six", "numpy<1.24,>=1.20", "six"), python="==3.11.*")
    assert one.digest == other.digest
    assert one.digest != EnvironmentSpec(packages=("six",), python="3.11").digest


def test_credentials_leave_what_is_kept() -> None:
    index = IndexUrl("https://us%40er:se%2Fcret@host:8443/simple", "my-index")
    spec = EnvironmentSpec(index_urls=(index,))
    assert spec.kept().index_urls == (IndexUrl("https://host:8443/simple", "my-index"),)
    assert spec.credentials() == {
        "UV_INDEX_MY_INDEX_USERNAME": "us@er",
        "UV_INDEX_MY_INDEX_PASSWORD": "se/cret",
    }
    assert spec.digest == spec.kept().digest
    assert "cret" not in repr(spec)


def _lock(**changes: object) -> Lock:
    lock = Lock(
        interpreter=Interpreter("/usr/bin/python3.11", "3.11.7", "CPython"),
        platform=platform_tag(),
        requirements="six==1.17.0 \\\n    --hash=sha256:00ff\ntomli==2.0\n",
        build_constraints=("setuptools<80",),
        spec_digest="0" * 64,
    )
    return msgspec.structs.replace(lock, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"interpreter": Interpreter("/opt/bin/python3.11", "3.11.7", "CPython")},
        {"interpreter": Interpreter("/usr/bin/python3.11", "3.11.8", "CPython")},
        {"platform": "linux-riscv64"},
        {"requirements": "six==1.16.0\n"},
        {"build_constraints": ()},
        {"index_urls": (IndexUrl("https://host/simple"),)},
    ],
)
def test_all_that_decides_what_is_built_changes_the_digest(changes: dict[str, object]) -> None:
    assert _lock(**changes).digest != _lock().digest


def test_two_specs_may_come_to_one_environment() -> None:
    assert _lock(spec_digest="1" * 64).digest == _lock().digest


@pytest.mark.parametrize(
    "text",
    [
        "--index-url https://host/simple\nsix==1.0\n",
        "-e .\n",
        "six>=1.0\n",
        "six\n",
        "six==1.0 --global-option=x\n",
        "six==1.0; $(id)\n",
        "./six\n",
        "six==1.0 \\\n    --config-settings=x\n",
    ],
)
def test_a_lock_holds_exact_versions_only(text: str) -> None:
    with pytest.raises(UserErrorException, match="cannot stand in a lock"):
        _lock(requirements=text)
