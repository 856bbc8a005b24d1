from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from faena.environments import folders
from faena.environments.build import HOOK_FILE, ensure
from faena.environments.cache import list_environments, prune
from faena.environments.model import EnvironmentSpec, Lock
from faena.environments.post_build import settle
from faena.environments.prepare import find_ready, prepare
from faena.environments.ready import READY, SETTLED, hold
from faena.environments.resolve import lock_path, resolve
from faena.kernel.errors import EnvironmentBuildException, NotFound, UserErrorException
from tests.examples import long_form

from .packages import make_sdist, make_wheel


def nothing(line: str) -> None:
    """A log that nobody reads."""


def output_of(python: Path | str, code: str, **variables: str) -> str:
    environment = {"PATH": os.defpath} | variables
    done = subprocess.run([python, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.long
def test_packages_from_the_registry() -> None:
    log: list[str] = []
    spec = EnvironmentSpec(packages=("iniconfig", "six==1.16.0", "tomli>=2"))
    assert find_ready(spec) is None
    prepared = prepare(spec, log.append)
    assert prepared.built
    assert output_of(prepared.python, "import six, iniconfig, tomli; print(six.__version__)") == "1.16.0"
    assert "six==1.16.0 \\\n    --hash=sha256:" in prepared.lock.requirements
    assert any(line.startswith("Python: CPython 3.") for line in log)
    assert any(line.startswith("Resolved 3 packages in ") for line in log)

    again = prepare(spec, log.append)
    assert (again.lock, again.python, again.built) == (prepared.lock, prepared.python, False)
    assert find_ready(spec) == (prepared.lock, Path(prepared.python))


def test_an_empty_environment(package_folder: Path) -> None:
    prepared = prepare(EnvironmentSpec(), nothing)
    prefix = output_of(prepared.python, "import sys; print(sys.prefix)")
    assert prefix == str(Path(prepared.python).parent.parent)


@pytest.mark.long
def test_versions_stay_those_of_the_first_build(package_folder: Path) -> None:
    make_wheel(package_folder, "thing", "1.0")
    spec = EnvironmentSpec(packages=("thing",))
    first = prepare(spec, nothing)
    make_wheel(package_folder, "thing", "2.0")
    assert prune(first.lock_digest)
    assert find_ready(spec) is None
    second = prepare(spec, nothing)
    assert second.lock_digest == first.lock_digest
    assert output_of(second.python, "import thing; print(thing.VERSION)") == "1.0"
    lock_path(spec).unlink()
    assert "thing==2.0" in resolve(spec, nothing).requirements


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("was", "version"), [("3.8.18", "2.0"), (f"{sys.version_info[0]}.{sys.version_info[1]}.99", "1.0")]
)
def test_versions_stay_where_python_is_the_same_one(was: str, version: str, package_folder: Path) -> None:
    """A lock whose interpreter is gone: versions that were chosen for another Python are none of this one's."""
    make_wheel(package_folder, "thing", "1.0")
    spec = EnvironmentSpec(packages=("thing",))
    resolve(spec, nothing)
    kept = json.loads(lock_path(spec).read_bytes())
    kept["lock"]["interpreter"] |= {"path": "/gone/bin/python", "version": was}
    lock_path(spec).write_text(json.dumps(kept))
    make_wheel(package_folder, "thing", "2.0")
    found = resolve(spec, nothing)
    assert f"thing=={version} " in found.requirements
    assert resolve(spec, nothing) == found


@pytest.mark.long
def test_two_specs_of_one_outcome_share_a_folder(package_folder: Path) -> None:
    make_wheel(package_folder, "thing")
    one = prepare(EnvironmentSpec(packages=("thing",)), nothing)
    other = prepare(EnvironmentSpec(packages=("thing==1.0",)), nothing)
    assert (one.python, other.built) == (other.python, False)


def test_who_waits_for_a_build_does_not_wait_for_those_who_use_it(package_folder: Path) -> None:
    """An endpoint holds its environment for as long as it lives."""
    prepared = prepare(EnvironmentSpec(), nothing)
    marker = Path(prepared.python).parent.parent / READY
    waits = threading.Event()

    def log(line: str) -> None:
        if line.startswith("Another process"):
            waits.set()

    with hold(prepared.lock_digest), ThreadPoolExecutor(1) as pool:
        content = marker.read_bytes()
        marker.unlink()  # as while it is built
        waiting = pool.submit(ensure, prepared.lock, log)
        assert waits.wait(60)
        marker.write_bytes(content)
        assert str(waiting.result(60)) == prepared.python


@pytest.mark.long
def test_a_changed_wheel_is_refused(
    package_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(package_folder, "thing")
    lock = resolve(EnvironmentSpec(packages=("thing",)), nothing)
    make_wheel(package_folder, "thing", requires="other")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "another-cache"))
    with pytest.raises(EnvironmentBuildException, match=r"(?i)hash mismatch"):
        ensure(lock, nothing)


def test_a_lock_of_elsewhere_says_so(package_folder: Path) -> None:
    lock = resolve(EnvironmentSpec(), nothing)
    with pytest.raises(EnvironmentBuildException, match=r"linux-riscv64.*Resolve"):
        ensure(msgspec.structs.replace(lock, platform="linux-riscv64"), nothing)
    other = msgspec.structs.replace(lock.interpreter, version="3.8.0")
    with pytest.raises(EnvironmentBuildException, match=r"names CPython 3\.8\.0 .* where there is CPython"):
        ensure(msgspec.structs.replace(lock, interpreter=other), nothing)


class TestHook:
    def test_it_needs_no_module(self, package_folder: Path) -> None:
        python = prepare(EnvironmentSpec(), nothing).python
        assert output_of(python, "print('up')", FAENA_RUN_ID="run_1") == "up"
        assert output_of(python, "print('up')") == "up"
        hooks = list(Path(python).parent.parent.glob(f"lib/python3.*/site-packages/{HOOK_FILE}"))
        assert len(hooks) == 1
        assert hooks[0].read_text().count("\n") == 1

    def test_it_installs_what_a_run_brings(self, package_folder: Path, tmp_path: Path) -> None:
        python = prepare(EnvironmentSpec(), nothing).python
        (tmp_path / "_faena_start.py").write_text("def install():\n    print('installed')\n")
        brought = {"PYTHONPATH": str(tmp_path)}
        assert output_of(python, "print('up')", FAENA_RUN_ID="run_1", **brought) == "installed\nup"
        assert output_of(python, "print('up')", **brought) == "up"

    def test_an_error_in_it_does_not_stop_the_interpreter(self, package_folder: Path, tmp_path: Path) -> None:
        python = prepare(EnvironmentSpec(), nothing).python
        (tmp_path / "_faena_start.py").write_text("import not_there\n")
        environment = {"PYTHONPATH": str(tmp_path), "FAENA_RUN_ID": "run_1"}
        done = subprocess.run(
            [python, "-c", "print('up')"], env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout == "up\n"
        assert "not_there" in done.stderr


class TestReady:
    @pytest.mark.few(1)
    @pytest.mark.parametrize(
        ("said", "compiled"), [(None, True), long_form("1", True), ("0", False), long_form("False", False)]
    )
    def test_settling_compiles_unless_uv_is_told_not_to_and_marks(
        self, said: str | None, compiled: bool, package_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("UV_COMPILE_BYTECODE", raising=False)
        make_wheel(package_folder, "thing")
        prepared = prepare(EnvironmentSpec(packages=("thing",)), nothing)
        folder = Path(prepared.python).parent.parent
        assert not list(folder.rglob("thing.*.pyc"))
        if said is not None:
            monkeypatch.setenv("UV_COMPILE_BYTECODE", said)
        settle(prepared.lock_digest)
        assert bool(list(folder.rglob("thing.*.pyc"))) is compiled
        assert (folder / SETTLED).exists()

    def test_an_unsettled_one_does_not_outlive_the_machine(self, package_folder: Path) -> None:
        spec = EnvironmentSpec()
        first = prepare(spec, nothing)
        marker = Path(first.python).parent.parent / READY
        marker.write_text(json.dumps(json.loads(marker.read_text()) | {"boot": "another"}))
        assert find_ready(spec) is None
        assert prepare(spec, nothing).built
        settle(first.lock_digest)
        marker.write_text(json.dumps(json.loads(marker.read_text()) | {"boot": "another"}))
        assert find_ready(spec) is not None

    @pytest.mark.long
    @pytest.mark.parametrize("content", [None, long_form(b""), long_form(b'{"half')])
    def test_half_made_is_built_anew(self, package_folder: Path, content: bytes | None) -> None:
        make_wheel(package_folder, "thing")
        spec = EnvironmentSpec(packages=("thing",))
        lock = resolve(spec, nothing)
        folder = folders.envs() / lock.digest
        (folder / "lib").mkdir(parents=True)
        (folder / "left-behind").touch()
        if content is not None:
            (folder / READY).write_bytes(content)
        assert find_ready(spec) is None
        python = ensure(lock, nothing)
        assert not (folder / "left-behind").exists()
        assert output_of(python, "import thing; print(thing.VERSION)") == "1.0"

    def test_a_lock_file_that_cannot_be_read_is_made_anew(self, package_folder: Path) -> None:
        spec = EnvironmentSpec()
        first = resolve(spec, nothing)
        lock_path(spec).write_bytes(b'{"plan": "')
        assert find_ready(spec) is None
        assert resolve(spec, nothing) == first


class TestShelf:
    @pytest.mark.long
    def test_what_a_run_holds_is_not_pruned(self, package_folder: Path) -> None:
        make_wheel(package_folder, "thing")
        prepared = prepare(EnvironmentSpec(packages=("thing",)), nothing)
        digest = prepared.lock_digest
        with hold(digest) as one, hold(digest) as other:
            assert str(one.python) == str(other.python) == prepared.python
            assert prune(digest) is False
            assert find_ready(EnvironmentSpec(packages=("thing",))) is not None
        assert prune(digest) is True
        assert list_environments() == []
        with pytest.raises(NotFound, match=digest[:12]):
            prune(digest)
        with pytest.raises(NotFound, match=digest[:12]), hold(digest):
            pass

    def test_a_child_keeps_holding(self, package_folder: Path) -> None:
        prepared = prepare(EnvironmentSpec(), nothing)
        with hold(prepared.lock_digest) as held:
            child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=[held.fd])
        try:
            assert prune(prepared.lock_digest) is False
        finally:
            child.communicate()
        assert prune(prepared.lock_digest) is True

    @pytest.mark.long
    def test_they_are_listed_with_their_size(self, package_folder: Path) -> None:
        make_wheel(package_folder, "thing")
        prepared = prepare(EnvironmentSpec(packages=("thing",)), nothing)
        [found] = list_environments()
        assert (found.digest, found.ready, found.lock) == (prepared.lock_digest, True, prepared.lock)
        assert found.bytes_used > 4096
        assert found.last_used > 0

    @pytest.mark.parametrize("digest", ["../../etc", "/etc", "", "0" * 63, "%2e%2e", "0" * 64 + "/.."])
    def test_only_digests_are_names(self, digest: str) -> None:
        with pytest.raises(UserErrorException, match="is not a digest"):
            prune(digest)
        with pytest.raises(UserErrorException, match="is not a digest"), hold(digest):
            pass


class TestFailures:
    @pytest.mark.long
    def test_what_cannot_be_resolved_is_remembered_until_asked_again(self, package_folder: Path) -> None:
        make_wheel(package_folder, "thing", requires="lacking>=2")
        spec = EnvironmentSpec(packages=("thing",))
        with pytest.raises(EnvironmentBuildException, match="lacking") as first:
            prepare(spec, nothing)
        assert "remembered" not in first.value.message
        make_wheel(package_folder, "lacking", "2.0")
        with pytest.raises(EnvironmentBuildException, match=r"(?s)lacking.*remembered"):
            prepare(spec, nothing)
        assert prepare(spec, nothing, retry=True).built
        assert prepare(spec, nothing).built is False

    @pytest.mark.long
    def test_a_failed_build_is_remembered_and_leaves_nothing(
        self, package_folder: Path, tmp_path: Path
    ) -> None:
        flag = tmp_path / "flag"
        make_sdist(
            package_folder,
            "fragile",
            f"if not os.path.exists({str(flag)!r}): raise SystemExit('the flag is missing')",
        )
        spec = EnvironmentSpec(packages=("fragile",))
        lock: Lock = resolve(spec, nothing)
        with pytest.raises(EnvironmentBuildException, match="the flag is missing"):
            ensure(lock, nothing)
        assert list_environments() == []
        record = json.loads((folders.envs() / f"{lock.digest}.failed.json").read_text())
        assert "the flag is missing" in record["message"]
        flag.touch()
        said: list[str] = []
        with pytest.raises(EnvironmentBuildException, match=r"(?s)flag is missing.*remembered"):
            ensure(lock, said.append)
        assert said == []
        assert output_of(ensure(lock, nothing, retry=True), "import fragile; print(fragile.VALUE)") == "1"
        assert not (folders.envs() / f"{lock.digest}.failed.json").exists()

    @pytest.mark.long
    def test_what_passes_is_tried_again_by_itself(
        self, package_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        spec = EnvironmentSpec(packages=("six",))
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.delenv("UV_OFFLINE")
        monkeypatch.setenv("UV_HTTP_RETRIES", "0")
        monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
        with pytest.raises(EnvironmentBuildException, match=r"127\.0\.0\.1"):
            prepare(spec, nothing)
        make_wheel(package_folder, "six", "1.0")
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        assert prepare(spec, nothing).built

    def test_a_state_folder_that_cannot_be_written(self, package_folder: Path, home: Path) -> None:
        lock = resolve(EnvironmentSpec(), nothing)
        (folders.envs() / lock.digest).write_text("a file in the environment's place")
        with pytest.raises(EnvironmentBuildException, match="could not be written"):
            ensure(lock, nothing)
