from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec
import pytest
from packaging.specifiers import SpecifierSet

from faena.environments import interpreters, probe
from faena.environments.model import EnvironmentSpec
from faena.environments.prepare import find_ready, prepare
from faena.kernel.errors import EnvironmentBuildException, UserErrorException

BASE = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
HERE = ".".join(map(str, sys.version_info[:3]))


@pytest.fixture
def known_interpreters() -> None:
    """Here each is asked."""


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user who has no Python but the one that runs Faena, and no network to get one."""
    user = tmp_path / "user"
    (user / "bin").mkdir(parents=True)
    for name in ("PYENV_ROOT", "CONDA_EXE", "CONDA_PREFIX", "UV_PYTHON_INSTALL_DIR", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(user))
    monkeypatch.setenv("PATH", str(user / "bin"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    return user


def nothing(line: str) -> None:
    """A log that nobody reads."""


def answer(version: str, **changes: object) -> probe.Answer:
    found = probe.Answer(
        base=f"/opt/{version}/bin/python3",
        version=version,
        implementation="CPython",
        final=True,
        gil=True,
        missing=[],
        headers=True,
    )
    return msgspec.structs.replace(found, **changes)


def picked(wanted: str, *answers: probe.Answer, preferred: probe.Answer | None = None) -> str | None:
    best = interpreters.pick(answers, SpecifierSet(wanted), preferred=preferred)
    return best.version if best else None


class TestPick:
    def test_the_newest_that_suits(self) -> None:
        answers = [answer("3.9.18"), answer("3.11.7"), answer("3.11.9"), answer("3.12.1")]
        assert picked(">=3.8,<3.12", *answers) == "3.11.9"
        assert picked("==3.9.*", *answers) == "3.9.18"
        assert picked(">=3.13", *answers) is None

    def test_a_complete_one_before_a_newer_that_lacks_modules(self) -> None:
        broken = answer("3.12.1", missing=["ssl"])
        assert picked(">=3.8", broken, answer("3.9.18")) == "3.9.18"
        assert picked(">=3.12", broken, answer("3.9.18")) == "3.12.1"

    def test_headers_decide_between_equals(self) -> None:
        assert picked(">=3.8", answer("3.11.9", headers=False), answer("3.11.2")) == "3.11.2"

    def test_prereleases_and_other_kinds_are_left_out(self) -> None:
        others = [
            answer("3.13.0", final=False),
            answer("3.13.1", gil=False),
            answer("3.12.1", implementation="PyPy"),
        ]
        assert picked(">=3.8", *others) is None

    def test_the_preferred_wins_only_where_it_suits(self) -> None:
        mine = answer("3.11.7")
        assert picked(">=3.8", mine, answer("3.13.0"), preferred=mine) == "3.11.7"
        assert picked(">=3.12", mine, answer("3.13.0"), preferred=mine) == "3.13.0"


class TestChoose:
    def test_the_running_python_is_found_through_its_virtual_environment(self, bare_machine: Path) -> None:
        chosen = interpreters.choose(SpecifierSet(f"=={HERE}"), nothing)
        assert (chosen.path, chosen.version, chosen.implementation) == (BASE, HERE, "CPython")

    @pytest.mark.parametrize(
        "place", [".pyenv/versions/3.x", ".local/share/uv/python/x", "miniconda3/envs/x"]
    )
    def test_version_managers_folders_are_looked_through(
        self, bare_machine: Path, place: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # A true Python lies there; the one that runs Faena is hidden.
        bin_folder = bare_machine / place / "bin"
        bin_folder.mkdir(parents=True)
        (bin_folder / "python3").symlink_to(BASE)
        monkeypatch.setattr(sys, "_base_executable", str(bare_machine / "gone"))
        assert interpreters.choose(SpecifierSet(f"=={HERE}"), nothing).path == BASE

    @pytest.mark.parametrize("versions", ["versions", "installs/python"])
    def test_what_shims_on_the_path_stand_for_is_found(
        self, bare_machine: Path, versions: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        manager = bare_machine / "elsewhere"
        bin_folder = manager / versions / "3.x" / "bin"
        bin_folder.mkdir(parents=True)
        (bin_folder / "python3").symlink_to(BASE)
        monkeypatch.setenv("PATH", str(manager / "shims"))
        monkeypatch.setattr(sys, "_base_executable", str(bare_machine / "gone"))
        found = interpreters.find(SpecifierSet(f"=={HERE}"))
        assert found is not None
        assert found.path == BASE

    def test_where_the_preferred_suits_no_other_is_asked(self, bare_machine: Path) -> None:
        other = bare_machine / "bin" / "python3"
        other.symlink_to(BASE)
        chosen = interpreters.choose(SpecifierSet(">=3.8"), nothing, preferred=HERE.rpartition(".")[0])
        assert chosen.path == BASE
        assert probe.recall(str(other)) is None

    def test_shims_are_never_run(self, bare_machine: Path) -> None:
        shim = bare_machine / "bin" / "python3"
        shim.write_text(f"#!/bin/sh\ntouch {bare_machine}/ran\nexit 127\n")
        shim.chmod(0o755)
        assert interpreters.choose(SpecifierSet(">=3.8"), nothing).path == BASE
        assert not (bare_machine / "ran").exists()

    def test_what_does_not_answer_is_skipped(self, bare_machine: Path) -> None:
        (bare_machine / "bin" / "python3").symlink_to("/bin/false")
        (bare_machine / "bin" / "python3.9").write_bytes(b"\x7fELF, truncated")
        (bare_machine / "bin" / "python3.9").chmod(0o755)
        (bare_machine / "bin" / "python3.10").mkdir()
        (bare_machine / "bin" / "python3.8").symlink_to("python3.8")
        assert interpreters.choose(SpecifierSet(">=3.8"), nothing).path == BASE

    def test_none_suits_and_none_can_be_installed(self, bare_machine: Path) -> None:
        log: list[str] = []
        with pytest.raises(EnvironmentBuildException) as caught:
            interpreters.choose(SpecifierSet("==3.29.39"), log.append)
        assert "uv python install '==3.29.39'" in caught.value.message
        assert any("asking uv to install" in line for line in log)


class TestProbe:
    def test_an_interpreter_is_asked_once(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        python = tmp_path / "python3"
        python.write_text(f'#!/bin/sh\necho x >> {tmp_path}/asked\nexec {BASE} "$@"\n')
        python.chmod(0o755)

        def times() -> int:
            return (tmp_path / "asked").read_text().count("x")

        assert probe.recall(str(python)) is None
        assert probe.ask([str(python)])[str(python)].version == HERE
        assert times() == 1
        probe.ask([str(python), str(python)])
        monkeypatch.setattr(probe, "_memory", {})  # a new process
        found = probe.recall(str(python))
        assert found is not None
        assert found.version == HERE
        assert times() == 1
        os.utime(python, ns=(1, 1))  # another Python took its place
        assert probe.recall(str(python)) is None
        probe.ask([str(python)])
        assert times() == 2

    def test_the_file_that_a_link_names_needs_no_question_of_its_own(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        link = tmp_path / "python3"
        link.symlink_to(BASE)
        answer = probe.ask([str(link)])[str(link)]
        monkeypatch.setattr(probe, "_memory", {})  # a new process
        assert answer.base == BASE
        assert probe.recall(BASE) == answer

    def test_a_damaged_memory_is_made_anew(self, home: Path) -> None:
        home.mkdir()
        (home / "interpreters.json").write_bytes(b'{"half')
        assert probe.ask([BASE])[BASE].base == BASE
        assert msgspec.json.decode((home / "interpreters.json").read_bytes())

    def test_a_virtual_environment_names_its_base(self) -> None:
        assert probe.ask([sys.executable])[sys.executable].base == BASE


class TestAsItIs:
    def test_nothing_is_built(self, home: Path) -> None:
        spec = EnvironmentSpec(interpreter=sys.executable)
        assert find_ready(spec) is None
        prepared = prepare(spec, nothing)
        assert (prepared.python, prepared.built) == (sys.executable, False)
        assert prepared.lock.interpreter.version == HERE
        found = find_ready(spec)
        assert found is not None
        assert found[1] == Path(sys.executable)
        assert list(home.glob("envs/*/")) == []

    @pytest.mark.parametrize("path", ["/nowhere/python3", "/bin/false", "/tmp"])
    def test_what_is_no_python_is_named(self, path: str) -> None:
        with pytest.raises(UserErrorException, match=path):
            prepare(EnvironmentSpec(interpreter=path), nothing)


class TestOldOnes:
    @pytest.mark.parametrize("version", ["3.6.15", "3.7.16"])
    def test_an_old_one_trains_and_serves_nothing(self, tmp_path: Path, version: str) -> None:
        path = _fake(tmp_path, version)
        assert interpreters.existing(path).version == version
        with pytest.raises(UserErrorException, match=r"It can train, but models are served by 3\.8"):
            interpreters.existing(path, serves=True)

    def test_one_that_is_too_old_is_named_with_what_to_do(self, tmp_path: Path) -> None:
        with pytest.raises(
            UserErrorException, match=r"is Python 3\.5\.10\. Training scripts need 3\.6 or newer: give"
        ):
            interpreters.existing(_fake(tmp_path, "3.5.10"))
        silent = tmp_path / "python2"
        silent.write_text("#!/bin/sh\n[ $1 = -I ] && exit 2\nprintf '2 7'\n")
        silent.chmod(0o755)
        with pytest.raises(
            UserErrorException, match=r"is Python 2\.7\. .* rewrite a script of Python 2 first"
        ):
            interpreters.existing(str(silent))
        silent.write_text("#!/bin/sh\nexit 1\n")
        with pytest.raises(UserErrorException, match="does not answer as a Python 3"):
            interpreters.existing(str(silent))


def _fake(folder: Path, version: str) -> str:
    """A program that answers as an interpreter of this version."""
    python = folder / "python-of-old"
    said = msgspec.json.encode(answer(version)).decode()
    python.write_text(f"#!/bin/sh\necho '{said}'\n")
    python.chmod(0o755)
    return str(python)
