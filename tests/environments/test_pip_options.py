"""What option lines of requirement files do to what is resolved and installed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import msgspec
import pytest

from faena.environments import archives, packing
from faena.environments.model import EnvironmentSpec, IndexUrl, Lock
from faena.environments.prepare import find_ready, prepare
from faena.environments.pruning import pinned
from faena.environments.resolve import resolve
from faena.environments.schemas import ArchiveRequest, PipOptions
from faena.environments.uv_process import environment
from faena.kernel import digests
from faena.kernel.errors import EnvironmentBuildException, UserErrorException

from .packages import make_project, make_sdist, make_wheel


def nothing(line: str) -> None:
    """A log that nobody reads."""


def lock_of(*packages: str, **options: object) -> Lock:
    return resolve(EnvironmentSpec(packages=packages, pip=PipOptions(**options)), nothing)  # type: ignore[arg-type]  # given by name


def output_of(python: str, code: str) -> str:
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


class TestOptions:
    @pytest.mark.long
    def test_links_are_found_and_stay_with_the_lock(self, package_folder: Path, tmp_path: Path) -> None:
        make_wheel(tmp_path / "links", "elsewhere")
        make_wheel(package_folder, "thing")
        spec = EnvironmentSpec(
            packages=("elsewhere", "thing"), pip=PipOptions(find_links=(str(tmp_path / "links"),))
        )
        prepared = prepare(spec, nothing)
        assert prepared.lock.pip.find_links == (str(tmp_path / "links"),)
        assert output_of(prepared.python, "import elsewhere, thing; print(elsewhere.VERSION)") == "1.0"

    def test_pre_releases_come_when_asked_for(self, package_folder: Path) -> None:
        make_wheel(package_folder, "thing", "1.0")
        make_wheel(package_folder, "thing", "2.0rc1")
        assert lock_of("thing").requirements.startswith("thing==1.0 ")
        assert lock_of("thing", pre=True).requirements.startswith("thing==2.0rc1 ")

    def test_a_constraint_asks_for_nothing_by_itself(self, package_folder: Path) -> None:
        make_wheel(package_folder, "thing", "1.0", requires="other")
        make_wheel(package_folder, "other", "1.0")
        make_wheel(package_folder, "other", "2.0")
        make_wheel(package_folder, "third", "1.0")
        found = lock_of("thing", constraints=("other<2", "third"))
        assert pinned(found) == ["other==1.0", "thing==1.0"]

    @pytest.mark.long
    def test_no_binary_builds_and_only_binary_does_not(self, package_folder: Path) -> None:
        make_wheel(package_folder, "thing", "1.0")
        make_sdist(package_folder, "thing", "pass", "1.0")
        make_sdist(package_folder, "thing", "pass", "2.0")
        assert pinned(lock_of("thing")) == ["thing==2.0"]
        assert pinned(lock_of("thing", only_binary=("thing",))) == ["thing==1.0"]
        built = prepare(
            EnvironmentSpec(packages=("thing==1.0",), pip=PipOptions(no_binary=("thing",))), nothing
        )
        assert output_of(built.python, "import thing; print(hasattr(thing, 'VERSION'))") == "False"

    def test_only_files_with_the_given_hashes_are_locked(self, package_folder: Path) -> None:
        wheel = make_wheel(package_folder, "thing")
        make_sdist(package_folder, "thing", "pass")
        given = f"sha256:{digests.of_file(wheel)}"
        found = lock_of("thing", hashes={"Thing": (given, f"sha256:{'0' * 64}")})
        assert found.requirements == f"thing==1.0 \\\n    --hash={given}\n"
        with pytest.raises(EnvironmentBuildException, match=r"None of the files of thing==1\.0 has a hash"):
            lock_of("thing", hashes={"thing": (f"sha256:{'0' * 64}",)})

    def test_required_hashes_are_required_of_all(self, package_folder: Path) -> None:
        wheel = make_wheel(package_folder, "thing", requires="other")
        make_wheel(package_folder, "other")
        hashes = {"thing": (f"sha256:{digests.of_file(wheel)}",)}
        with pytest.raises(EnvironmentBuildException, match=r"no --hash for other==1\.0"):
            lock_of("thing", hashes=hashes, require_hashes=True)

    @pytest.mark.parametrize(
        ("options", "named"),
        [
            ({"find_links": ("https://me:secret@host/x",)}, "netrc"),
            ({"find_links": ("relative",)}, "relative"),
            ({"find_links": ("/a/../etc",)}, "no place"),
            ({"no_binary": ("--index-url",)}, "package's name"),
            ({"only_binary": ("a b",)}, "package's name"),
            ({"trusted_hosts": ("host --pre",)}, "host to trust"),
            ({"constraints": ("-e .",)}, "it is an option"),
            ({"hashes": {"six": ("sha256:00",)}}, "not a hash"),
            ({"hashes": {"$(id)": ()}}, "package's name"),
        ],
        ids=str,
    )
    def test_what_cannot_be_used_is_refused_by_name(self, options: dict[str, object], named: str) -> None:
        with pytest.raises(UserErrorException, match=named) as caught:
            EnvironmentSpec(pip=PipOptions(**options))  # type: ignore[arg-type]  # given by name
        assert "secret" not in caught.value.message

    def test_options_are_part_of_what_is_asked(self) -> None:
        plain = EnvironmentSpec(packages=("six",))
        assert EnvironmentSpec(packages=("six",), notes=("a note",)).digest == plain.digest
        for options in (PipOptions(pre=True), PipOptions(constraints=("six<2",)), PipOptions(no_index=True)):
            assert EnvironmentSpec(packages=("six",), pip=options).digest != plain.digest

    def test_an_index_in_the_default_ones_place(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("UV_INDEX_URL", "https://everybody/simple")
        monkeypatch.setenv("UV_FIND_LINKS", "/srv/links")
        given = (IndexUrl("https://extra/simple"), IndexUrl("https://me:pw@mine/simple", default=True))
        found = environment(given, given=PipOptions(find_links=("/more",), trusted_hosts=("mine",)))
        assert found["UV_INDEX"] == "index1=https://extra/simple"
        assert found["UV_DEFAULT_INDEX"] == "index2=https://mine/simple"
        assert "UV_INDEX_URL" not in found
        assert found["UV_FIND_LINKS"] == "/more,/srv/links"
        assert found["UV_INSECURE_HOST"] == "mine"

    def test_digests_from_before_there_were_options_hold(self) -> None:
        lock = msgspec.structs.replace(
            Lock.from_json(
                b'{"interpreter":{"path":"/usr/bin/python3","version":"3.11.7","implementation":"CPython"},'
                b'"platform":"linux-x86_64","requirements":"six==1.0\\n","build_constraints":[],"spec_digest":"'
                + b"0" * 64
                + b'","index_urls":[{"url":"https://host/simple","name":"mine"}],"built":true}'
            )
        )
        assert lock.digest == "19652b5ab2a250292379b20b8801778f0261bbf51325fab013acc5e0e7dffa40"


class TestArchives:
    @pytest.mark.long
    def test_a_folder_is_built_into_the_lock_with_its_digest(
        self, package_folder: Path, tmp_path: Path
    ) -> None:
        make_wheel(package_folder, "thing")
        folder = make_project(tmp_path / "pkg")
        asked = EnvironmentSpec(archives=(packing.keep(folder, "./pkg"),))
        first = prepare(asked, nothing)
        assert output_of(first.python, "import my_own, thing; print(my_own.X)") == "1"
        [archive] = first.lock.archives
        assert (archive.name, archive.digest) == ("my-own", asked.archives[0].digest)
        assert pinned(first.lock) == ["my-own @ ./pkg", "thing==1.0"]
        assert find_ready(asked) is not None
        make_project(folder, "X = 2\n")
        second = prepare(EnvironmentSpec(archives=(packing.keep(folder, "./pkg"),)), nothing)
        assert second.lock_digest != first.lock_digest
        assert output_of(second.python, "import my_own; print(my_own.X)") == "2"

    @pytest.mark.long
    def test_its_extras_are_installed(self, package_folder: Path, tmp_path: Path) -> None:
        make_wheel(package_folder, "thing")
        make_wheel(package_folder, "other")
        kept = msgspec.structs.replace(
            packing.keep(make_project(tmp_path / "pkg"), "./pkg"), extras=("more",)
        )
        assert "other==1.0" in pinned(resolve(EnvironmentSpec(archives=(kept,)), nothing))
        named = msgspec.structs.replace(kept, name="my-own", marker='python_version >= "3"')
        assert "other==1.0" in pinned(resolve(EnvironmentSpec(archives=(named,)), nothing))

    def test_a_wheel_wins_over_the_index(self, package_folder: Path, tmp_path: Path) -> None:
        make_wheel(package_folder, "thing", "1.0")
        own = make_wheel(tmp_path / "dist", "thing", "1.0", requires="other")
        make_wheel(package_folder, "other")
        lock = resolve(EnvironmentSpec(packages=("thing",), archives=(packing.keep(own, str(own)),)), nothing)
        assert pinned(lock) == [f"thing @ {own}", "other==1.0"]

    def test_one_that_is_gone_or_damaged_is_told(self, package_folder: Path, tmp_path: Path) -> None:
        make_wheel(package_folder, "thing")
        kept = packing.keep(make_project(tmp_path / "pkg"), "./pkg")
        asked = EnvironmentSpec(archives=(kept,))
        archives.place(kept).write_bytes(b"something else")
        with pytest.raises(EnvironmentBuildException, match=r"\./pkg .* is damaged"):
            prepare(asked, nothing)
        archives.place(kept).unlink()
        with pytest.raises(EnvironmentBuildException, match="is not on this machine any more"):
            prepare(asked, nothing, retry=True)

    def test_asked_for_again_a_damaged_one_is_mended(self, package_folder: Path, tmp_path: Path) -> None:
        kept = packing.keep(make_project(tmp_path / "pkg"), "./pkg")
        archives.place(kept).write_bytes(b"something else")
        assert packing.keep(tmp_path / "pkg", "./pkg") == kept
        assert archives.verified(kept).is_file()

    @pytest.mark.parametrize(
        "archive",
        [
            ArchiveRequest("../x.whl", "0" * 64),
            ArchiveRequest("x.exe", "0" * 64),
            ArchiveRequest("x.whl", "../../etc"),
            ArchiveRequest("x.whl", "0" * 64, name="-e ."),
            ArchiveRequest("x.whl", "0" * 64, extras=("a]; $(id)",)),
            ArchiveRequest("x.whl", "0" * 64, marker="$(id)"),
        ],
        ids=str,
    )
    def test_what_names_no_archive_is_refused(self, archive: ArchiveRequest) -> None:
        with pytest.raises(UserErrorException):
            EnvironmentSpec(archives=(archive,))

    def test_those_that_nothing_uses_go(self, package_folder: Path, tmp_path: Path) -> None:
        kept = packing.keep(make_wheel(tmp_path / "dist", "one"), "one")
        held = packing.keep(make_wheel(tmp_path / "dist", "two"), "two")
        fresh = packing.keep(make_wheel(tmp_path / "dist", "three"), "three")
        for old in (kept, held):
            os.utime(archives.place(old).parent, (0, 0))
        assert archives.prune({held.digest}, 0) > 0
        assert [archives.is_there(each) for each in (kept, held, fresh)] == [False, True, True]


class TestRemedies:
    def test_a_build_that_the_index_lacks(self, package_folder: Path) -> None:
        make_wheel(package_folder, "thing", "1.0")
        with pytest.raises(
            EnvironmentBuildException, match=r"thing==1\.0\+cu116 names a build.*--extra-index-url"
        ):
            lock_of("thing==1.0+cu116")

    def test_an_index_that_is_asked_first_and_has_other_versions(
        self, package_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, version in (("first", "1.0"), ("second", "2.0")):
            folder = tmp_path / name / "thing"
            wheel = make_wheel(folder, "thing", version)
            (folder / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
        monkeypatch.delenv("PIP_NO_INDEX")
        indexes = tuple(IndexUrl((tmp_path / name).as_uri()) for name in ("first", "second"))
        spec = EnvironmentSpec(packages=("thing==2.0",), index_urls=indexes)
        with pytest.raises(EnvironmentBuildException, match="UV_INDEX_STRATEGY=unsafe-best-match"):
            resolve(spec, nothing)
